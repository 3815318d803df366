"""Noticing that a source that usually posts is silent, and that it posts again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, tzinfo
from functools import partial
from typing import Final

from syncgate.domain.alerts import AlertKind
from syncgate.domain.silence import WEEK, WEEKS_LOOKED_BACK, silence
from syncgate.flows.alerting.raising import end_alerts, raise_alert
from syncgate.flows.gate import Gate
from syncgate.ports import OnSystem, Tx

AT_ONCE: Final = 1_000
_LOOKED_BACK: Final = 2 * WEEKS_LOOKED_BACK * WEEK
"""As far back as a silence may have lasted, and the weeks before it."""


async def look_for_silence(gate: Gate, *, zone: tzinfo, after: int, holidays: Collection[date] = frozenset()) -> None:
    """Raises an alert for every source that is silent, and ends those of sources that post again.

    Args:
        gate: the running gate.
        zone: in which the sources' people live.
        after: so many usual hours without anything new are a silence.
        holidays: days on which nobody is expected to post.
    """
    while await gate.writer.write(lambda tx: tx.number_changes(limit=AT_ONCE)):
        pass
    while await gate.writer.write(lambda tx: tx.count_posts(limit=AT_ONCE)):
        pass
    for source in sorted(gate.sources):
        look = partial(_looked, gate, source, zone, after, holidays)
        await gate.writer.write(OnSystem(source, look))


def _looked(gate: Gate, source: str, zone: tzinfo, after: int, holidays: Collection[date], tx: Tx) -> None:
    tx.system(source, lock=True)
    posts = tx.posts(source, since=tx.now - _LOOKED_BACK)
    found = silence(posts, now=tx.now, zone=zone, after=after, holidays=holidays)
    if found is None:
        end_alerts(tx, source, {AlertKind.SILENT_SOURCE})
        return
    detail = {"last_post_at": found.last_post_at.isoformat(), "since": found.since.isoformat(), "hours": found.missed}
    raise_alert(gate, tx, AlertKind.SILENT_SOURCE, source, detail=detail)
