"""What a broken upload left behind: chunks of a file that never became whole, removed a few at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from syncgate.flows.gate import Gate
from syncgate.ports import Tx

AT_ONCE: Final = 16
"""Chunks that one commit removes: others wait for the writer meanwhile."""
FILES_AT_MOST: Final = 100
"""Files that one round looks at."""
ABANDONED_AFTER: Final = timedelta(hours=2)
"""No upload takes so long: `materials.within` is shorter."""


async def remove_leftovers(gate: Gate, *, older_than: timedelta = ABANDONED_AFTER) -> int:
    """Removes what uploads left that were begun longer ago; gives how many files. Whoever began one is gone."""

    def abandoned(tx: Tx) -> list[UUID]:
        before: datetime = tx.now - older_than
        return [file.file_id for file in tx.unfinished_files(before=before, limit=FILES_AT_MOST)]

    files = await gate.writer.read(abandoned)
    for file_id in files:
        await remove_file(gate, file_id)
    return len(files)


async def remove_file(gate: Gate, file_id: UUID) -> None:
    """Removes a file that is not whole; one that became whole meanwhile stays."""
    while not await gate.writer.write(lambda tx: _removed(tx, file_id)):
        continue


def _removed(tx: Tx, file_id: UUID) -> bool:
    """Whether nothing is left to remove. The lock waits for a commit that is still making the file whole."""
    file = tx.file(file_id, lock=True)
    if file is None or file.stored_at is not None:
        return True
    if tx.delete_chunks(file_id, limit=AT_ONCE) == AT_ONCE:
        return False
    tx.delete_file(file_id)
    return True
