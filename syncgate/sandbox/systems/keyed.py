"""How food and workorders take records: an idempotency key for each write, replacing, looking up."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, parse_json
from syncgate.sandbox.wire import Reply, json_reply

DENIED = Verdict(json_reply(401, {"error": "unauthorized"}), "denied")

Shown = Mapping[str, Any]
Describe = Callable[[Call, Held], Shown]
"""What an answer to a call says of a record that stands: above all the number that the system gave it."""


def is_same_secret(given: str, wanted: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))


def refused(status: int, error: str, **more: Any) -> Verdict:
    """A refusal as these systems word it."""
    return Verdict(json_reply(status, {"error": error, **more}), "refused")


def parse_body(body: bytes) -> tuple[str, Any]:
    """The text of a body and its value; the value is None where the body is no JSON in UTF-8."""
    try:
        text = body.decode("utf-8")
        return text, parse_json(text)
    except ValueError:
        return "", None


class Registry:
    """Where records are handed in: decides what a write or a look-up comes to."""

    def __init__(self, *, holdings: Holdings, describe: Describe, key_header: str) -> None:
        self._holdings = holdings
        self._describe = describe
        self._key_header = key_header

    def objection(self, call: Call, invalid: Callable[[Any], list[str]]) -> Verdict | None:
        """What stands against a write before anything held is looked at, or its replay."""
        if not call.request_key:
            return refused(400, f"{self._key_header} required")
        if call.value is None:
            return refused(400, "expected JSON in UTF-8")
        answered = self._holdings.answered(call.request_key)
        if answered is not None:
            if not answered.is_for(_change(call, "created")):
                return refused(422, f"{self._key_header} was used for another body")
            return Verdict(self._reply(200, call, answered.held), "replayed")
        fields = invalid(call.value)
        return refused(422, "invalid", fields=fields) if fields else None

    def create(self, call: Call) -> Verdict:
        """A new record, or the answer that its key is taken."""
        held = self._holdings.find(call.key, call.part)
        if held is not None:
            shown = self._describe(call, held)
            return Verdict(json_reply(409, {"error": "exists", **shown}), "duplicate")
        change = _change(call, "created")
        return Verdict(self._reply(201, call, self._holdings.preview(change)), "created", change)

    def replace(self, call: Call) -> Verdict:
        """A new version of a record, or the answer that there is none."""
        if self._holdings.find(call.key, call.part) is None:
            return refused(404, "not found")
        change = _change(call, "updated")
        return Verdict(self._reply(200, call, self._holdings.preview(change)), "updated", change)

    def remove(self, call: Call) -> Verdict:
        """A record is gone, or the answer that there is none."""
        held = self._holdings.find(call.key, call.part)
        if held is None:
            return refused(404, "not found")
        change = Change("create", call.key, call.part, held.record, "removed")
        return Verdict(json_reply(200, dict(self._describe(call, held))), "removed", change)

    def look_up(self, call: Call, *, name: str, has_version: bool = False) -> Verdict:
        """A record as it stands, under `name`."""
        held = self._holdings.find(call.key, call.part)
        if held is None:
            return Verdict(json_reply(404, {"error": "not found"}), "read")
        shown = {name: parse_json(held.record), **self._describe(call, held)}
        if has_version:
            shown["version"] = held.version
        return Verdict(json_reply(200, shown), "read")

    def _reply(self, status: int, call: Call, held: Held) -> Reply:
        shown = dict(self._describe(call, held))
        if call.operation == "update":
            shown["version"] = held.version
        return json_reply(status, shown)


def _change(call: Call, kind: str) -> Change:
    return Change(call.operation, call.key, call.part, call.record, kind, call.request_key)
