"""A replan from its first call to its end: page by page, a few first, no more a minute than was asked.

The gate queues case by case and says where it stopped; what is kept here is only how much may still be queued. So a
command that is interrupted leaves nothing half done, and the same one goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from syncgate.cli.calls import body_of
from syncgate.cli.output import note

_SUMMED: Final = ("queued", "refreshed", "cancelled", "retracted")
_LOOKS_EVERY: Final = 0.5
_MINUTE: Final = 60.0
_NOT_TAKEN: Final = frozenset({"parked", "cancelled"})
_SAMPLED: Final = 20


@dataclass(slots=True)
class Pace:
    """How much may be queued now.

    Attributes:
        cap: in all.
        canary: first; 0: none is waited for. canary_within: seconds to wait for them.
        per_minute: at most; None: as many as the cap.
    """

    cap: int
    canary: int = 0
    canary_within: float = 600.0
    per_minute: int | None = None
    _sent: int = field(default=0, init=False)
    _in_minute: int = field(default=0, init=False)
    _minute_began: float | None = field(default=None, init=False)

    @property
    def left(self) -> int:
        """How many may be queued in all from now on."""
        return self.cap - self._sent

    @property
    def at_once(self) -> int:
        """How many may be queued before something is waited for; 0 where that is due now."""
        most = self.left
        if self.canary > self._sent:
            most = min(most, self.canary - self._sent)
        if self.per_minute is not None:
            most = min(most, self.per_minute - self._in_minute)
        return max(0, most)

    def queued(self, count: int) -> None:
        """Notes that so many more were queued."""
        self._sent += count
        self._in_minute += count
        if self._minute_began is None:
            self._minute_began = time.monotonic()

    def go_on_at(self) -> float:
        """Begins the next minute. Gives how many seconds of this one are left."""
        began = self._minute_began or time.monotonic()
        self._in_minute, self._minute_began = 0, None
        return max(0.0, began + _MINUTE - time.monotonic())


async def queue_all(client: Any, *, system: str, body: dict[str, Any], pace: Pace) -> dict[str, Any]:
    """All of a replan, over as many calls as it takes.

    Its `stopped` is also `canary_failed` or `canary_open`; `canaries` then names those of the first few that are meant.
    """
    whole: dict[str, Any] = {}
    cursor: str | None = None
    is_watched = bool(pace.canary) and not body["dry_run"]
    first: list[str] = []
    least = 1
    while True:
        at_once = min(pace.left, max(least, pace.at_once))
        asked = body | {"cap": pace.cap if body["dry_run"] else at_once, "cursor": cursor}
        part = body_of(await client.post(f"/v1/systems/{quote(system)}/replan", json=asked))
        whole = summed(whole, part, pace.cap)
        cursor = part["next"] or cursor
        is_too_large = part["stopped"] == "cap_exceeded" and not part["sent"]
        if part["stopped"] is None or (is_too_large and at_once >= pace.left):
            return whole
        if body["dry_run"]:
            note(_progress(whole))
            continue
        # A case is queued whole or not at all: one that is larger than what may go at once goes alone.
        least = 2 * at_once if is_too_large else 1
        pace.queued(part["sent"])
        if pace.left < 1:
            return whole | {"stopped": "cap_exceeded", "exceeds_cap": True}
        first += part["queued"]
        if is_watched and whole["sent"] >= pace.canary:
            is_watched = False
            whole |= await _watched(client, first, within=pace.canary_within)
            if whole["stopped"] is not None:
                return whole
        note(_progress(whole))
        if pace.at_once < 1:
            await asyncio.sleep(pace.go_on_at())


async def _watched(client: Any, first: list[str], *, within: float) -> dict[str, Any]:
    """What became of the first few: `stopped` is None once all of them are delivered."""
    note(f"the first {len(first)} are queued; the rest follows once they are delivered")
    until = time.monotonic() + within
    open_ones = list(first)
    while open_ones:
        found = [body_of(await client.get(f"/v1/deliveries/{one}"))["delivery"] for one in open_ones]
        phases = {one["delivery_id"]: one["phase"] for one in found}
        failed = [one for one, phase in phases.items() if phase in _NOT_TAKEN]
        open_ones = [one for one, phase in phases.items() if phase != "delivered"]
        if failed:
            return {"stopped": "canary_failed", "canaries": failed, "exceeds_cap": False}
        if open_ones and time.monotonic() >= until:
            return {"stopped": "canary_open", "canaries": open_ones, "exceeds_cap": False}
        if open_ones:
            await asyncio.sleep(_LOOKS_EVERY)
    note(f"the first {len(first)} are delivered")
    return {"stopped": None}


def summed(whole: dict[str, Any], part: dict[str, Any], cap: int) -> dict[str, Any]:
    """Two parts of one replan as one."""
    if not whole:
        return part | {"cap": cap, "exceeds_cap": part["stopped"] == "cap_exceeded" or part["sent"] > cap}
    by_name = {one["message"]: one for one in whole["messages"]}
    for one in part["messages"]:
        by_name[one["message"]] = _with(by_name.get(one["message"]), one)
    counts = {name: whole[name] + part[name] for name in ("cases", "differing", "sent")}
    return {
        **part,
        **counts,
        "cap": cap,
        "exceeds_cap": part["stopped"] == "cap_exceeded" or counts["sent"] > cap,
        "messages": list(by_name.values()),
        "sample": (whole["sample"] + part["sample"])[:_SAMPLED],
        "queued": whole["queued"] + part["queued"],
        "failed": whole["failed"] + part["failed"],
    }


def _with(before: dict[str, Any] | None, one: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return one
    counts = {name: dict(Counter(before[name]) + Counter(one[name])) for name in ("parks", "fields")}
    return one | {name: before[name] + one[name] for name in _SUMMED} | counts


def _progress(whole: dict[str, Any]) -> str:
    return f"{whole['cases']} cases looked at, {whole['differing']} differ, {whole['sent']} deliveries"
