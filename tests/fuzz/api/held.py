"""Runs schemathesis against a gate, and says what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema

from syncgate.web import body as bodies
from tests.fuzz.api.peopled import Peopled

Json = Any
SUBMITTING: Final = ("/v1/cases", "/v1/cases:batch", "/v1/cases:check", "/v1/cases/{case}/stages")
CALLER_BY_PATH: Final = {
    **dict.fromkeys(SUBMITTING, "source"),
    "/v1/sources/{source}/records": "sources",
    "/v1/keys": "security",
    "/v1/keys/{principal_id}/revoke": "security",
}
CALLER_BY_OPERATION: Final = {
    ("get", "/v1/cases"): "admin",
    ("put", "/v1/cases/{case}"): "source",
    ("patch", "/v1/cases/{case}"): "source",
    ("put", "/v1/cases/{case}/materials/{material}"): "source",
}
ANYBODY: Final = "admin"
HEADERS: Final = {"header.X-Source": ("window",), "header.If-Match": ("*", '"1"'), "header.X-Reason": ("x",)}
EXCLUDED: Final = {
    # What fits the schema may still contradict what is stored, or break a rule that no schema can say (`x-rules`).
    "positive_data_acceptance": {"enabled": False},
}
"""Checks that are left out, each with its reason; all others are made."""
EXCLUDED_BY_PATH: Final = {
    # A bad line fails alone: the answer is 200, and the line's own result says 422.
    "/v1/cases:batch": {"negative_data_rejection": {"enabled": False}},
}


@schemathesis.serializer(bodies.NDJSON)
def lines(_context: Any, value: Any) -> bytes:
    """Values one a line."""
    return b"".join(orjson.dumps(one, default=str) + b"\n" for one in (value if isinstance(value, list) else [value]))


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)


def caller_of(method: str, path: str) -> str:
    """Whose key reaches an operation."""
    return CALLER_BY_OPERATION.get((method, path)) or CALLER_BY_PATH.get(path, ANYBODY)


def settings(
    gate: Peopled,
    document: Json,
    *,
    seed: int,
    examples: int,
    caller: str | None,
    phases: Collection[str],
    only: str = "",
) -> Json:
    """What schemathesis is told.

    Args:
        caller: whose key all calls bear; empty: none; None: for each operation the key that reaches it.
        phases: of schemathesis: examples, coverage, fuzzing, stateful.
        only: a pattern of paths; all others are left out.
    """
    known = {f"path.{name}": values for name, values in gate.known.items() if values} | HEADERS
    operations = [
        {
            "include-method": method.upper(),
            "include-path": path,
            "checks": EXCLUDED_BY_PATH.get(path, {}),
            **({"headers": {"Authorization": f"Bearer {key}"}} if key else {}),
        }
        for path, methods in document["paths"].items()
        for method in methods
        for key in [gate.key_by_name.get(caller_of(method, path) if caller is None else caller)]
    ]
    if only:
        operations.append({"exclude-path-regex": only, "enabled": False})
    return {
        "base-url": gate.base_url,
        "seed": seed,
        "continue-on-failure": True,
        "dictionaries": {name.replace(".", "_"): {"values": list(values)} for name, values in known.items()},
        "parameters": {name: {"dictionary": name.replace(".", "_"), "probability": 0.8} for name in known},
        "generation": {"max-examples": examples, "database": ":memory:", "with-security-parameters": False},
        "checks": EXCLUDED,
        "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
        "operations": operations,
        "cache": {"enabled": False},
        "suppress-health-check": ["all"],
    }


def run(gate: Peopled, config: Json) -> Tally:
    """One run."""
    schema = schemathesis.openapi.from_url(f"{gate.base_url}/openapi.json", config=SchemathesisConfig.from_dict(config))
    tally = Tally()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(tally, event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            error = getattr(event, "value", None) or getattr(event, "exception", None)
            tally.findings.setdefault(f"error {type(error).__name__}", str(error)[:2000])
    return tally


def _count(tally: Tally, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for one in recorder.interactions.values():
        tally.calls[event.phase.name] += 1
        if one.response is not None:
            tally.statuses[one.response.status_code] += 1
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            failure: Failure = check.failure_info.failure
            operation = getattr(failure, "operation", event.label)
            told = f"{failure.title}\n{failure.message}\n{check.failure_info.code_sample}"
            response = recorder.interactions[case_id].response
            if response is not None:
                told += f"\n-> {response.status_code} {response.text[:1000]}"
            tally.findings.setdefault(f"{check.name}: {operation}: {failure.title}: {failure.message[:90]}", told)
