"""The food licence system: idempotency keys, updates, and a look-up by our own key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.food_records import invalid_in_application, invalid_in_event
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, split_path
from syncgate.sandbox.systems.keyed import DENIED, Registry, is_same_secret, parse_body, refused
from syncgate.sandbox.wire import Request

BASE = "/foodlicence/api"


class Food:
    """The system's contents and its rules."""

    name = "food"
    operations: Sequence[str] = ("create", "update", "read", "event", "read_event")

    def __init__(self, *, key: str) -> None:
        self._key = key
        self._holdings = Holdings()
        self._registry = Registry(holdings=self._holdings, describe=_describe, key_header="Idempotency-Key")

    def identify(self, request: Request) -> Call:
        """What the method and the path ask for; the keys of what is new come from the body."""
        match request.method, split_path(request.path, BASE):
            case "POST", ["applications"]:
                return _write("create", request)
            case "PUT", ["applications", key] if key:
                return _write("update", request, key)
            case "GET", ["applications", key] if key:
                return Call("read", key, is_read=True)
            case "POST", ["applications", key, "events"] if key:
                return _write("event", request, key)
            case "GET", ["applications", key, "events", part] if key and part:
                return Call("read_event", key, part, is_read=True)
            case _:
                return Call("")

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Credentials first, then the idempotency key, then the record."""
        if not is_same_secret(request.headers.get("authorization", ""), f"Bearer {self._key}"):
            return DENIED
        match call.operation:
            case "read" | "read_event":
                return self._look_up(call)
            case "event":
                objection = self._registry.objection(call, lambda value: _invalid_event(value, call.key))
                return objection or self._create_event(call)
            case "create":
                return self._registry.objection(call, invalid_in_application) or self._registry.create(call)
            case _:
                objection = self._registry.objection(call, lambda value: _invalid_update(value, call.key))
                return objection or self._registry.replace(call)

    def apply(self, change: Change) -> None:
        """Hold a record."""
        self._holdings.apply(change)

    def refusal(self, call: Call) -> Verdict:
        """As if a field were invalid."""
        return refused(422, "invalid", fields=["kind" if call.operation == "event" else "premises"])

    def denial(self) -> Verdict:
        """HTTP 401."""
        return DENIED

    def _look_up(self, call: Call) -> Verdict:
        return self._registry.look_up(call, name="data", has_version=call.operation == "read")

    def _create_event(self, call: Call) -> Verdict:
        if self._holdings.find(call.key) is None:
            return refused(409, "no such application")
        return self._registry.create(call)


def _write(operation: str, request: Request, key: str = "") -> Call:
    record, value = parse_body(request.body)
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
    return Call(
        operation,
        key=key or _said(fields, "bizKey"),
        part=_said(fields, "eventKey") if operation == "event" else "",
        request_key=request.headers.get("idempotency-key", ""),
        record=record,
        value=value,
    )


def _said(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _invalid_event(value: Any, key: str) -> list[str]:
    return invalid_in_event(value) or _other_key(value, key)


def _invalid_update(value: Any, key: str) -> list[str]:
    return invalid_in_application(value) or _other_key(value, key)


def _other_key(value: Mapping[str, Any], key: str) -> list[str]:
    return [] if value["bizKey"] == key else ["bizKey"]


def _describe(call: Call, held: Held) -> Mapping[str, Any]:
    if call.part:
        return {"id": f"SPEV2026{held.number:06d}"}
    number = {"id": f"SPJY2026{held.number:06d}"}
    return {**number, "bizKey": call.key} if call.operation == "create" else number
