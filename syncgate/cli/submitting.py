"""Posting a file's rows as cases: each is mapped, posted and counted; what is refused is written to a file.

A row is known by its source and case number, so that posting a file again, after an interruption or on
purpose, changes nothing that is there already.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import orjson
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from syncgate.cli.calls import body_of, field_words, problem_of
from syncgate.cli.context import CallFailed
from syncgate.cli.records import Record, Row, TornRow
from syncgate.domain.case import canonical_bytes
from syncgate.mapping import Context, Inputs, Mapped, Unmappable
from syncgate.mapping import Mapping as FieldMapping

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"
FATES: Final = (NEW, CHANGED, UNCHANGED, REFUSED)
_COME_AGAIN: Final = frozenset({429, 502, 503, 504})
_WRONG_CALL: Final = frozenset({401, 403, 404, 405})
"""What the gate says about the call, not about the row: every other row would get the same."""


class Busy(Exception):
    """The gate asks to come again."""


@dataclass(slots=True)
class Tally:
    """What became of the rows: counts by fate, and each refused row with its reason."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        """Counts a row that was not taken."""
        self.counts[REFUSED] += 1
        self.refused.append((line, reason))

    def by_fate(self) -> dict[str, int]:
        """Every fate with its count."""
        return {fate: self.counts[fate] for fate in FATES}


def cases_of(rows: Iterable[Record | TornRow], mapping: FieldMapping, tally: Tally) -> Iterator[Row | TornRow]:
    """The records as cases; those that the mapping cannot make into one are counted as refused."""
    for row in rows:
        if isinstance(row, TornRow):
            yield row
            continue
        result = mapping.apply(Inputs(case=row.cells, context=Context()))
        if isinstance(result, Mapped):
            yield Row(row.line, result.payload)
        else:
            tally.refuse(row.line, _faults(result))


def once_each(rows: Iterable[Row | TornRow], tally: Tally) -> Iterator[Row]:
    """The rows that can be posted; one that repeats an earlier one's number with other content is refused.

    Which of the two is meant, only the source can say; the first is posted.
    """
    digest_by_number: dict[str, bytes] = {}
    for row in rows:
        if isinstance(row, TornRow):
            tally.refuse(row.line, row.reason)
            continue
        number = row.case.get("case_no") if isinstance(row.case, dict) else None
        digest = hashlib.sha256(canonical_bytes(row.case)).digest()
        if isinstance(number, str) and digest_by_number.setdefault(number, digest) != digest:
            tally.refuse(row.line, "/case_no: repeats an earlier row's with other content")
            continue
        yield row


async def post_all(
    client: httpx.AsyncClient,
    rows: Iterable[Row],
    *,
    source: str,
    tally: Tally,
    on_progress: Callable[[int], None] = lambda count: None,
    side_by_side: int = 16,
    patience: float = 30,
) -> None:
    """Posts every row, several side by side, each until the gate has answered.

    Args:
        client: of the gate.
        rows: what to post.
        source: on whose behalf.
        tally: counts what becomes of them.
        on_progress: told after each row.
        side_by_side: rows under way at a time.
        patience: seconds that a gate which is away, or asks to come again, is waited for.

    Raises:
        CallFailed: the gate stayed away, or refuses every call alike; what it took stays taken.
    """
    left = iter(rows)

    async def work() -> None:
        for row in left:
            await _post(client, row, source=source, tally=tally, patience=patience)
            on_progress(1)

    workers = [asyncio.create_task(work()) for _ in range(side_by_side)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _post(client: httpx.AsyncClient, row: Row, *, source: str, tally: Tally, patience: float) -> None:
    response = await _answered(client, orjson.dumps(row.case), source, patience)
    if response.is_success:
        body = response.json()
        tally.counts[UNCHANGED if body.get("unchanged") else NEW if body["revision"] == 1 else CHANGED] += 1
        return
    if response.status_code in _WRONG_CALL:
        body_of(response)
    problem = problem_of(response)
    words = "; ".join(field_words(problem)) or problem.get("detail") or problem.get("title")
    tally.refuse(row.line, str(words or f"HTTP {response.status_code}"))


async def _answered(client: httpx.AsyncClient, content: bytes, source: str, patience: float) -> httpx.Response:
    """The gate's answer; a gate that is away is waited for, since a row counts once however often it is posted."""
    headers = {"Content-Type": "application/json", "X-Source": source}
    trying = AsyncRetrying(
        retry=retry_if_exception_type((Busy, httpx.TransportError)),
        stop=stop_after_delay(patience),
        wait=wait_exponential(0.1, max=2),
        reraise=True,
    )
    try:
        async for attempt in trying:
            with attempt:
                response = await client.post("/v1/cases", content=content, headers=headers)
                if response.status_code in _COME_AGAIN:
                    raise Busy(f"HTTP {response.status_code}")
    except (Busy, httpx.TransportError) as error:
        got = str(error) if isinstance(error, Busy) else type(error).__name__
        words = f"expected the gate to take cases, got {got} for {patience:g} s"
        raise CallFailed(f"{words}; what it took stays taken: run the same command again") from None
    return response


def write_refused(target: Path, tally: Tally) -> Path | None:
    """Writes the refused rows' lines and reasons; without any, removes what an earlier run wrote, and gives None."""
    if not tally.refused:
        target.unlink(missing_ok=True)
        return None
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["line", "reason"])
        writer.writerows(sorted(tally.refused))
    return target


def _faults(result: object) -> str:
    if isinstance(result, Unmappable):
        return "; ".join(f"{fault.path or fault.field}: {fault.detail or fault.rule}" for fault in result.faults)
    return "expected a record that makes a case by itself, got one that waits for another system"
