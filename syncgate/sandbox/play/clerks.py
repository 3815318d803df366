"""Those who type into their own system what it posts, before it is posted: food's clerks, the hotline's operators."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from syncgate.sandbox.city import Call
from syncgate.sandbox.expected import assignment, food
from syncgate.sandbox.expected.story import Part, State
from syncgate.sandbox.play.site import DemoError, patience

TRY_FOR = 60.0
EVENT_NUMBER = "SPEV2026{:06d}"


class Typists:
    """Type into a system, whose port is asked for at every call; it may be gone for a while."""

    def __init__(self, system: str, port: Callable[[], int]) -> None:
        self._system, self._port = system, port
        self._local = threading.local()

    def type_record(self, record: Any) -> None:
        """Type in one record. Raises DemoError where the system does not take it."""
        answer = self._ask("POST", "records", json=record)
        if not answer.is_success:
            told = f"{answer.status_code}: {answer.text[:500]}"
            raise DemoError(f"expected {self._system} to let its clerk type, got {told}")

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        deadline = time.monotonic() + TRY_FOR * patience()
        while True:
            try:
                return self._client().request(method, f"http://127.0.0.1:{self._port()}/_sandbox/{path}", **rest)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    told = f"{type(error).__name__} for {TRY_FOR * patience():g} s"
                    raise DemoError(f"expected {self._system} to answer its clerk, got {told}") from None
                time.sleep(0.2)

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(trust_env=False, timeout=10)
        return client


class Operators(Typists):
    """Type the calls of citizens into the hotline."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__("hotline", port)

    def type_call(self, state: State) -> None:
        """Type in the call that a case is about."""
        self.type_record({"record": assignment.call(state)})


class Clerks(Typists):
    """Type into food."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__("food", port)

    def type_in(self, call: Call, state: State, *, number: str) -> None:
        """Type in what a call of food says: the application as it stands in `state`, and the call's stages."""
        for record in records(call, state, number=number):
            self.type_record(record)

    def number_of(self, case_id: str) -> str:
        """The number that food gave to what was delivered under our key."""
        answer = self._ask("GET", f"records/{case_id}")
        if not answer.is_success:
            raise DemoError(f"expected food to hold {case_id}, got {answer.status_code}")
        return str(answer.json()["id"])


def records(call: Call, state: State, *, number: str) -> Iterator[dict[str, Any]]:
    """What is typed in for a call, as food takes it: the application first, then an event per stage.

    Args:
        call: A call of food that says what is typed in.
        state: The case after it.
        number: The application's own number, for events and for a correction.
    """
    if call.typed is None:
        return
    if call.typed.application != "none":
        yield {"number": call.typed.number or number, "record": food.application(state)}
    named = {stage["id"] for stage in call.body.get("stages", ())}
    brought = tuple(part for part in state.stages if part.content["id"] in named)
    for part, record in food.events(State(state.case, brought, (), 0, ())):
        yield {"of": number, "number": _event_number(call.typed.event_base, part), "record": record}


def _event_number(base: int, part: Part) -> str:
    return EVENT_NUMBER.format(base + int(part.content["id"][1:]))
