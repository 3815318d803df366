"""The rest transport: compose, ask, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Found, Outcome, Reading
from syncgate.ports import UNREADABLE, Clock, Entropy, Page, Probed, Query, Request, Secrets, Unread
from syncgate.transports.answers import (
    AnswerCondition,
    AnswerRule,
    AnswerRules,
    rule_problems,
)
from syncgate.transports.asking import AbsentConditions, record_pointer
from syncgate.transports.kind import Limits
from syncgate.transports.rest.clients import MakeClient, make_client
from syncgate.transports.rest.http import HttpClient, HttpFailure, HttpRequest, HttpResponse, Timeouts
from syncgate.transports.rest.listing import Heard, Place, count_of, keys_of, page_of
from syncgate.transports.rest.options import RestOptions, TlsOptions, check_base_url, secret_names
from syncgate.transports.rest.probe import probe
from syncgate.transports.rest.signing import schemes_with
from syncgate.transports.rest.text import is_header_value
from syncgate.transports.rest.unsendable import Unsendable
from syncgate.transports.rest.wire import Wire

LOOK_UP_TRIES: Final = 2
"""A look-up changes nothing, so one that could not connect is asked once more at once."""

_PAUSE: Final = 0.1


class RestTransport:
    """Speaks HTTP with one system."""

    def __init__(self, wire: Wire, client: HttpClient, timeouts: Timeouts, *, base_url: str, tls: TlsOptions) -> None:
        self._base_url = base_url
        self._tls = tls
        self._wire = wire
        self._client = client
        self._timeouts = timeouts
        self._absent = AbsentConditions()

    async def send(self, request: Request) -> Answer:
        """Sends once and judges the answer."""
        try:
            sent = self._wire.compose(request)
        except Unsendable as unsendable:
            return unsendable.answer()
        came = await self._client.request(sent)
        return self._wire.answer(request, sent, came)

    async def look_up(
        self, request: Request, *, record_at: str, absent: Mapping[str, Any] | AnswerCondition
    ) -> Reading:
        """Reads one record back; a connection that could not be made is tried once more.

        An empty `absent` means that no answer shows absence.
        """
        tokens, condition = record_pointer(record_at), self._absent.of(absent)
        try:
            sent, came = await self._ask(request)
        except Unsendable as unsendable:
            is_denied = unsendable.outcome is Outcome.DENIED
            found = Found.DENIED if is_denied else Found.UNDECIDED
            return Reading(found=found, evidence=unsendable.answer().evidence)
        return self._wire.reading(request, sent, came, record_at=tokens, absent=condition)

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        """One page; a connection that could not be made is tried once more."""
        place = Place.of(query, following)
        heard = await self._hear(query, keys_of(query, place))
        return heard if isinstance(heard, Unread) else page_of(query, place, heard)

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        """How many records there are in a range of keys."""
        keys = {**query.keys, "low": low} | ({} if high is None else {"high": high})
        heard = await self._hear(query, keys)
        return heard if isinstance(heard, Unread) else count_of(query, heard)

    async def _hear(self, query: Query, keys: Mapping[str, str]) -> Heard | Unread:
        request = Request(operation=query.operation, keys=keys)
        try:
            _, came = await self._ask(request)
        except Unsendable as unsendable:
            is_denied = unsendable.outcome is Outcome.DENIED
            reason: Literal["denied", "unreadable"] = "denied" if is_denied else UNREADABLE
            return Unread(reason=reason, words=str(unsendable), outcome=unsendable.outcome)
        if isinstance(came, HttpFailure):
            return Unread(reason="unavailable", words=came.note, outcome=Outcome.UNAVAILABLE)
        view = self._wire.view(request, came)
        return Heard(view, self._wire.judge(request, view), self._wire.retry_after(view))

    async def probe(self) -> Probed:
        """Whether a connection can be made and its certificate is trusted; nothing is asked for."""
        return await probe(self._base_url, self._tls, within=self._timeouts.connect)

    @property
    def polls_at_once(self) -> int:
        """Each question is a request of its own."""
        return 1

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Asks what became of each; a connection that could not be made is tried once more."""
        return [await self._polled(request) for request in requests]

    async def _polled(self, request: Request) -> Answer:
        try:
            sent, came = await self._ask(request)
        except Unsendable as unsendable:
            return unsendable.answer()
        answer = self._wire.answer(request, sent, came)
        # A question changes nothing, so one without an answer is over, whatever may have left.
        return replace(answer, outcome=Outcome.UNAVAILABLE) if isinstance(came, HttpFailure) else answer

    async def aclose(self) -> None:
        """Closes connections."""
        await self._client.aclose()

    async def _ask(self, request: Request) -> tuple[HttpRequest, HttpResponse | HttpFailure]:
        tries = AsyncRetrying(
            # Never beyond what a lease allows for: one connection's time-out and one whole request.
            stop=stop_after_attempt(LOOK_UP_TRIES) | stop_after_delay(self._timeouts.connect),
            wait=wait_fixed(_PAUSE),
            retry=retry_if_result(_did_not_leave),
            retry_error_callback=_last,
        )
        return await tries(self._ask_once, request)

    async def _ask_once(self, request: Request) -> tuple[HttpRequest, HttpResponse | HttpFailure]:
        sent = self._wire.compose(request)
        return sent, await self._client.request(sent)


def _did_not_leave(asked: tuple[HttpRequest, HttpResponse | HttpFailure]) -> bool:
    return isinstance(asked[1], HttpFailure) and not asked[1].could_have_acted


def _last(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


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
    make_client: MakeClient = make_client,
) -> RestTransport:
    """The transport of one system; see `Build`."""
    if not isinstance(options, RestOptions):
        raise SiteInvalid(f"expected RestOptions, got {type(options).__name__}")
    scheme = schemes_with(quirks).get(options.signing.scheme)
    problems = rule_problems(rules, operations=options.operations) + _secret_problems(options, secrets)
    base_url = _base_url(address, options, problems)
    if scheme is None:
        problems.append(f"signing: expected the quirks that register {options.signing.scheme!r}, got none")
    if problems or scheme is None:
        raise SiteInvalid("\n".join(problems))
    wire = Wire(
        options,
        AnswerRules(rules),
        base_url=base_url,
        scheme=scheme,
        secrets=secrets,
        clock=clock,
        entropy=entropy,
    )
    timeouts = Timeouts(connect=limits.connect_timeout, total=limits.timeout)
    return RestTransport(wire, make_client(options, base_url, timeouts), timeouts, base_url=base_url, tls=options.tls)


def _base_url(address: str | None, options: RestOptions, problems: list[str]) -> str:
    if address is None:
        return options.base_url
    try:
        return check_base_url(address)
    except ValueError as error:
        problems.append(f"address: {error}")
        return ""


def _secret_problems(options: RestOptions, secrets: Secrets) -> list[str]:
    problems = []
    for name in sorted(secret_names(options)):
        try:
            if not is_header_value(secrets.get(name)):
                problems.append(f"secret {name}: expected printable ASCII on one line, got something else")
        except SiteInvalid as error:
            problems.append(error.message)
    return problems
