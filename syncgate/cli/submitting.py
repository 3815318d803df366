"""Posting a file's cases through `POST /v1/cases:batch`, or asking `POST /v1/cases:check` about them.

A case is known by its source and number, so that posting again, after an interruption, a lost answer or on
purpose, changes nothing that is there already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import orjson
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from syncgate.cli.calls import body_of
from syncgate.cli.context import CallFailed
from syncgate.cli.staging import CHANGED, NEW, PARKED, UNCHANGED, Ready, Staging

BATCH: Final = "/v1/cases:batch"
CHECK: Final = "/v1/cases:check"
LINES: Final = 200
"""Cases of one call: the gate's answers to them fit where nobody reads before all is written."""
_BYTES: Final = 4 * 1024**2
_COME_AGAIN: Final = frozenset({429, 502, 503, 504})
_WRONG_CALL: Final = frozenset({401, 403, 404, 405})
"""What the gate says about the call, not about the row: every other row would get the same."""


class Busy(Exception):
    """The gate asks to come again, or broke off."""


@dataclass(frozen=True, slots=True)
class Posting:
    """How to post.

    Attributes:
        client: of the gate.
        source: on whose behalf.
        staging: counts what becomes of the rows.
        on_progress: told after each row.
        side_by_side: calls under way at a time.
        patience: seconds that a gate which is away, or asks to come again, is waited for.
    """

    client: httpx.AsyncClient
    source: str
    staging: Staging
    on_progress: Callable[[int], None] = lambda count: None
    side_by_side: int = 4
    patience: float = 30


async def post_all(posting: Posting) -> None:
    """Posts every case, in calls of 200, until the gate has answered for each.

    Cases that share a number are never in two calls at the same time, so that they arrive in order.

    Raises:
        CallFailed: the gate stayed away, or refuses every call alike; what it took stays taken.
    """
    await _side_by_side(_batches(posting.staging.ready()), lambda batch: _post(posting, batch), posting.side_by_side)


async def check_all(posting: Posting) -> None:
    """Asks what posting every case would do now; nothing is stored. Raises CallFailed as `post_all`."""
    ready = ([one] for one in posting.staging.ready())
    await _side_by_side(ready, lambda batch: _check(posting, batch[0]), posting.side_by_side * 4)


async def _side_by_side(
    batches: Iterable[list[Ready]], work: Callable[[list[Ready]], Awaitable[None]], limit: int
) -> None:
    under_way: dict[asyncio.Task[None], frozenset[str]] = {}
    try:
        for batch in batches:
            keys = frozenset[str]().union(*(one.keys for one in batch))
            while len(under_way) >= limit or any(not keys.isdisjoint(other) for other in under_way.values()):
                await _one_done(under_way)
            under_way[asyncio.ensure_future(_run(work(batch)))] = keys
        while under_way:
            await _one_done(under_way)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _run(work: Awaitable[None]) -> None:
    await work


async def _one_done(under_way: dict[asyncio.Task[None], frozenset[str]]) -> None:
    done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        del under_way[task]
        task.result()


def _batches(ready: Iterable[Ready]) -> Iterator[list[Ready]]:
    batch: list[Ready] = []
    length = 0
    for one in ready:
        if batch and (len(batch) == LINES or length + len(one.body) > _BYTES):
            yield batch
            batch, length = [], 0
        batch.append(one)
        length += len(one.body)
    if batch:
        yield batch


async def _post(posting: Posting, batch: list[Ready]) -> None:
    left = batch
    while left:
        left = await _patiently(posting, partial(_post_once, posting, left))


async def _patiently(posting: Posting, act: Callable[[], Awaitable[Any]]) -> Any:
    """What `act` gives once it gets somewhere; a gate that is away is waited for."""
    trying = AsyncRetrying(
        retry=retry_if_exception_type((Busy, httpx.TransportError)),
        stop=stop_after_delay(posting.patience),
        wait=wait_exponential(0.1, max=2),
        reraise=True,
    )
    try:
        async for attempt in trying:
            with attempt:
                return await act()
    except (Busy, httpx.TransportError) as error:
        got = str(error) if isinstance(error, Busy) else type(error).__name__
        words = f"expected the gate to take cases, got {got} for {posting.patience:g} s"
        raise CallFailed(f"{words}; what it took stays taken: run the same command again") from None
    raise AssertionError("an attempt gives or raises")


