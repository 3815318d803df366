"""The ways in which a simulated system misbehaves, switched on and off while it runs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

MODES = {
    "refuse": "answers a business refusal in its own words; nothing is done",
    "hang": "does it (acts: false: does not), then says nothing until the peer gives up",
    "commit_then_drop": "does it, then closes the connection",
    "drop_before": "resets the connection before anything is done",
    "unavailable": "answers 503; nothing is done",
    "throttle": "answers 429 with Retry-After: 1; nothing is done",
    "slow": "does it, and answers truly after a delay in seconds",
    "garbage": "does it, then writes a foreign page, bytes that are no HTTP, or half of the answer",
    "deny": "answers as it does to wrong credentials; nothing is done",
}

LISTING_MODES = {
    "repeat_page": "a page of a listing is the page before it again",
    "lose_page": "a page of a listing is the one after it",
    "end_early": "a listing ends after its first page; its total says that there is more",
    "lie_total": "a listing's total is too low or too high",
    "other_charset": "a listing is written in GBK and declared as UTF-8, or the other way round",
    "shift": "between two pages a record before them came or went: the page begins one earlier or one later",
    "strangers": "a page of a listing has three records more, with keys that nobody sent",
    "list_nothing": "a listing is empty, and its total says so",
    "break_off": "a listing answers 500 after its first page",
    "repeat_record": "a page of a listing has its first record twice",
}
"""Each strikes listings alone; those of pages after the first strike no first page."""

_WRITES_ONLY = frozenset({"refuse"})
_KEYS = ("mode", "share", "count", "operations", "seed", "delay", "acts")


class BadSwitch(Exception):
    """What was asked for is no mode; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One active mode.

    `share` is the part of the requests that it strikes, 0 to 1; `count` how many more, None for no
    end; `operations` which, None for all; `delay` seconds for `slow`; `acts` for `hang`.
    """

    mode: str
    share: float = 1.0
    count: int | None = None
    operations: tuple[str, ...] | None = None
    delay: float = 1.0
    acts: bool = True

    def strikes(self, operation: str, *, is_read: bool) -> bool:
        """Whether this mode is meant for such a request at all."""
        if self.count == 0 or (is_read and self.mode in _WRITES_ONLY):
            return False
        return self.operations is None or operation in self.operations


class Modes:
    """The active modes of one system. The same seed and the same requests draw the same faults."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._switches: list[Switch] = []

    def seed(self, seed: int) -> None:
        """Begin the sequence of draws anew."""
        self._random.seed(seed)

    def switch_on(self, switch: Switch) -> None:
        """Add a mode; one of the same name for the same operations is replaced."""
        place = (switch.mode, switch.operations)
        kept = [old for old in self._switches if (old.mode, old.operations) != place]
        self._switches = [*kept, switch]

    def switch_off(self, mode: str | None = None) -> None:
        """Remove one mode, or all."""
        self._switches = [old for old in self._switches if mode is not None and old.mode != mode]

    def draw(
        self, operation: str, *, is_read: bool, fits: Callable[[str], bool] = lambda mode: mode not in LISTING_MODES
    ) -> Switch | None:
        """The mode that strikes this request, or None; `fits` says of a mode whether it can.

        Shares add up in the order in which the modes were switched on; what goes beyond 1 never strikes.
        """
        meant = [s for s in self._switches if s.strikes(operation, is_read=is_read) and fits(s.mode)]
        if not meant:
            return None
        point = self._random.random()
        for switch in meant:
            if point < switch.share:
                self._use_up(switch)
                return switch
            point -= switch.share
        return None

    def draw_kind(self, kinds: int) -> int:
        """Which of several kinds of one fault, from 0."""
        return self._random.randrange(kinds)

    def to_json(self) -> list[dict[str, Any]]:
        """The active modes as the control path shows them."""
        return [asdict(switch) for switch in self._switches]

    def _use_up(self, struck: Switch) -> None:
        if struck.count is None:
            return
        rest = replace(struck, count=struck.count - 1)
        switches = (rest if old is struck else old for old in self._switches)
        self._switches = [switch for switch in switches if switch.count != 0]


def parse_switch(value: Any, *, operations: Iterable[str], modes: Iterable[str] = MODES) -> tuple[Switch, int | None]:
    """The switch and the seed that a request to the control path asks for; `modes` are those that the system has.

    Raises:
        BadSwitch: it asks for something that does not exist.
    """
    if not isinstance(value, Mapping):
        raise BadSwitch(f"expected an object with mode, got {type(value).__name__}")
    for key in value:
        _known(key, _KEYS, "a key")
    switch = Switch(
        mode=_known(value.get("mode"), tuple(modes), "a mode"),
        share=_number(value, "share", 1.0, at_most=1.0),
        count=_count(value, "count"),
        operations=_operations(value.get("operations"), tuple(operations)),
        delay=_number(value, "delay", 1.0, at_most=600.0),
        acts=_flag(value, "acts"),
    )
    return switch, _count(value, "seed")


def _known(name: Any, names: tuple[str, ...], what: str) -> str:
    if isinstance(name, str) and name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    raise BadSwitch(f"expected {what} of {', '.join(names)}, got {name}{hint}")


def _number(value: Mapping[str, Any], key: str, default: float, *, at_most: float) -> float:
    number = value.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= at_most:
        raise BadSwitch(f"expected {key} from 0 to {at_most:g}, got {number!r}")
    return float(number)


def _count(value: Mapping[str, Any], key: str) -> int | None:
    number = value.get(key)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise BadSwitch(f"expected {key} as a whole number or null, got {number!r}")
    return number


def _flag(value: Mapping[str, Any], key: str) -> bool:
    flag = value.get(key, True)
    if not isinstance(flag, bool):
        raise BadSwitch(f"expected {key} as true or false, got {flag!r}")
    return flag


def _operations(names: Any, known: tuple[str, ...]) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not names:
        raise BadSwitch(f"expected operations as a list of names or null, got {names!r}")
    return tuple(_known(name, known, "an operation") for name in names)
