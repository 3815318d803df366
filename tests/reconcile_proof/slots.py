"""Where each system keeps what fills a slot, written by hand from how the systems are described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from syncgate.domain import ids

Message = tuple[str, str]
"""(system, message)"""


@dataclass(frozen=True, slots=True)
class Known:
    """A case of the proof: what we call it, what its source calls it, and which of the kinds of cases it is."""

    case_id: UUID
    case_no: str
    turn: str


def write_known(path: Path, known: Iterable[Known]) -> None:
    """One line each."""
    path.write_text("".join(f"{one.case_id} {one.case_no} {one.turn}\n" for one in known), "utf-8")


def read_known(path: Path) -> list[Known]:
    """What `write_known` wrote."""
    lines = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    return [Known(UUID(case_id), case_no, turn) for case_id, case_no, turn in lines]


@dataclass(frozen=True, slots=True)
class Spot:
    """A record at a system, as the system's own ledger names it; of the front database its table and row_guid."""

    system: str
    operation: str
    key: str
    part: str = ""


PARTS: Mapping[Message, str] = {
    ("food", "application"): "",
    ("food", "event"): "S02",
    ("workorders", "order"): "",
    ("province", "basic_info"): "",
    ("province", "step"): "S02",
    ("province", "material"): "M01",
    ("frontdb", "accept"): "S02",
    ("frontdb", "material"): "M01",
}
"""The part of the one slot that a case of the proof has of each message."""

TURNS: Mapping[Message, tuple[str, ...]] = {
    ("food", "application"): ("food", "accepted"),
    ("food", "event"): ("accepted",),
    ("workorders", "order"): ("hotline",),
    ("province", "basic_info"): ("registered", "insured", "food", "accepted"),
    ("province", "step"): ("insured", "accepted"),
    ("province", "material"): ("registered", "insured", "food", "accepted"),
    ("frontdb", "accept"): ("insured", "accepted"),
    ("frontdb", "material"): ("insured", "accepted"),
}
"""Which cases have one; those named first are taken first, as fewer other systems are told of them."""

_OPERATIONS: Mapping[Message, str] = {
    ("food", "application"): "create",
    ("food", "event"): "event",
    ("workorders", "order"): "create",
    ("province", "basic_info"): "receiveBasicInfo",
    ("province", "step"): "receiveProc",
    ("province", "material"): "receiveApplyFile",
    ("frontdb", "accept"): "up_pro_accept",
    ("frontdb", "material"): "up_pro_material",
}


def spot_of(message: Message, case: Known) -> Spot:
    """Where a system keeps the record of a case's slot."""
    system, name = message
    slot_key = ids.slot_key(case.case_id, system, name, PARTS[message])
    key, part = str(case.case_id), ""
    match message:
        case ("workorders", _):
            key = case.case_no
        case ("frontdb", _):
            key = slot_key
        case ("food", "event") | ("province", "material"):
            part = slot_key
        case ("province", "step"):
            part = "1"
        case _:
            pass
    return Spot(system, _OPERATIONS[message], key, part)
