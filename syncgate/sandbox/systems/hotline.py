"""The 12345 hotline's own platform: its operators type calls in, and it is told what assignees do.

A call bears the hotline's number. What an assignee did stands below it, once for each stage, under our key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.altering import Alteration
from syncgate.sandbox.systems.fields import Form, invalid_fields, is_string, is_text, is_time
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, parse_json, split_path
from syncgate.sandbox.systems.keyed import DENIED, Registry, is_same_secret, parse_body, refused
from syncgate.sandbox.systems.listings import Listing, with_more
from syncgate.sandbox.systems.shelf import Shelved
from syncgate.sandbox.wire import Request, json_reply

BASE = "/hotline/api"
PROGRESS_NUMBER = "FK{:08d}"
KINDS = ("signed", "return_requested", "extension_requested", "step", "replied")
"""What an assignee may have done, in the hotline's numbers: 01, 02 …"""

CALL: Form = {
    "orderNo": is_text,
    "title": is_text,
    "address": is_text,
    "content": is_string,
    "caller": is_text,
    "phone": is_text,
    "confidential": lambda value: value in ("0", "1"),
    "calledAt": is_time,
}
PROGRESS: Form = {
    "progressKey": is_text,
    "node": lambda value: value in {f"{number:02d}" for number in range(1, len(KINDS) + 1)},
    "at": is_time,
    "orgName": is_text,
    "orgCode": is_text,
}
PROGRESS_MORE: Form = {"handler": is_text, "opinion": is_text, "reason": is_text}


class Hotline:
    """The system's contents and its rules."""

    name = "hotline"
    operations: Sequence[str] = ("progress", "read_progress", "list")

    def __init__(self, *, key: str) -> None:
        self._key = key
        self._holdings = Holdings()
        self._progress = Listing(self._holdings.shelf(has_part=True), _shown, "progressKey")
        self._registry = Registry(holdings=self._holdings, describe=_describe, key_header="X-Request-Id")

    def identify(self, request: Request) -> Call:
        """What the method and the path ask for; the key of a stage comes from the body."""
        match request.method, split_path(request.path, BASE):
            case "POST", ["orders", number, "progress"] if number:
                record, value = parse_body(request.body)
                part = value.get("progressKey") if isinstance(value, dict) else None
                request_key = request.headers.get("x-request-id", "")
                shown = part if isinstance(part, str) else ""
                return Call("progress", number, shown, request_key=request_key, record=record, value=value)
            case "GET", ["progress"]:
                return Call("list", is_read=True, value=self._progress.wanted(request))
            case "GET", ["orders", number, "progress", part] if number and part:
                return Call("read_progress", number, part, is_read=True)
            case _:
                return Call("")

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Credentials first, then the request's own id, then the call that is told of, then the record."""
        if not is_same_secret(request.headers.get("x-session-id", ""), self._key):
            return DENIED
        if call.operation == "read_progress":
            return self._registry.look_up(call, name="progress")
        if call.operation == "list":
            return self._progress.page(call.value)
        objection = self._registry.objection(call, lambda value: list(invalid_fields(value, PROGRESS, PROGRESS_MORE)))
        if objection is not None:
            return objection
        if self._holdings.find(call.key) is None:
            return refused(404, "no such order")
        return self._registry.create(call)

    def listing(self, call: Call) -> Listing | None:
        """What assignees did, by page."""
        return self._progress if call.operation == "list" else None

    def alter(self, alteration: Alteration) -> Change:
        """What is altered behind our back."""
        return self._holdings.alter(alteration)

    def apply(self, change: Change) -> None:
        """Hold a call or what was done about it."""
        self._holdings.apply(change)

    def type_in(self, value: Any) -> tuple[Call, Verdict]:
        """A call that an operator typed in: `record`, under its number. The same again does nothing."""
        record = value.get("record") if isinstance(value, dict) else None
        number = record.get("orderNo") if isinstance(record, dict) else None
        call = Call("type", number if isinstance(number, str) else "", value=record)
        fields = list(invalid_fields(record, CALL, {}))
        if fields:
            return call, refused(422, "invalid", fields=fields)
        held = self._holdings.find(call.key)
        if held is not None:
            is_same = parse_json(held.record) == record
            return call, Verdict(json_reply(200, {"id": call.key}), "replayed") if is_same else refused(409, "exists")
        typed = Change("create", call.key, "", json.dumps(record, ensure_ascii=False), "typed")
        return call, Verdict(json_reply(201, {"id": call.key}), "typed", typed)

    def number_of(self, name: str) -> str | None:
        """The call's number, where there is such a call."""
        return None if self._holdings.find(name) is None else name

    def refusal(self, call: Call) -> Verdict:
        """As if the organisation were not known."""
        return refused(422, "invalid", fields=["orgCode"])

    def denial(self) -> Verdict:
        """HTTP 401."""
        return DENIED


def _shown(row: Shelved) -> str:
    return with_more(row.record, progressNo=PROGRESS_NUMBER.format(row.number))


def _describe(call: Call, held: Held) -> Mapping[str, Any]:
    return {"progressNo": PROGRESS_NUMBER.format(held.number)}
