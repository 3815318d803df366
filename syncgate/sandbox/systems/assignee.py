"""How urban and ecology take what the hotline assigns to them: a task per turn at a call, and how the turn ended.

A task is told apart by our key; it belongs to the hotline's number of the call and to the round of it there. A closing
belongs to a task, by the task's own number, and is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.altering import Alteration
from syncgate.sandbox.systems.fields import Form, invalid_fields, is_string, is_text, is_time
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, split_path
from syncgate.sandbox.systems.keyed import DENIED, Registry, is_same_secret, parse_body, refused
from syncgate.sandbox.systems.listings import Listing, with_more
from syncgate.sandbox.systems.shelf import Shelf, Shelved
from syncgate.sandbox.wire import Request

KEY_HEADER = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class Desk:
    """What tells one such system from another.

    Attributes:
        base, tasks, closing: its paths.
        key, call_no, round_no: the fields of a task that say our key, the hotline's number, and which round it is.
        number, number_field: how it numbers tasks, and where its answers say so.
        task, task_more: the fields of a task; closed, closed_more: those of a closing, beside its round.
        credentials: which header carries its secret, and what stands before that there.
    """

    name: str
    base: str
    tasks: str
    closing: str
    key: str
    call_no: str
    round_no: str
    number: str
    number_field: str
    task: Form
    task_more: Form
    closed: Form
    closed_more: Form
    credentials: tuple[str, str] = field(repr=False)

    @property
    def closings(self) -> str:
        """The path of all closings."""
        return f"{self.closing}s"


class Assignee:
    """One such system's contents and its rules."""

    operations: Sequence[str] = ("create", "close", "read", "read_closing", "list", "list_closings")

    def __init__(self, desk: Desk, *, key: str) -> None:
        self.name = desk.name
        self._desk, self._key = desk, key
        self._tasks, self._closings = Holdings(), Holdings()
        self._places: dict[str, tuple[str, str]] = {}
        self._closed = Shelf(self._shown_closings)
        self._listings = {
            "list": Listing(self._tasks.shelf(has_part=True), self._shown_task, desk.key),
            "list_closings": Listing(self._closed, lambda row: row.record, desk.number_field),
        }
        self._registry = Registry(holdings=self._tasks, describe=self._describe, key_header=KEY_HEADER)
        self._endings = Registry(holdings=self._closings, describe=self._describe, key_header=KEY_HEADER)

    def identify(self, request: Request) -> Call:
        """What the method and the path ask for; a task may be named by our key or by its own number."""
        desk = self._desk
        match request.method, split_path(request.path, desk.base):
            case "POST", [desk.tasks]:
                return self._new(request)
            case "GET", [desk.tasks]:
                return Call("list", is_read=True, value=self._listings["list"].wanted(request))
            case "GET", [desk.closings]:
                return Call("list_closings", is_read=True, value=self._listings["list_closings"].wanted(request))
            case "GET", [desk.tasks, name] if name:
                return Call("read", *self._place(name), is_read=True)
            case "POST", [desk.tasks, name, desk.closing] if name:
                return self._write("close", request, self._place(name))
            case "GET", [desk.tasks, name, desk.closing] if name:
                return Call("read_closing", *self._place(name), is_read=True)
            case _:
                return Call("")

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Credentials first, then the request's own id, then the record."""
        header, prefix = self._desk.credentials
        if not is_same_secret(request.headers.get(header, ""), prefix + self._key):
            return DENIED
        match call.operation:
            case "read":
                return self._registry.look_up(call, name="record")
            case "read_closing":
                return self._endings.look_up(call, name="record")
            case "list" | "list_closings":
                return self._listings[call.operation].page(call.value)
            case "close":
                return self._endings.objection(call, lambda value: self._invalid_closing(value, call)) or self._end(
                    call
                )
            case _:
                return self._registry.objection(call, self._invalid_task) or self._registry.create(call)

    def listing(self, call: Call) -> Listing | None:
        """Tasks and closings, by page."""
        return self._listings.get(call.operation)

    def alter(self, alteration: Alteration) -> Change:
        """What is altered behind our back."""
        holdings = self._closings if alteration.operation == "close" else self._tasks
        return holdings.alter(alteration)

    def apply(self, change: Change) -> None:
        """Hold a task or its closing."""
        self._closed.forget()
        if change.operation == "close":
            self._closings.apply(change)
            return
        self._tasks.apply(change)
        held = self._tasks.find(change.key, change.part)
        if held is not None:
            place = change.key, change.part
            self._places |= {change.part: place, self._number(held): place}

    def refusal(self, call: Call) -> Verdict:
        """As if its first field were invalid."""
        return refused(422, "invalid", fields=[self._desk.round_no])

    def denial(self) -> Verdict:
        """HTTP 401."""
        return DENIED

    def _place(self, name: str) -> tuple[str, str]:
        return self._places.get(name, ("", name))

    def _new(self, request: Request) -> Call:
        desk = self._desk
        _, value = parse_body(request.body)
        said = value if isinstance(value, dict) else {}
        return self._write("create", request, (_said(said, desk.call_no), _said(said, desk.key)))

    def _write(self, operation: str, request: Request, place: tuple[str, str]) -> Call:
        record, value = parse_body(request.body)
        request_key = request.headers.get(KEY_HEADER.lower(), "")
        key, part = place
        return Call(operation, key, part, request_key=request_key, record=record, value=value)

    def _invalid_task(self, value: Any) -> list[str]:
        desk = self._desk
        named: Form = {desk.key: is_text, desk.call_no: is_text, desk.round_no: is_round}
        return list(invalid_fields(value, {**named, **desk.task}, desk.task_more))

    def _invalid_closing(self, value: Any, call: Call) -> list[str]:
        desk = self._desk
        return list(invalid_fields(value, {desk.round_no: is_round, **desk.closed}, desk.closed_more))

    def _end(self, call: Call) -> Verdict:
        if self._tasks.find(call.key, call.part) is None:
            return refused(404, "no such task")
        return self._endings.create(call)

    def _shown_task(self, row: Shelved) -> str:
        return with_more(row.record, **{self._desk.number_field: self._desk.number.format(row.number)})

    def _shown_closings(self) -> Iterator[Shelved]:
        """Each with its task's number, which is what it is known by."""
        for key, part, held in self._closings.records(has_part=True):
            task = self._tasks.find(key, part)
            number = {} if task is None else {self._desk.number_field: self._number(task)}
            yield Shelved(held.number, held.version, with_more(held.record, **number))

    def _number(self, held: Held) -> str:
        return self._desk.number.format(held.number)

    def _describe(self, call: Call, held: Held) -> Mapping[str, Any]:
        task = self._tasks.find(call.key, call.part) if "clos" in call.operation else held
        return {} if task is None else {self._desk.number_field: self._number(task)}


