"""Logs as JSON lines on stderr. Only known keys pass, so that personal data cannot slip in by a new one."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal

import orjson
import structlog

KEYS: Final = frozenset(
    {
        "actor", "at", "attempt", "batch", "breaker", "bundle", "case_id", "code", "count", "delivery_id", "digest",
        "duration_ms", "entry_no", "error", "error_id", "event", "flagged", "held", "kind", "known", "lane", "level",
        "message_name", "method", "mode", "operation", "outcome", "phase", "port", "principal_id", "process", "reason",
        "revision", "role", "route", "rule", "signal", "size", "slot", "source", "state", "status", "step", "system",
        "taken", "timestamp", "until", "url_host", "version", "waits_for", "worker",
    }
)  # fmt: skip
"""Every key that a log line may have. None is ever given what a source or a system wrote."""

_LONGEST: Final = 500

Event = MutableMapping[str, Any]


def allow_listed(_logger: Any, _method: str, event: Event) -> Event:
    """Drops every key that is not known, and says which; texts are cut."""
    kept = {key: _short(value) for key, value in event.items() if key in KEYS}
    if len(kept) < len(event):
        kept["dropped"] = sorted(key for key in event if key not in KEYS and key.isidentifier())
    return kept


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def foreign(_logger: Any, _method: str, event: Event) -> Event:
    """A record of another library, without its message and arguments, which may quote anything."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["event"] = "library"
        event["at"] = f"{record.name}:{record.lineno}"
    return event


def exception_named(_logger: Any, _method: str, event: Event) -> Event:
    """The exception by its class only: its text may hold what a citizen wrote."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event.setdefault("error", type(raised).__name__)
    return event


def configure(*, level: str = "info", form: Literal["json", "console"] = "json") -> None:
    """Sends our log and that of every library to stderr, one JSON object a line.

    What other libraries log is reduced to who logged, where and which exception: their messages may hold
    URLs, SQL parameters or bodies.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: Any = (
        structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event).decode())
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, foreign],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                exception_named,
                allow_listed,
                rendered,
            ],
        )
    )
    logging.raiseExceptions = False  # what cannot be logged is not printed with its arguments instead
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("syncgate").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a run left out because one is under way is no news


log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("syncgate")
"""The one logger: `log.info("delivery_settled", system=…, outcome=…)`."""