async def _post_once(posting: Posting, batch: list[Ready]) -> list[Ready]:
    """The cases that the gate has not answered for. Raises Busy or httpx.TransportError where it has for none."""
    left = dict(enumerate(batch, start=1))
    why: Exception = Busy("an answer that breaks off")
    content = b"".join(one.body + b"\n" for one in batch)
    headers = {"Content-Type": "application/x-ndjson", "X-Source": posting.source}
    try:
        async with posting.client.stream("POST", BATCH, content=content, headers=headers) as response:
            await _require_answer(response)
            async for line in _lines(response):
                result = orjson.loads(line)
                if result["status"] in _COME_AGAIN:
                    why = Busy(f"HTTP {result['status']}")
                elif (case := left.pop(result["line"], None)) is not None:
                    _note(posting, case, result)
    except httpx.TransportError as error:
        why = error
    except ValueError:
        why = Busy("an answer that is none")
    if len(left) == len(batch):
        raise why
    return list(left.values())


def _note(posting: Posting, case: Ready, result: dict[str, Any]) -> None:
    if result["status"] in _WRONG_CALL:
        problem = result.get("problem") or {}
        raise CallFailed(str(problem.get("detail") or problem.get("title") or f"HTTP {result['status']}"))
    if result["status"] < 300:
        fate = UNCHANGED if result.get("unchanged") else NEW if result["revision"] == 1 else CHANGED
        posting.staging.counts[fate] += 1
    else:
        _refuse(posting, case, result.get("problem") or {}, int(result["status"]))
    posting.on_progress(1)


def _refuse(posting: Posting, case: Ready, problem: dict[str, Any], status: int) -> None:
    errors = problem.get("errors") or ()
    words = [(str(one.get("pointer", "")), _words(one)) for one in errors]
    if len(words) == 1:
        posting.staging.find(case.line, at=words[0][0], reason=words[0][1])
        return
    told = "; ".join(f"{at}: {reason}" for at, reason in words)
    reason = told or str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
    posting.staging.find(case.line, at="", reason=reason)


def _words(error: dict[str, Any]) -> str:
    return str(error.get("message") or error.get("detail") or error.get("rule"))


async def _require_answer(response: httpx.Response) -> None:
    if response.is_success:
        return
    await response.aread()
    if response.status_code in _COME_AGAIN:
        raise Busy(f"HTTP {response.status_code}")
    body_of(response)


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """The answer's lines. Only a line feed ends one: texts may hold other line separators."""
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line


async def _check(posting: Posting, case: Ready) -> None:
    headers = {"Content-Type": "application/json", "X-Source": posting.source}

    async def ask() -> httpx.Response:
        response = await posting.client.post(CHECK, content=case.body, headers=headers)
        if response.status_code in _COME_AGAIN:
            raise Busy(f"HTTP {response.status_code}")
        return response

    response = await _patiently(posting, ask)
    if response.is_success:
        _note_check(posting, case, response.json())
    elif response.status_code in _WRONG_CALL:
        body_of(response)
    else:
        _refuse(posting, case, response.json(), response.status_code)
    posting.on_progress(1)


def _note_check(posting: Posting, case: Ready, told: dict[str, Any]) -> None:
    fate = UNCHANGED if told.get("unchanged") else NEW if told.get("case_id") is None else CHANGED
    posting.staging.counts[fate] += 1
    for delivery in told.get("deliveries") or ():
        if delivery.get("phase") == PARKED:
            at = f"{delivery.get('system')}/{delivery.get('message')}"
            faults = [f"{one.get('field')}: {one.get('rule')}" for one in delivery.get("faults") or ()]
            reason = "; ".join(faults) or str(delivery.get("reason"))
            posting.staging.find(case.line, at=at, reason=f"would be parked: {reason}", fate=PARKED)
