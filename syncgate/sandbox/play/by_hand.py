"""What a system without an interface lacks is on a list, is typed by hand, and leaves the list (item B)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.expected.disability import MESSAGE, REASON, SYSTEM
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError

Line = dict[str, Any]
Entry = Mapping[str, Any]
Confirm = Callable[[str, str], None]
"""Says with the command line that an entry was typed: its delivery, and the number that the system gave it."""

TYPED_COUNT = 3
NUMBER = "BT2026{:04d}"
WHY = "录入三月九日的件"


@dataclass(frozen=True, slots=True)
class Typed:
    """How many entries were on the list, of how many fields, and the numbers of the cases that were typed."""

    listed_count: int
    fields_count: int
    case_nos: tuple[str, ...]


class ByHand:
    """Looks at the list, types the first entries and says so. `lines`: those that are expected of the system."""

    def __init__(self, gate: Gate, lines: Sequence[Line], confirm: Confirm) -> None:
        self._gate, self._confirm = gate, confirm
        self._wanted = {line["case_no"]: line["to_type"] for line in lines if line["system"] == SYSTEM}

    def run(self) -> Typed:
        """Compare the list with what was projected, type a few, compare it again. Raises DemoError."""
        entries = self._compared(self._wanted)
        typed = entries[:TYPED_COUNT]
        for number, entry in enumerate(typed, 1):
            self._confirm(entry["delivery_id"], NUMBER.format(number))
        case_nos = tuple(entry["case_no"] for entry in typed)
        self._compared({case_no: one for case_no, one in self._wanted.items() if case_no not in case_nos})
        return Typed(len(entries), sum(len(entry["fields"]) for entry in entries), case_nos)

    def _compared(self, wanted: Mapping[str, Any]) -> list[Entry]:
        entries = list(self._entries())
        listed = [entry["case_no"] for entry in entries]
        if sorted(listed) != sorted(wanted):
            missing, more = sorted(set(wanted) - set(listed)), sorted(set(listed) - set(wanted))
            raise DemoError(f"expected {len(wanted)} entries to type, missing {missing}, not expected {more}")
        for entry in entries:
            shown = {field["name"]: field["value"] for field in entry["fields"]}
            expected = wanted[entry["case_no"]]
            if differing := sorted(name for name in {*shown, *expected} if shown.get(name) != expected.get(name)):
                raise DemoError(f"expected {entry['case_no']} to be typed as projected, {differing} differ")
            if untitled := [field["name"] for field in entry["fields"] if not field["title"].get("zh")]:
                raise DemoError(f"expected the words of the form for each field, got none for {untitled}")
        return entries

    def _entries(self) -> Iterator[Entry]:
        cursor = ""
        while True:
            path = f"/v1/systems/{SYSTEM}/worklist?reveal=true&limit=50{cursor}"
            answer = self._gate.ask("GET", path, headers={"X-Reason": "typing"})
            if not answer.is_success:
                raise DemoError(f"expected a list of what to type, got {answer.status_code}: {answer.text[:500]}")
            page = answer.json()
            yield from page["entries"]
            if page.get("next") is None:
                return
            cursor = f"&cursor={page['next']}"


def without_typed(lines: Sequence[Line], typed: Typed) -> list[Line]:
    """The lines, nothing left behind of what was typed."""
    nothing = {"parked": [], "pending": 0}
    return [
        {**line, "leftover": nothing} if line["system"] == SYSTEM and line["case_no"] in typed.case_nos else line
        for line in lines
    ]


def check_nothing_sent(deliveries: Sequence[Mapping[str, Any]], typed: Typed) -> None:
    """Each delivery is on the list, or was typed. Raises DemoError where anything else became of one."""
    said = [(one["message"], one["phase"], one["reason"]) for one in deliveries]
    wanted = [(MESSAGE, "parked", REASON)] * (typed.listed_count - len(typed.case_nos))
    wanted += [(MESSAGE, "delivered", "confirmed_by_hand")] * len(typed.case_nos)
    if sorted(said) != sorted(wanted):
        raise DemoError(f"expected {len(wanted)} deliveries to {SYSTEM}, listed or typed, got {sorted(set(said))}")


def tell(typed: Typed, say: Callable[[str], None] = print) -> None:
    """What a reader of the demo is told."""
    say(f"typed by hand: {typed.listed_count} entries with {typed.fields_count} fields were on the list as projected")
    say(f"  {len(typed.case_nos)} of them were typed and left the list; nothing was sent")
