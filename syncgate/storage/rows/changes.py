"""The feed of changes: written with what changes, numbered once it is committed.

A number that a transaction drew for itself would be seen out of order: who draws later may commit first, and a reader
that has seen the later one would never come back for the earlier. So a change is stored without a number, and numbers
are given afterwards, by one process at a time under the feed's row, to what is committed by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Integer, bindparam, exists, insert, null, or_, select, text, update

from syncgate.domain.changes import Change, ChangeKind
from syncgate.domain.errors import IllegalMove
from syncgate.domain.silence import hour_of
from syncgate.storage.statement import Statement, given
from syncgate.storage.tables import cases, changes, feeds, lanes, posts
from syncgate.storage.upsert import insert_or_add
from syncgate.storage.work import Work

FEED: Final = "changes"
POSTS: Final = "posts"
"""The feed's reader that counts what sources post."""
GIVEN_AT_MOST: Final = 10**9
"""So many numbers are left out after a restore: more than can have been given since any backup, and few enough that a
million restores stay within what JSON readers take for whole numbers."""
_columns = changes.c
_NAMES: Final = tuple(column.name for column in _columns if column.name not in ("change_id", "change_no"))
_limit = bindparam("limit", type_=Integer())

INSERT_CHANGE = Statement(insert(changes).values({name: given(name, _columns[name]) for name in _NAMES}))
LOCK_FEED = Statement(
    select(feeds.c.last_no).where(feeds.c.feed == given("feed", feeds.c.feed)).with_for_update(skip_locked=True)
)
UNNUMBERED = Statement(
    select(_columns.change_id).where(text("change_no IS NULL")).order_by(_columns.change_id).limit(_limit)
)
NUMBER = Statement(
    update(changes)
    .where(_columns.change_id == given("of_change", _columns.change_id))
    .values(change_no=given("given_no", _columns.change_id))
)
SAVE_FEED = Statement(
    update(feeds)
    .where(feeds.c.feed == given("of_feed", feeds.c.feed))
    .values(last_no=given("given_no", feeds.c.last_no))
)
FEED_NO = Statement(select(feeds.c.last_no).where(feeds.c.feed == given("feed", feeds.c.feed)).with_for_update())
_is_numbered = text("changes.change_no IS NOT NULL")
_after = _columns.change_no > given("after", _columns.change_id)
LAST_LOOKED_AT = Statement(
    select(_columns.change_no).where(_is_numbered, _after).order_by(_columns.change_no).limit(_limit)
)

COUNT_POSTS = insert_or_add(posts, keys=("source", "hour_at"), count="posts_count")
NEXT_POSTS = Statement(
    select(_columns.change_no, _columns.kind, _columns.source, _columns.at)
    .where(_is_numbered, _after)
    .order_by(_columns.change_no)
    .limit(_limit)
)
POSTS_OF = Statement(
    select(posts.c.hour_at, posts.c.posts_count).where(
        posts.c.source == given("source", posts.c.source), posts.c.hour_at >= given("since", posts.c.hour_at)
    )
)


def is_posted_by(case_id: Column[Any], sources: Sequence[str]) -> Any:
    """Whether one of these sources has posted the case, first or later."""
    has_number = exists().where(
        lanes.c.case_id == case_id, lanes.c.system.in_(sources), lanes.c.case_ref.is_not(null())
    )
    return or_(has_number, exists().where(cases.c.case_id == case_id, cases.c.origin.in_(sources)))


def note_changes(work: Work, noted: Sequence[Change]) -> None:
    """Stores changes, to be numbered once they are committed."""
    work.run_each(INSERT_CHANGE, [{name: getattr(change, name) for name in _NAMES} for change in noted])


class ChangeRows:
    """Changes of one transaction."""

    _work: Work

    def number_changes(self, *, limit: int) -> bool:
        feed = self._work.one(LOCK_FEED, feed=FEED)
        if feed is None:
            return False
        found = [record[0] for record in self._work.all(UNNUMBERED, limit=limit)]
        if found:
            numbers = range(feed[0] + 1, feed[0] + 1 + len(found))
            self._work.run_each(
                NUMBER, [{"of_change": one, "given_no": no} for one, no in zip(found, numbers, strict=True)]
            )
            self._work.run(SAVE_FEED, {"of_feed": FEED, "given_no": numbers[-1]}, breaks=IllegalMove)
        return len(found) == limit

    def leave_numbers_out(self) -> None:
        feed = self._work.one(FEED_NO, feed=FEED)
        if feed is not None:
            anew = (feed[0] // GIVEN_AT_MOST + 1) * GIVEN_AT_MOST
            self._work.run(SAVE_FEED, {"of_feed": FEED, "given_no": anew}, breaks=IllegalMove)

    def changes(self, source: str, *, after: int, looked_at: int) -> tuple[list[Change], int]:
        numbers = self._work.all(LAST_LOOKED_AT, after=after, limit=looked_at)
        if not numbers:
            return [], after
        until = numbers[-1][0]
        wanted = select(*(_columns[name] for name in (*_NAMES, "change_no"))).where(
            _is_numbered,
            _columns.change_no > after,
            _columns.change_no <= until,
            is_posted_by(_columns.case_id, (source,)),
        )
        records = self._work.all(Statement(wanted.order_by(_columns.change_no)))
        names = (*_NAMES, "change_no")
        return [Change(**dict(zip(names, record, strict=True))) for record in records], until

    def count_posts(self, *, limit: int) -> bool:
        feed = self._work.one(LOCK_FEED, feed=POSTS)
        found = [] if feed is None else self._work.all(NEXT_POSTS, after=feed[0], limit=limit)
        if not found:
            return False
        counts = Counter((source, hour_of(at)) for _, kind, source, at in found if kind is ChangeKind.CASE)
        rows = [{"source": name, "hour_at": at, "posts_count": count} for (name, at), count in sorted(counts.items())]
        self._work.run_each(COUNT_POSTS, rows)
        self._work.run(SAVE_FEED, {"of_feed": POSTS, "given_no": found[-1][0]}, breaks=IllegalMove)
        return len(found) == limit

    def posts(self, source: str, *, since: datetime) -> dict[datetime, int]:
        return dict(self._work.all(POSTS_OF, source=source, since=since))
