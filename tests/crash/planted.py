"""Proof that the judgement can fail: what must be found is planted in a copy of what the systems hold."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.play.site import Folder
from tests.crash.judging import judge

_REQUEST: Final = "seq, at, operation, key, part, request_key, body, fault, effect, status, is_answered"
_EFFECT: Final = "request_seq, operation, key, part, record, kind"
_NEXT: Final = "(SELECT max(seq) + 1 FROM requests)"
_LATER: Final = "strftime('%Y-%m-%dT%H:%M:%f+00:00', at, '+1 hour')"


def _lose(ledger: sqlite3.Connection) -> None:
    """One record is gone."""
    _change(ledger, "removed", of="operation = 'event'")


def _double(ledger: sqlite3.Connection) -> None:
    """One record was made twice."""
    _change(ledger, "created", of="kind = 'created'")


def _change(ledger: sqlite3.Connection, kind: str, *, of: str) -> None:
    """Something that nobody sent is done once more to the first record of these."""
    ledger.execute(
        f"INSERT INTO requests({_REQUEST}) SELECT {_NEXT}, at, 'alter', '', '', '', '', NULL, 'updated', 200, 1"
        " FROM requests ORDER BY seq DESC LIMIT 1"
    )
    ledger.execute(
        f"INSERT INTO effects({_EFFECT}) SELECT (SELECT max(seq) FROM requests), operation, key, part, record, '{kind}'"
        f" FROM effects WHERE {of} ORDER BY seq LIMIT 1"
    )


def _send_again(ledger: sqlite3.Connection) -> None:
    """What was done and answered was sent again an hour later."""
    ledger.execute(
        f"INSERT INTO requests({_REQUEST}) SELECT {_NEXT}, {_LATER}, operation, key, part, request_key, body, NULL,"
        " 'duplicate', 200, 1 FROM requests WHERE effect = 'created' ORDER BY seq LIMIT 1"
    )


def _turn_round(ledger: sqlite3.Connection) -> None:
    """What came first to one case came last."""
    for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        ledger.execute(f"DROP TRIGGER {trigger}")
    first = "(SELECT min(seq) FROM effects WHERE operation = 'create')"
    ledger.execute(f"UPDATE effects SET seq = (SELECT max(seq) + 1 FROM effects) WHERE seq = {first}")


PLANTS: Final[tuple[tuple[str, str, Callable[[sqlite3.Connection], None]], ...]] = (
    ("missing", "food", _lose),
    ("doubled", "workorders", _double),
    ("sent again", "workorders", _send_again),
    ("reordered", "food", _turn_round),
)
"""What is found, the system at which it is planted, and how."""


def not_found(folder: Folder, lives: Sequence[Life], *, lost_at: Sequence[str]) -> list[str]:
    """What was planted and not found, one after another; nothing where the judgement is worth something."""
    return [
        f"a planted violation was not found: {word} at {system}"
        for word, system, plant in PLANTS
        if not _finds(folder, lives, lost_at, word=word, system=system, plant=plant)
    ]


def _finds(
    folder: Folder,
    lives: Sequence[Life],
    lost_at: Sequence[str],
    *,
    word: str,
    system: str,
    plant: Callable[[sqlite3.Connection], None],
) -> bool:
    copy = Folder(folder.root, folder.path / "planted")
    shutil.rmtree(copy.path, ignore_errors=True)
    shutil.copytree(folder.systems, copy.systems)
    _plant(copy.systems / f"{system}.sqlite", plant)
    return any(one.startswith(f"{word} {system}") for one in judge(copy, lives, lost_at=lost_at).wrong)


def _plant(file: Path, plant: Callable[[sqlite3.Connection], None]) -> None:
    with closing(sqlite3.connect(file)) as ledger, ledger:
        plant(ledger)
