"""What a source says of a case by the number of one that was merged into it.

It counts as a change of what the source itself said under that number before: what it says again is nothing new, so
that two numbers of one case do not undo each other. Stages and materials that are new come under ids of their own,
because each of the two cases may have had a first one of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from syncgate.domain.case import REFERENCES, UNITED, WITHDRAWN, patched, refuse_changed
from syncgate.domain.errors import CaseMerged
from syncgate.domain.plan import Json
from syncgate.domain.reconciliation.patches import patch_between
from syncgate.domain.rows import Case
from syncgate.flows.accepting.joining import Edit, read_words, save_words
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

_NAME_LENGTH, _ID_LONGEST = 8, 64
_OF_THE_CASE: Final = frozenset({"case_no", "kind", "source_version", *UNITED})
"""What is not compared as a field of the case."""


def under_former_number(gate: Gate, tx: Tx, source: str, former: Case, edit: Edit) -> Edit:
    """The edit of the surviving case that a call by a merged one's name means.

    Raises:
        CaseMerged: it withdraws the case, which only its own name can.
        Conflict: a known stage or material comes with other content.
    """
    if edit.whole is None:
        return Edit(lambda current: _called(current, edit.of({**current, "case_no": former.case_no})))
    patch = _patch(former, _before(gate, tx, source, former), edit.whole)
    return Edit(lambda current: _called(current, patched(current, patch)))


def keep_former(gate: Gate, tx: Tx, source: str, former: Case, edit: Edit) -> None:
    """Keeps what the source has said under the merged case's number by now."""
    if edit.whole is None:
        return
    before = _before(gate, tx, source, former)
    united = {name: _united(before.get(name) or (), edit.whole.get(name) or ()) for name in UNITED}
    save_words(gate, tx, source, former, {**edit.whole, **{name: some for name, some in united.items() if some}})


def _before(gate: Gate, tx: Tx, source: str, former: Case) -> Json:
    said = read_words(gate, tx, source, former)
    return open_document(gate, tx, former) if said is None else said


def _called(current: Json, after: Json) -> Json:
    return {**after, "case_no": current["case_no"]}


def _patch(former: Case, before: Json, whole: Json) -> Json:
    changed = patch_between(_fields(before), _fields(whole))
    references = {name: number for name, number in (changed.pop(REFERENCES, None) or {}).items() if number is not None}
    refuse_changed(before, whole)
    patch = {**changed, **({REFERENCES: references} if references else {})}
    for name in UNITED:
        if added := _added(former, before.get(name) or (), whole.get(name) or ()):
            patch[name] = added
    return patch


def _fields(document: Json) -> dict[str, Json]:
    return {name: value for name, value in document.items() if name not in _OF_THE_CASE}


def _added(former: Case, known: Sequence[Json], came: Iterable[Json]) -> list[Json]:
    ids = {entry["id"] for entry in known}
    added = [entry for entry in came if entry["id"] not in ids]
    if any(entry.get("kind") == WITHDRAWN for entry in added):
        raise CaseMerged("expected the case's own number to withdraw it, got that of one merged into it")
    return [_renamed(former, entry) for entry in added]


def _renamed(former: Case, entry: Mapping[str, Json]) -> dict[str, Json]:
    renamed = {**entry, "id": own_id(former, entry["id"])}
    return renamed | ({"corrects": own_id(former, entry["corrects"])} if "corrects" in entry else {})


def own_id(former: Case, part: str) -> str:
    """The id in the surviving case of a stage or material that came by a merged case's number."""
    return f"{former.case_id.hex[-_NAME_LENGTH:]}-{part}"[:_ID_LONGEST]


def _united(known: Sequence[Json], came: Sequence[Json]) -> list[Json]:
    ids = {entry["id"] for entry in known}
    return [*known, *(entry for entry in came if entry["id"] not in ids)]
