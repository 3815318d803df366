"""What is planted at the systems and in our own history, and what must be found of it.

Everything here is written by hand: no rule, comparison or class of the engine is asked what it would say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from tests.reconcile_proof.slots import Known, Message, Spot, spot_of

Json = Any
Level = Literal["fields", "ids", "counts"]

LEVELS: Final[Mapping[str, Level]] = {"food": "fields", "workorders": "fields", "frontdb": "fields", "province": "ids"}
"""What each system lets us read back, as its people say."""

BY_FIELDS: Final = frozenset({"stale", "edited_there", "normalised_there"})
"""Classes that only a system which shows its fields can be found out in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One difference that was planted.

    Attributes:
        system, message: where. kind: its class.
        case_id, part: of the slot; empty where the record is nobody's here.
        key: what the record itself says that we call it, where it is nobody's.
        fields: those that differ, where the class is about fields.
        way: how it was planted.
        is_found: whether the system's level lets it be found.
        is_young: whether it came about a moment ago, so that it must not be found before its grace is over.
        spot: where the record stands or stood.
        held: what stood there before; what must stand there again, where it is mended by sending.
    """

    system: str
    message: str
    kind: str
    way: str
    is_found: bool
    is_young: bool = False
    case_id: str = ""
    part: str = ""
    key: str = ""
    fields: tuple[str, ...] = ()
    spot: Spot | None = None
    held: Json = None

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """What tells it apart from every other discrepancy."""
        return (self.system, self.message, self.case_id, self.part, self.key)


@dataclass(frozen=True, slots=True)
class Edit:
    """Fields of a record, and what their people make of each value."""

    fields: Mapping[str, Callable[[Json], Json]]
    way: str

    def of(self, record: Mapping[str, Json]) -> dict[str, Json]:
        """What is set of this record."""
        return {name: change(record.get(name)) for name, change in self.fields.items()}


def _moved(value: Json) -> Json:
    return f"{value}（改）"


def _wide(value: Json) -> Json:
    """The same text with full-width digits and letters, as an input method types them."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in str(value))


EDITED: Final[Mapping[Message, tuple[Edit, ...]]] = {
    ("food", "application"): (
        Edit({"premises": _moved}, "another address typed over ours"),
        Edit({"staff": lambda count: count + 1}, "one more employee"),
        Edit({"contactName": lambda name: "周示例", "mobile": lambda number: "15499999999"}, "another contact"),
        Edit({"warehouse": lambda text: "西示区例甲巷9号库房"}, "a warehouse typed in there"),
        Edit({"area": lambda text: "777.70㎡"}, "another area measured there"),
    ),
    ("food", "event"): (Edit({"handler": lambda name: "周示例"}, "another clerk"),),
    ("workorders", "order"): (
        Edit({"address": _moved}, "another place typed over ours"),
        Edit({"item": lambda name: "其他诉求"}, "another kind of call"),
        Edit({"filedTime": lambda time: "000000"}, "the time lost"),
    ),
}
NORMALISED: Final[Mapping[Message, tuple[Edit, ...]]] = {
    ("food", "application"): (
        Edit({"premises": _wide}, "digits of the address made full-width"),
        Edit({"contactName": lambda name: f" {name} "}, "spaces around a name"),
    ),
    ("workorders", "order"): (Edit({"address": _wide}, "digits of the place made full-width"),),
}
"""Values written otherwise in a way that no rule of the adapter declares the same."""


@dataclass(slots=True)
class Plan:
    """All that was planted, as it is written before anything is reconciled."""

    planted: list[Planted] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """One line each."""
        lines = (json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) for one in self.planted)
        path.write_text("".join(line + "\n" for line in lines), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Plan:
        """What `write` wrote."""
        return cls([_read(json.loads(line)) for line in path.read_text("utf-8").splitlines()])


def _read(line: dict[str, Json]) -> Planted:
    spot = None if line["spot"] is None else Spot(**line["spot"])
    return Planted(**{**line, "spot": spot, "fields": tuple(line["fields"])})


def planted(message: Message, kind: str, case: Known, *, way: str, part: str, **more: Json) -> Planted:
    """A difference in a case's slot."""
    system, name = message
    is_found = LEVELS[system] == "fields" or kind not in BY_FIELDS
    return Planted(
        system=system,
        message=name,
        kind=kind,
        way=way,
        is_found=is_found,
        case_id=str(case.case_id),
        part=part,
        spot=spot_of(message, case),
        **more,
    )


class Pool:
    """The cases of a proof, each given out once."""

    def __init__(self, cases: Mapping[str, list[Known]], random: Random) -> None:
        """Args: cases: by their turn."""
        self._left = {turn: random.sample(known, len(known)) for turn, known in cases.items()}

    def take(self, turns: tuple[str, ...], count: int) -> Iterator[Known]:
        """So many cases of one of these turns, the first named first. Raises ValueError where there are too few."""
        for _ in range(count):
            turn = next((turn for turn in turns if self._left.get(turn)), None)
            if turn is None:
                raise ValueError(f"expected {count} cases of {', '.join(turns)} that are free, got fewer")
            yield self._left[turn].pop()

    def left(self) -> list[Known]:
        """Those that were not given out."""
        return [case for cases in self._left.values() for case in cases]
