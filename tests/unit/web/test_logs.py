"""Logs: only known keys, nothing of what other libraries quote."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from syncgate import telemetry
from syncgate.telemetry import log

SECRET = "测样甲"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    telemetry.configure()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_with_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure()
    log.info("delivery_settled", system="food", outcome="taken")
    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"event": "delivery_settled", "system": "food", "outcome": "taken", "level": "info"}


def test_an_unknown_key_never_passes(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure()
    log.info("case_taken", applicant=SECRET, case={"name": SECRET})
    (line,) = lines(capsys)
    assert SECRET not in json.dumps(line, ensure_ascii=False)
    assert line["dropped"] == ["applicant", "case"]


def test_what_another_library_quotes_never_passes(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure()
    logger = logging.getLogger("some.library")
    logger.warning("could not insert %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("failed for %s", SECRET)
    first, second = lines(capsys)
    assert SECRET not in json.dumps([first, second], ensure_ascii=False)
    assert first["event"] == "library"
    assert second["error"] == "ValueError"


def test_an_exception_passed_to_our_log_is_not_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure()
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("step_failed", system="food")
    assert SECRET not in capsys.readouterr().err


def test_every_key_that_the_code_logs_is_known() -> None:
    package = Path(telemetry.__file__).parent
    calls = (
        (path.name, keyword.arg)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
        for keyword in node.keywords
    )
    assert [call for call in calls if call[1] not in telemetry.KEYS] == []


def test_the_access_log_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure()
    logging.getLogger("uvicorn.access").info("GET /v1/cases/window:1")
    assert capsys.readouterr().err == ""
