"""`POST /v1/cases:check`: what the same post would do now, asked while the citizen is still at the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import RequestError, SyncgateError
from syncgate.flows.accepting.check import CheckedCase, Expected
from syncgate.flows.delivering.work import PayloadFault
from syncgate.flows.gate import Gate
from syncgate.language import Language
from syncgate.telemetry import log
from syncgate.web import body as bodies
from syncgate.web import problems
from syncgate.web.auth import if_match_in, refuse_headers
from syncgate.web.desk import Desk
from syncgate.web.place import Place

PATH: Final = "/v1/cases:check"
_ROOTS: Final = {"case": "", "stage": "/stages/0", "material": "/materials/0"}
"""Where in a case the roots of a mapping's paths stand."""


def routes(place: Place) -> list[Route]:
    """The check's route."""
    return [Route(PATH, Checker(place), methods=["POST"], include_in_schema=False)]


class Checker:
    """Answers what a post would come to. A check that is refused leaves no trace: it was no submission."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        desk = Desk.of(self._place, scope, route=PATH)
        desk.path = "/v1/cases"
        try:
            answer = told(await self._checked(desk, scope, receive), self._place.gate, desk.language)
            response = Response(orjson.dumps(answer), 200, media_type=bodies.JSON)
        except SyncgateError as error:
            if not isinstance(error, RequestError):
                log.error("check_failed", code=error.code, reason=error.message, route=PATH)
            response = problems.answer(error, language=desk.language, schema=self._place.gate.schema)
        except bodies.Disconnected:
            return
        await response(scope, receive, send)

    async def _checked(self, desk: Desk, scope: Scope, receive: Receive) -> CheckedCase:
        place, headers, settings = self._place, scope["headers"], self._place.settings
        caller = await desk.enter(scope, bodies.JSON)
        refuse_headers(headers, b"idempotency-key")
        if_match = if_match_in(headers)
        body = await bodies.read(headers, receive, limit=settings.body_limit, within=settings.body_within)
        document = desk.document(body)
        return await place.flows.check_case(place.gate, caller, document, desk.call(document, if_match=if_match))


def told(checked: CheckedCase, gate: Gate, language: Language) -> dict[str, Any]:
    """What a post would come to as JSON, without a value of the case but its number."""
    return {
        "case_id": None if checked.case_id is None else str(checked.case_id),
        "case_no": checked.case_no,
        "revision": checked.revision,
        "unchanged": checked.is_unchanged,
        "joins": checked.is_joining,
        "deliveries": [_expected(each, gate, language) for each in checked.deliveries],
        "warnings": problems.told(checked.warnings, language=language, schema=gate.schema),
    }


def _expected(expected: Expected, gate: Gate, language: Language) -> dict[str, Any]:
    return {
        "system": expected.system,
        "message": expected.message,
        "part": expected.part,
        "phase": expected.phase,
        "changes": expected.is_changed,
        "reason": expected.reason,
        "actor": expected.actor,
        "waits_for": expected.waits_for,
        "faults": [_fault(fault, expected, gate, language) for fault in expected.faults],
    }


def _fault(fault: PayloadFault, expected: Expected, gate: Gate, language: Language) -> dict[str, str]:
    at = _pointer(fault.path)
    title = gate.schema.titles(at).get(language, "") if at else ""
    return {
        "field": fault.field,
        "pointer": at,
        "title": title or _contract_title(fault.field, expected, gate, language),
        "rule": fault.rule,
        "expected": fault.expected,
    }


def _pointer(path: str) -> str:
    """The JSON Pointer of a mapping's path; of a part the place of the first; empty without one in the case."""
    root, *steps = path.split(".")
    if root not in _ROOTS or not steps:
        return ""
    return _ROOTS[root] + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _contract_title(field: str, expected: Expected, gate: Gate, language: Language) -> str:
    """What the system's contract calls a field; empty where it does not say."""
    node: Any = gate.active_bundle(expected.system).specs[expected.message].contract.document
    for step in field.split("/"):
        below = node.get("items") if step.isdigit() else node.get("properties", {}).get(step)
        if not isinstance(below, Mapping):
            return ""
        node = below
    return str(node.get("title" if language == "zh" else "x-title-en", node.get("title", "")))
