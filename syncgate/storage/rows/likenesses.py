"""In what cases look alike, and which pairs were told apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_, select

from syncgate.domain.rows import Alike, CaseState, Likeness, ToldApart
from syncgate.storage.rows.cases import oldest_of
from syncgate.storage.statement import Shape, Statement
from syncgate.storage.tables import cases, likenesses, told_apart
from syncgate.storage.upsert import insert_or_keep, insert_or_replace
from syncgate.storage.work import Work

LIKENESS = Shape(likenesses, Likeness)
TOLD_APART = Shape(told_apart, ToldApart)
SAVE_LIKENESS = insert_or_replace(likenesses, keys=("case_id", "feature"))
INSERT_TOLD_APART = insert_or_keep(told_apart, keys=("case_id", "other_id"))


class LikenessRows:
    """Likenesses of one transaction."""

    _work: Work

    def save_likenesses(self, rows: Sequence[Likeness]) -> None:
        self._work.run_each(SAVE_LIKENESS, [LIKENESS.params(row) for row in rows])

    def tell_apart(self, row: ToldApart) -> None:
        self._work.run(INSERT_TOLD_APART, TOLD_APART.params(row))

    def list_alike(self, *, since: datetime, after: UUID | None, limit: int) -> list[Alike]:
        later, earlier = likenesses.alias("later"), likenesses.alias("earlier")
        one, other = cases.alias("one"), cases.alias("other")
        is_apart = exists().where(
            or_(
                (told_apart.c.case_id == later.c.case_id) & (told_apart.c.other_id == earlier.c.case_id),
                (told_apart.c.case_id == earlier.c.case_id) & (told_apart.c.other_id == later.c.case_id),
            )
        )
        found = (
            select(later.c.case_id, earlier.c.case_id, later.c.feature, later.c.came_at, earlier.c.came_at)
            .join(earlier, (earlier.c.mac == later.c.mac) & (earlier.c.case_id < later.c.case_id))
            .join(one, one.c.case_id == later.c.case_id)
            .join(other, other.c.case_id == earlier.c.case_id)
            .where(later.c.case_id > oldest_of(since), ~is_apart)
            .where(one.c.state == CaseState.OPEN, other.c.state == CaseState.OPEN)
            .order_by(later.c.case_id.desc(), earlier.c.case_id.desc(), later.c.feature)
            .limit(limit)
        )
        if after is not None:
            found = found.where(later.c.case_id < after)
        rows = self._work.all(Statement(found))
        return [Alike(row[0], row[1], row[2], row[3] - row[4]) for row in rows]
