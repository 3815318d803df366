"""What every simulated system offers to the simulator that runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, runtime_checkable
from urllib.parse import unquote

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for, as far as it can be told before it is judged.

    `operation` is empty for an address that the system does not have. `record` is the JSON text of
    what is delivered, `value` the same parsed, None where it cannot be.
    """

    operation: str
    key: str = ""
    part: str = ""
    request_key: str = ""
    is_read: bool = False
    record: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The true answer to a call, and what it changes. `effect` is a word of the ledger."""

    reply: Reply
    effect: str
    change: Change | None = None


class System(Protocol):
    """One simulated system: `decide` changes nothing, `apply` is the only way that contents change."""

    name: str
    operations: Sequence[str]

    def identify(self, request: Request) -> Call:
        """What is asked for; never raises."""

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """The true answer, given what is held; `at` is the time in seconds since 1970."""

    def apply(self, change: Change) -> None:
        """Hold what a change says, now or when the ledger is replayed."""

    def refusal(self, call: Call) -> Verdict:
        """A business refusal, as this system words it."""

    def denial(self) -> Verdict:
        """The answer to wrong credentials, as this system words it."""


@runtime_checkable
class Typed(Protocol):
    """A system with clerks of its own, who type records in without asking the gate."""

    def type_in(self, value: Any) -> tuple[Call, Verdict]:
        """What a clerk's record comes to, and the call as the ledger keeps it; changes nothing yet."""

    def number_of(self, name: str) -> str | None:
        """The system's own number of a record, as its clerks see it; None where it holds none."""


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none; NaN and Infinity are none.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("expected fewer nested levels") from None


def split_path(path: str, base: str) -> list[str] | None:
    """The decoded segments of a path below `base`, None where it lies elsewhere."""
    if not path.startswith(base + "/"):
        return None
    return [unquote(segment, errors="replace") for segment in path[len(base) + 1 :].split("/")]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"expected a JSON value, got {name}")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
