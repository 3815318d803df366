"""The food licence system: idempotency keys, updates, look-ups, and clerks who type records in themselves.

Wherever a call names an application, its bizKey and food's own number are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.altering import Alteration
from syncgate.sandbox.systems.food_names import (
    APPLICATION_NUMBER,
    EVENT_NUMBER,
    Names,
    is_typed_event_number,
    is_typed_number,
    with_key_of,
)
from syncgate.sandbox.systems.food_records import invalid_in_application, invalid_in_event
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, parse_json, split_path
from syncgate.sandbox.systems.keyed import DENIED, Registry, is_same_secret, parse_body, refused
from syncgate.sandbox.systems.listings import Listing, with_more
from syncgate.sandbox.systems.shelf import Shelved
from syncgate.sandbox.wire import Request, json_reply

BASE = "/foodlicence/api"


class Food:
    """The system's contents and its rules."""

    name = "food"
    operations: Sequence[str] = (
        *("create", "update", "read", "event", "read_event"),
        *("list", "list_events", "count"),
    )

    def __init__(self, *, key: str) -> None:
        self._key = key
        self._holdings = Holdings()
        self._names = Names()
        self._applications = Listing(self._holdings.shelf(has_part=False), _application_shown, "bizKey")
        self._events = Listing(self._holdings.shelf(has_part=True), _event_shown, "eventKey", has_cursor=True)
        self._registry = Registry(holdings=self._holdings, describe=_describe, key_header="Idempotency-Key")

    def identify(self, request: Request) -> Call:
        """What the method and the path ask for; the keys of what is new come from the body."""
        match request.method, split_path(request.path, BASE):
            case "POST", ["applications"]:
                return self._write("create", request)
            case "PUT", ["applications", key] if key:
                return self._write("update", request, key)
            case "GET", ["applications"]:
                return Call("list", is_read=True, value=self._applications.wanted(request))
            case "GET", ["applications", "count"]:
                return Call("count", is_read=True)
            case "GET", ["events"]:
                return Call("list_events", is_read=True, value=self._events.wanted(request))
            case "GET", ["applications", key] if key:
                return Call("read", self._names.key(key), is_read=True)
            case "POST", ["applications", key, "events"] if key:
                return self._write("event", request, key)
            case "GET", ["applications", key, "events", part] if key and part:
                return Call("read_event", self._names.key(key), part, is_read=True)
            case _:
                return Call("")

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Credentials first, then the idempotency key, then the record."""
        if not is_same_secret(request.headers.get("authorization", ""), f"Bearer {self._key}"):
            return DENIED
        match call.operation:
            case "read" | "read_event":
                return self._look_up(call)
            case "list":
                return self._applications.page(call.value)
            case "list_events":
                return self._events.page(call.value)
            case "count":
                return self._applications.count(request)
            case "event":
                objection = self._registry.objection(call, lambda value: self._invalid_event(value, call.key))
                return objection or self._create_event(call)
            case "create":
                return self._registry.objection(call, invalid_in_application) or self._registry.create(call)
            case _:
                objection = self._registry.objection(call, lambda value: self._invalid_update(value, call.key))
                return objection or self._registry.replace(call)

    def listing(self, call: Call) -> Listing | None:
        """Applications by page, events by cursor."""
        return {"list": self._applications, "list_events": self._events}.get(call.operation)

    def apply(self, change: Change) -> None:
        """Hold a record."""
        self._holdings.apply(change)
        held = self._holdings.find(change.key, change.part)
        if held is not None and change.kind != "doubled":
            self._names.remember(change, number=APPLICATION_NUMBER.format(held.number))

    def type_in(self, value: Any) -> tuple[Call, Verdict]:
        """A clerk's own application or event, or a clerk's correction of an application.

        Value: `number` as food gives it, `record` without our keys, `of` for an event: its application's
        number or bizKey. The same again is answered alike and does nothing.
        """
        fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
        number, record = _said(fields, "number"), fields.get("record")
        if "of" in fields:
            call = Call("type", self._names.key(_said(fields, "of")), number, value=record)
            return call, self._type_event(call)
        call = Call("type", self._names.key(number), value=record)
        return call, self._type_application(call, number)

    def number_of(self, name: str) -> str | None:
        """The number of the application with this bizKey or number."""
        held = self._holdings.find(self._names.key(name))
        return None if held is None else APPLICATION_NUMBER.format(held.number)

    def alter(self, alteration: Alteration) -> Change:
        """What is altered behind our back; an application is named by its bizKey or its number."""
        return self._holdings.alter(replace(alteration, key=self._names.key(alteration.key)))

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

    def _type_application(self, call: Call, number: str) -> Verdict:
        held = self._holdings.find(call.key)
        if held is None and not is_typed_number(number):
            return refused(422, "invalid", fields=["number"])
        fields = _without_keys(call.value, invalid_in_application, "bizKey")
        if fields:
            return refused(422, "invalid", fields=fields)
        record = with_key_of(call.value, held.record if held is not None else None)
        return _typed(Change("create", call.key, "", record, "typed"), held, number)

    def _type_event(self, call: Call) -> Verdict:
        if self._holdings.find(call.key) is None:
            return refused(409, "no such application")
        fields = _without_keys(call.value, invalid_in_event, "bizKey", "eventKey")
        fields += [] if is_typed_event_number(call.part) else ["number"]
        if fields:
            return refused(422, "invalid", fields=fields)
        held = self._holdings.find(call.key, call.part)
        record = with_key_of(call.value, None)
        if held is not None and parse_json(held.record) != call.value:
            return refused(409, "exists", id=call.part)
        return _typed(Change("event", call.key, call.part, record, "typed"), held, call.part)

    def _write(self, operation: str, request: Request, name: str = "") -> Call:
        record, value = parse_body(request.body)
        fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
        return Call(
            operation,
            key=self._names.key(name or _said(fields, "bizKey")),
            part=_said(fields, "eventKey") if operation == "event" else "",
            request_key=request.headers.get("idempotency-key", ""),
            record=record,
            value=value,
        )

    def _invalid_event(self, value: Any, key: str) -> list[str]:
        return invalid_in_event(value) or self._other_key(value, key)

    def _invalid_update(self, value: Any, key: str) -> list[str]:
        return invalid_in_application(value) or self._other_key(value, key)

    def _other_key(self, value: Mapping[str, Any], key: str) -> list[str]:
        return [] if self._names.allows(value["bizKey"], key) else ["bizKey"]


def _typed(change: Change, held: Held | None, number: str) -> Verdict:
    shown = {"id": number}
    if held is not None and parse_json(held.record) == parse_json(change.record):
        return Verdict(json_reply(200, shown), "replayed")
    return Verdict(json_reply(200 if held is not None else 201, shown), "typed", change)


def _without_keys(record: Any, invalid: Callable[[Any], list[str]], *names: str) -> list[str]:
    """What is wrong in a clerk's record, which has none of our keys."""
    if not isinstance(record, dict):
        return [""]
    return [name for name in names if name in record] or invalid({**record, **dict.fromkeys(names, "typed")})


def _application_shown(row: Shelved) -> str:
    return with_more(row.record, id=APPLICATION_NUMBER.format(row.number), version=row.version)


def _event_shown(row: Shelved) -> str:
    return with_more(row.record, id=EVENT_NUMBER.format(row.number))


def _said(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _describe(call: Call, held: Held) -> Mapping[str, Any]:
    if call.part:
        return {"id": EVENT_NUMBER.format(held.number)}
    number = {"id": APPLICATION_NUMBER.format(held.number)}
    return {**number, "bizKey": call.key} if call.operation == "create" else number
