"""`POST /v1/cases:batch`: cases in, results out, line by line, while the request still comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import BodyTooLarge, StoreUnavailable, SyncgateError
from syncgate.flows.gate import Accepted, Caller
from syncgate.web import body as bodies
from syncgate.web.auth import refuse_headers
from syncgate.web.body import Json
from syncgate.web.desk import Came, Desk
from syncgate.web.lines import Cutter, Line
from syncgate.web.place import Place
from syncgate.web.results import Keys, ResultQueue

PATH: Final = "/v1/cases:batch"
_LOOKED: Final = 0.25
"""Seconds between two looks at whether the process ends, while nothing comes."""
_GRACE: Final = 2.0
"""Seconds for which a process that ends still answers the lines of a batch, by saying that it took none."""


def routes(place: Place) -> list[Route]:
    """The batch's route."""
    return [Route(PATH, BatchTaker(place), methods=["POST"], include_in_schema=False)]


class BatchTaker:
    """Takes batches: each line is a submission of its own, as if it had been posted alone."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        desk = Desk.of(self._place, scope, route=PATH)
        desk.path = "/v1/cases"
        try:
            caller = await desk.enter(scope, bodies.NDJSON)
            refuse_headers(scope["headers"], b"idempotency-key", b"if-match")
        except SyncgateError as error:
            problem: Response | None = await desk.refuse(error)
        else:
            answer = Answer(send, within=self._place.settings.piece_within)
            problem = await Batch(self._place, desk, caller).serve(receive, answer)
        if problem is not None:
            await problem(scope, receive, send)


class Answer:
    """The answer as a stream, begun with its first bytes."""

    def __init__(self, send: Send, *, within: timedelta) -> None:
        """Args: send: to the caller; within: how long the caller may read nothing."""
        self._send = send
        self._within = within.total_seconds()
        self.is_begun = False

    async def write(self, body: bytes, *, more: bool) -> None:
        """Sends some of the answer; waits while the caller does not read. Raises TooSlow."""
        if not self.is_begun:
            self.is_begun = True
            headers = [(b"content-type", bodies.NDJSON.encode())]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async with asyncio.timeout(self._within):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise bodies.TooSlow(f"expected results to be read within {self._within:g} s, got none read") from None


class Batch:
    """One batch under way."""

    def __init__(self, place: Place, desk: Desk, caller: Caller) -> None:
        """Args: place: the running surface; desk: where each line is taken; caller: whose lines they are."""
        self._place = place
        self._desk = desk
        self._caller = caller
        settings = place.settings
        self._results = ResultQueue(
            lines_limit=settings.lines_under_way,
            bytes_limit=4 * settings.body_limit,
            results_limit=settings.results_held,
        )
        self._error: SyncgateError | None = None
        self._is_left = False
        self._ends_at: float | None = None

    async def serve(self, receive: Receive, answer: Answer) -> Response | None:
        """Takes every line and sends its result; gives the problem that the whole call comes to, if it is one.

        A batch that cannot be read to its end is broken off without the answer's last piece, so that nobody takes
        it for a whole one.
        """
        reading = asyncio.create_task(self._read_and_watch(receive))
        try:
            await self._send_results(answer)
            if reading.done():
                await reading
        except SyncgateError as error:
            self._error, self._is_left = error, True
        finally:
            reading.cancel()
            self._results.abandon()
        if self._error is None:
            return None
        problem = await self._desk.refuse(self._error)
        return None if answer.is_begun else problem

    async def _send_results(self, answer: Answer) -> None:
        while results := await self._results.next():
            await answer.write(results, more=True)
            self._results.sent(results)
        if self._error is None and not self._is_left:
            await answer.write(b"", more=False)

    async def _read_and_watch(self, receive: Receive) -> None:
        """Begins every line as it arrives, then only notes when the caller leaves."""
        try:
            await self._read(receive)
        except SyncgateError as error:
            self._error = error
        except bodies.Disconnected:
            self._is_left = True
        finally:
            self._results.close()
        while not self._is_left and self._error is None:
            self._is_left = (await receive())["type"] == "http.disconnect"

    async def _read(self, receive: Receive) -> None:
        cutter = Cutter(limit=self._place.settings.body_limit)
        is_more = True
        while is_more:
            chunk, is_more = await self._piece(receive)
            for line in cutter.feed(chunk):
                await self._begin(line)
        if (rest := cutter.rest()) is not None:
            await self._begin(rest)

    async def _piece(self, receive: Receive) -> tuple[bytes, bool]:
        """The next piece. Raises Disconnected, TooSlow, StoreUnavailable where the process ends meanwhile."""
        loop = asyncio.get_running_loop()
        allowed = self._place.settings.piece_within.total_seconds()
        until = loop.time() + allowed
        while True:
            if self._place.is_ending() and self._ends_at is None:
                self._ends_at = loop.time() + _GRACE
            if self._ends_at is not None and loop.time() >= self._ends_at:
                raise _ending()
            if loop.time() >= until:
                raise bodies.TooSlow(f"expected more of the batch within {allowed:g} s, got nothing")
            try:
                async with asyncio.timeout_at(min(until, loop.time() + _LOOKED)):
                    return await bodies.piece(receive)
            except TimeoutError:
                continue

    async def _begin(self, line: Line) -> None:
        """Queues a line, once there is room for it, behind those that may be about the same case."""
        came, document, error = Came(line.content or b""), None, None
        try:
            document = self._document(line)
        except SyncgateError as refused:
            error = refused
        taken = partial(self._taken, line.line_no, came, document, error)
        await self._results.put(taken, size=len(came.body), keys=_keys(self._caller.source, document))

    def _document(self, line: Line) -> Json:
        if line.content is None:
            raise BodyTooLarge("expected at most {limit} bytes a line, got more", limit=self._place.settings.body_limit)
        return self._desk.document(line.content)

    async def _taken(self, line_no: int, came: Came, document: Json, error: SyncgateError | None) -> bytes:
        """The result of one line; nothing where nobody waits for it any more."""
        if self._is_left:
            return b""
        try:
            response = await self._desk.answer(came, self._accepted(document, error))
        except Exception as unexpected:
            response = self._desk.broke(unexpected)
        return _result(line_no, response)

    async def _accepted(self, document: Json, error: SyncgateError | None) -> Accepted:
        if self._place.is_ending():
            raise _ending()
        if error is not None:
            raise error
        return await self._place.flows.post_case(self._place.gate, self._caller, document, self._desk.call(document))


def _ending() -> StoreUnavailable:
    return StoreUnavailable("expected a gate that takes cases, got one that stops")


def _keys(source: str, document: Json) -> Keys:
    """Every number by which a line may mean a case: its own, and its references."""
    if document is None:
        return frozenset()
    references = document.get("references")
    numbers = {**references} if isinstance(references, dict) else {}
    own = document.get("case_no")
    named = [*numbers.items(), (source, own)]
    return frozenset((system, number) for system, number in named if isinstance(number, str))


def _result(line_no: int, response: Response) -> bytes:
    """A line of the answer: the receipt's fields beside the line and the status, or the problem under its name."""
    body = bytes(response.body)
    head = b'{"line":%d,"status":%d,' % (line_no, response.status_code)
    if response.media_type == bodies.JSON:
        return head + body[1:] + b"\n"
    return head + b'"problem":' + body + b"}\n"
