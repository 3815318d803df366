"""A list over HTTP from which a source's records are fetched, page by page from where the last poll ended.

The source is told nothing: where the next page begins is kept here once the page before is in, so that a page may come
twice, which changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from syncgate.ports import UNREADABLE, Clock, Entropy, Query, Secrets, Unread
from syncgate.ports.fetching import Fetched, Ready, Settled
from syncgate.ports.listing import Paging
from syncgate.transports.kind import Limits
from syncgate.transports.pointer import follow, parse_pointer
from syncgate.transports.rest.clients import MakeClient, make_client
from syncgate.transports.rest.inbox_options import READY, RestInboxOptions
from syncgate.transports.rest.listing import Place
from syncgate.transports.rest.transport import build

_LONGEST_CURSOR: Final = 2000
_FIRST: Final = 1
_MOST_LEVELS: Final = 32


@dataclass(frozen=True, slots=True)
class _Times:
    """The limits of a transport, from one time-out."""

    connect_timeout: float
    timeout: float


class RestInbox:
    """What one list has ready."""

    def __init__(
        self,
        options: RestInboxOptions,
        *,
        secrets: Secrets,
        clock: Clock,
        entropy: Entropy,
        make_client: MakeClient = make_client,
    ) -> None:
        """Raises SiteInvalid: a secret is missing."""
        limits: Limits = _Times(min(options.timeout, 10.0), options.timeout)
        self._transport = build(
            options.as_rest(),
            (),
            limits=limits,
            secrets=secrets,
            clock=clock,
            entropy=entropy,
            make_client=make_client,
        )
        paging = Paging(by=options.paging.by, at=options.paging.at, size=options.paging.size)
        self._query = Query(operation=READY, records_at=options.records, paging=paging)
        self._keys = [(at, parse_pointer(at)) for at in options.key]
        self._list = _list_of(options)

    async def page(self, following: str | None) -> Ready | Unread:
        """The records behind a cursor; one of another list counts as none."""
        own, _, at = (following or "").partition(":")
        page = await self._transport.list_page(self._query, f"{_FIRST}+0+{at}" if own == self._list else None)
        if isinstance(page, Unread):
            return page
        then = None if page.following is None else Place.of(self._query, page.following).at
        if then is not None and len(then) > _LONGEST_CURSOR:
            return Unread(
                reason=UNREADABLE, words=f"expected a cursor of at most {_LONGEST_CURSOR} characters, got more"
            )
        cursor = None if then is None else f"{self._list}:{then}"
        return Ready(records=tuple(map(self._fetched, page.records)), following=cursor, cursor=cursor)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        """Nothing to tell: the list keeps no flags."""
        return 0

    async def aclose(self) -> None:
        """Closes connections."""
        await self._transport.aclose()

    def _fetched(self, came: Any) -> Fetched:
        record = _cut(came, _MOST_LEVELS)
        found = {at: follow(record, tokens) for at, tokens in self._keys}
        missing = [at for at, value in found.items() if type(value) not in (str, int) or value == ""]
        fault = "" if record == came else f"expected at most {_MOST_LEVELS} levels, got more"
        if not missing:
            return Fetched(key=orjson.dumps(list(found.values())).decode(), value=record, fault=fault)
        # What has no key is known by its content, so that it is held once.
        digest = hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()
        fault = f"expected a text or a whole number as key, got none at {', '.join(missing)}"
        return Fetched(key=f"sha256:{digest}", value=record, fault=fault)


def _cut(value: Any, levels: int) -> Any:
    """A value without what lies so deep that it could not be written down again."""
    if isinstance(value, dict):
        return {key: _cut(one, levels - 1) for key, one in value.items()} if levels else None
    if isinstance(value, list):
        return [_cut(one, levels - 1) for one in value] if levels else None
    return value


def _list_of(options: RestInboxOptions) -> str:
    """What tells one list from another: a cursor of one means nothing to the other."""
    asked = [options.base_url, options.path, options.method, options.query, options.question, options.paging.by]
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
