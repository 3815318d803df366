"""Posting a file's rows as cases: each is mapped, posted and counted; what is refused is written beside the file.

A row is known by its source and case number, so that posting a file again, after an interruption or on
purpose, changes nothing that is there already.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from syncgate.cli.records import Record, TornRow
from syncgate.domain.case import canonical_bytes
from syncgate.mapping import Context, Inputs, Mapped, Unmappable
from syncgate.mapping import Mapping as FieldMapping

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"


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


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the case that it means."""

    line: int
    case: dict[str, Any]


def cases_of(rows: Iterator[Record | TornRow], mapping: FieldMapping, tally: Tally) -> Iterator[Row]:
    """The rows that make a case; the others are counted as refused, as is a number that comes twice."""
    digest_by_number: dict[str, bytes] = {}
    for row in rows:
        if isinstance(row, TornRow):
            tally.refuse(row.line, row.reason)
            continue
        result = mapping.apply(Inputs(case=row.cells, context=Context()))
        if not isinstance(result, Mapped):
            tally.refuse(row.line, _faults(result))
            continue
        case: Any = result.payload
        digest = hashlib.sha256(canonical_bytes(case)).digest()
        if digest_by_number.setdefault(case["case_no"], digest) != digest:
            tally.refuse(row.line, "case_no: repeats an earlier row's with other content")
            continue
        yield Row(row.line, case)


async def post_all(
    client: httpx.AsyncClient,
    rows: Iterator[Row],
    *,
    source: str,
    tally: Tally,
    on_progress: Callable[[int], None],
    side_by_side: int = 16,
) -> None:
    """Posts every row, several side by side, each until the gate has answered."""
    turn = asyncio.Lock()

    async def take() -> Row | None:
        async with turn:
            return next(rows, None)

    async def work() -> None:
        while (row := await take()) is not None:
            await _post(client, row, source, tally)
            on_progress(1)

    await asyncio.gather(*(work() for _ in range(side_by_side)))


async def _post(client: httpx.AsyncClient, row: Row, source: str, tally: Tally) -> None:
    response = await _answered(client, orjson.dumps(row.case), source)
    body = response.json()
    if response.is_success:
        fate = UNCHANGED if body.get("unchanged") else NEW if body["revision"] == 1 else CHANGED
        tally.counts[fate] += 1
        return
    errors = [f"{e.get('pointer')}: {e.get('detail') or e.get('rule')}" for e in body.get("errors", ())]
    tally.refuse(row.line, "; ".join(errors) or str(body.get("title") or response.status_code))


async def _answered(client: httpx.AsyncClient, content: bytes, source: str) -> httpx.Response:
    """The gate's answer; a gate that is away for a while is waited for, since a row counts once whatever happens."""
    headers = {"Content-Type": "application/json", "X-Source": source}
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type((Busy, httpx.TransportError)),
        stop=stop_after_delay(30),
        wait=wait_exponential(0.1, max=2),
        reraise=True,
    ):
        with attempt:
            response = await client.post("/v1/cases", content=content, headers=headers)
            if response.status_code in (429, 503):
                raise Busy(f"HTTP {response.status_code}")
    return response


def write_refused(file: Path, tally: Tally) -> Path | None:
    """Writes the refused rows' lines and reasons beside the file; None where there are none."""
    target = file.with_name(file.name + ".refused.csv")
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
        return "; ".join(f"{fault.path or fault.field}: {fault.detail}" for fault in result.faults)
    return "expected a record that makes a case by itself, got one that waits for another system"