def _said(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def is_round(value: Any) -> bool:
    """Whether it counts rounds: 1, 2, …"""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def one_of(*known: str) -> Any:
    """Whether a value is one of these codes."""
    return lambda value: isinstance(value, str) and value in known


URBAN = Desk(
    name="urban",
    base="/cityadmin/api",
    tasks="tasks",
    closing="closing",
    key="taskKey",
    call_no="sourceNo",
    round_no="round",
    number="CG2026{:06d}",
    number_field="taskNo",
    task={
        "title": is_text,
        "address": is_text,
        "content": is_string,
        "appealType": one_of("1", "2", "3", "4", "5"),
        "urgent": one_of("0", "1"),
        "caller": is_text,
        "phone": is_text,
        "dispatchedAt": is_time,
    },
    task_more={"category": is_text, "region": is_text, "happenedAt": is_time},
    closed={"result": one_of("TD", "ZB", "CB", "BJ"), "closedAt": is_time},
    closed_more={"reason": is_text},
    credentials=("x-api-key", ""),
)

ECOLOGY = Desk(
    name="ecology",
    base="/petitions/v1",
    tasks="items",
    closing="conclusion",
    key="itemKey",
    call_no="hotlineNo",
    round_no="turn",
    number="XF{:08d}",
    number_field="itemNo",
    task={
        "matter": is_text,
        "place": is_text,
        "text": is_string,
        "kind": one_of("ZX", "QZ", "TS", "JB", "JY"),
        "petitioner": is_text,
        "telephone": is_text,
        "receivedAt": is_time,
    },
    task_more={"longitude": is_text, "latitude": is_text},
    closed={"conclusion": one_of("returned", "reassigned", "reopened", "finished"), "at": is_time},
    closed_more={"remark": is_text},
    credentials=("authorization", "Bearer "),
)

DESKS: Collection[Desk] = (URBAN, ECOLOGY)
