"""The database transport: compose, run, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Found, Outcome, Reading
from syncgate.ports import Clock, Entropy, Page, Probed, Query, Request, Secrets, Unread
from syncgate.transports.answers import AnswerCondition, AnswerRule, AnswerRules, rule_problems
from syncgate.transports.asking import AbsentConditions, record_pointer
from syncgate.transports.database.address import parse_address
from syncgate.transports.database.client import DatabaseClient
from syncgate.transports.database.engines import Times, driver_of
from syncgate.transports.database.faults import Fault
from syncgate.transports.database.options import DatabaseOptions
from syncgate.transports.database.probe import differences
from syncgate.transports.database.reading import Meant
from syncgate.transports.database.script import Script
from syncgate.transports.database.unfit import Unsendable
from syncgate.transports.database.wire import Wire
from syncgate.transports.kind import Limits

POLLS_AT_ONCE: Final = 100


class DatabaseTransport:
    """Writes rows into one system's database, and reads them."""

    def __init__(self, wire: Wire, client: DatabaseClient, options: DatabaseOptions, secrets: Secrets) -> None:
        self._wire = wire
        self._client = client
        self._options = options
        self._secrets = secrets
        self._absent = AbsentConditions()

    async def send(self, request: Request) -> Answer:
        """Runs one transaction once and judges what came of it."""
        try:
            script = self._ready(self._wire.compose, request)
        except Unsendable as unsendable:
            return unsendable.answer()
        return self._wire.answer(request, script, await self._client.run(script))

    async def look_up(
        self, request: Request, *, record_at: str, absent: Mapping[str, Any] | AnswerCondition
    ) -> Reading:
        """Reads one row back. An empty `absent` means that no answer shows absence."""
        tokens, condition = record_pointer(record_at), self._absent.of(absent)
        try:
            script = self._ready(self._wire.compose_look_up, request)
        except Unsendable as unsendable:
            found = Found.DENIED if unsendable.outcome is Outcome.DENIED else Found.UNDECIDED
            return Reading(found=found, evidence=unsendable.answer().evidence)
        came = await self._client.run(script)
        return self._wire.reading(request, script, came, record_at=tokens, absent=condition)

    @property
    def polls_at_once(self) -> int:
        """So many rows are asked about with one SELECT a table."""
        return POLLS_AT_ONCE

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Asks what became of many rows at once; one that cannot be asked about fails alone."""
        answers: dict[int, Answer] = {}
        meant: dict[int, Meant] = {}
        for place, request in enumerate(requests):
            try:
                meant[place] = self._wire.meant(request)
                password_of(self._options, self._secrets)
            except Unsendable as unsendable:
                answers[place] = unsendable.answer()
        asked = {place: one for place, one in meant.items() if place not in answers}
        found = await self._polled([requests[place] for place in asked], list(asked.values())) if asked else []
        answers |= zip(asked, found, strict=True)
        return [answers[place] for place in range(len(requests))]

    async def _polled(self, requests: Sequence[Request], meant: Sequence[Meant]) -> list[Answer]:
        script = self._wire.compose_polls(requests[0].operation, meant)
        answers = self._wire.poll_answers(requests, script, await self._client.run(script))
        if answers is not None:
            return answers
        one_by_one: list[Answer] = []
        for request, one in zip(requests, meant, strict=True):
            one_by_one += await self._polled([request], [one])
        return one_by_one

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        """One page, in a transaction of its own."""
        found = await self._listed(query, lambda: self._wire.compose_page(query, following))
        assert not isinstance(found, int)
        return found

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        """How many rows have a key in the range, in binary order whatever the column's collation is."""
        found = await self._listed(query, lambda: self._wire.compose_count(query, low=low, high=high))
        assert not isinstance(found, Page)
        return found

    async def _listed(self, query: Query, compose: Callable[[], Script]) -> Page | int | Unread:
        try:
            password_of(self._options, self._secrets)
        except Unsendable as unsendable:
            return Unread(reason="denied", words=str(unsendable), outcome=unsendable.outcome)
        return self._wire.listed(query, await self._client.run(compose()))

    async def probe(self) -> Probed:
        """Whether the database is there, lets us in, and has the declared tables: every difference at once."""
        try:
            password_of(self._options, self._secrets)
        except Unsendable as unsendable:
            return Probed(failure=str(unsendable))
        found = await self._client.inspect(lambda connection: differences(self._options, connection))
        return Probed(failure=found.note) if isinstance(found, Fault) else Probed(differences=tuple(found))

    async def aclose(self) -> None:
        """Closes connections."""
        await self._client.aclose()

    def _ready(self, compose: Callable[[Request], Script], request: Request) -> Script:
        script = compose(request)
        password_of(self._options, self._secrets)
        return script


def password_of(options: DatabaseOptions, secrets: Secrets) -> str | None:
    """The password of now; None where there is none.

    Raises:
        Unsendable: the secret is missing.
    """
    if options.password is None:
        return None
    name = options.password.secret
    try:
        return secrets.get(name)
    except SiteInvalid:
        note = f"expected the secret {name}, got none"
        raise Unsendable(note, outcome=Outcome.DENIED, reason="secret_missing", actor="operations") from None


def build(
    options: Any,
    rules: Sequence[AnswerRule],
    *,
    limits: Limits,
    secrets: Secrets,
    clock: Clock,
    entropy: Entropy,
    address: str | None = None,
    quirks: Any = None,
) -> DatabaseTransport:
    """The transport of one system; see `Build`."""
    if not isinstance(options, DatabaseOptions):
        raise SiteInvalid(f"expected DatabaseOptions, got {type(options).__name__}")
    problems = rule_problems(rules, operations=options.operations)
    if options.password is not None:
        try:
            secrets.get(options.password.secret)
        except SiteInvalid as error:
            problems.append(error.message)
    engine, url = None, None
    try:
        engine, url = parse_address(options.url if address is None else address)
    except ValueError as error:
        problems.append(f"address: {error}")
    if problems or engine is None or url is None:
        raise SiteInvalid("\n".join(problems))
    wire = Wire(options, AnswerRules(rules), clock=clock, engine=engine)
    client = DatabaseClient(
        driver_of(engine),
        url,
        Times(connect=limits.connect_timeout, total=limits.timeout),
        password=lambda: password_of(options, secrets),
        connections=options.connections,
    )
    return DatabaseTransport(wire, client, options, secrets)
