"""Cases and their submissions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import false, literal_column, or_, select

from syncgate.domain.changes import change_by
from syncgate.domain.errors import Conflict
from syncgate.domain.ids import uuid7
from syncgate.domain.rows import Case, Submission, Words
from syncgate.ports.store import CaseFilter
from syncgate.storage.rows.changes import note_changes
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import cases, submissions, words
from syncgate.storage.upsert import insert_or_replace
from syncgate.storage.work import Work

CASE = Shape(cases, Case)
SUBMISSION = Shape(submissions, Submission)
WORDS = Shape(words, Words)
IS_CHANGE: Any = literal_column("is_change")

_by_case_id = select(cases).where(cases.c.case_id == given("case_id", cases.c.case_id))
CASE_BY_ID = Statement(_by_case_id)
CASE_LOCKED = Statement(_by_case_id.with_for_update(key_share=True))
INSERT_CASE = Statement(CASE.insert())
SAVE_CASE = Statement(
    CASE.update(keeping=("case_id", "origin", "created_at")).where(cases.c.case_id == given("case_id", cases.c.case_id))
)
MERGED_INTO = Statement(
    select(cases).where(cases.c.merged_into == given("merged_into", cases.c.merged_into)).order_by(cases.c.case_id)
)
INSERT_SUBMISSION = Statement(SUBMISSION.insert())
SUBMISSION_BY_KEY = Statement(
    select(submissions).where(
        submissions.c.source == given("source", submissions.c.source),
        submissions.c.idempotency_key == given("idempotency_key", submissions.c.idempotency_key),
    )
)
SUBMISSION_BY_NO = Statement(
    select(submissions).where(
        submissions.c.case_id == given("case_id", submissions.c.case_id),
        submissions.c.submission_no == given("submission_no", submissions.c.submission_no),
    )
)
SUBMISSION_OF_REVISION = Statement(
    select(submissions).where(
        submissions.c.case_id == given("case_id", submissions.c.case_id),
        submissions.c.revision == given("revision", submissions.c.revision),
        IS_CHANGE,
    )
)
SUBMISSIONS_OF_CASE = Statement(
    select(submissions)
    .where(submissions.c.case_id == given("case_id", submissions.c.case_id))
    .order_by(submissions.c.submission_no)
)
_of_case = submissions.c.case_id == given("case_id", submissions.c.case_id)
_source = given("source", submissions.c.source)
LAST_SUBMISSION = Statement(
    select(submissions)
    .where(_of_case, submissions.c.source == _source)
    .order_by(submissions.c.submission_no.desc())
    .limit(1)
)
ANOTHER_SOURCE = Statement(
    select(submissions.c.source)
    .where(_of_case, submissions.c.source != _source)
    .order_by(submissions.c.submission_no.desc())
    .limit(1)
)
WORDS_OF_SOURCE = Statement(
    select(words).where(
        words.c.case_id == given("case_id", words.c.case_id),
        words.c.source == given("source", words.c.source),
    )
)
SAVE_WORDS = insert_or_replace(words, keys=("case_id", "source"))


_CLOCKS_DIFFER_BY: Final = timedelta(days=1)
"""At most, of the store and of the process that made a case's id."""


def oldest_of(created_from: datetime) -> UUID:
    """An id older than that of every case created from then on, so that a scan begins near them."""
    return uuid7(created_from - _CLOCKS_DIFFER_BY, bytes(10))


class CaseRows:
    """Cases and submissions of one transaction."""

    _work: Work

    def case(self, case_id: UUID, *, lock: bool = False) -> Case | None:
        record = self._work.one(CASE_LOCKED if lock else CASE_BY_ID, case_id=case_id)
        return None if record is None else CASE.row(record)

    def cases(self, case_ids: Collection[UUID]) -> dict[UUID, Case]:
        wanted = list(dict.fromkeys(case_ids))
        found = self._work.each(CASE_BY_ID, [{"case_id": case_id} for case_id in wanted])
        return {case_id: CASE.row(records[0]) for case_id, records in zip(wanted, found, strict=True) if records}

    def insert_case(self, case: Case) -> None:
        self._work.run(INSERT_CASE, CASE.params(case), breaks=Conflict)

    def save_case(self, case: Case) -> None:
        if not self._work.run(SAVE_CASE, CASE.params(case)):
            raise self._work.refuse("expected a case that is stored, got a new one")

    def merged_into(self, case_id: UUID) -> list[Case]:
        return CASE.rows(self._work.all(MERGED_INTO, merged_into=case_id))

    def submission_by_key(self, source: str, idempotency_key: str) -> Submission | None:
        return self._submission(SUBMISSION_BY_KEY, source=source, idempotency_key=idempotency_key)

    def submission(self, case_id: UUID, submission_no: int) -> Submission | None:
        return self._submission(SUBMISSION_BY_NO, case_id=case_id, submission_no=submission_no)

    def revision(self, case_id: UUID, revision: int) -> Submission | None:
        return self._submission(SUBMISSION_OF_REVISION, case_id=case_id, revision=revision)

    def revisions_of(self, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Submission]:
        wanted = list(dict.fromkeys(keys))
        found = self._work.each(
            SUBMISSION_OF_REVISION, [{"case_id": case_id, "revision": no} for case_id, no in wanted]
        )
        return {key: SUBMISSION.row(records[0]) for key, records in zip(wanted, found, strict=True) if records}

    def insert_submission(self, submission: Submission) -> None:
        self._work.run(INSERT_SUBMISSION, SUBMISSION.params(submission), breaks=Conflict)
        if submission.is_change:
            note_changes(self._work, [change_by(submission)])

    def last_submission(self, case_id: UUID, source: str) -> Submission | None:
        return self._submission(LAST_SUBMISSION, case_id=case_id, source=source)

    def is_posted_by_others(self, case_id: UUID, source: str) -> bool:
        return self._work.one(ANOTHER_SOURCE, case_id=case_id, source=source) is not None

    def words(self, case_id: UUID, source: str) -> Words | None:
        record = self._work.one(WORDS_OF_SOURCE, case_id=case_id, source=source)
        return None if record is None else WORDS.row(record)

    def save_words(self, words: Words) -> None:
        self._work.run(SAVE_WORDS, WORDS.params(words))

    def list_submissions(self, case_id: UUID) -> list[Submission]:
        return SUBMISSION.rows(self._work.all(SUBMISSIONS_OF_CASE, case_id=case_id))

    def list_cases(self, where: CaseFilter, *, after: UUID | None, limit: int) -> list[Case]:
        found = select(cases).where(*_conditions(where)).order_by(cases.c.case_id.desc()).limit(limit)
        if after is not None:
            found = found.where(cases.c.case_id < after)
        return CASE.rows(self._work.all(Statement(found)))

    def oldest_cases(self, where: CaseFilter, *, after: UUID | None, limit: int) -> list[Case]:
        found = select(cases).where(*_conditions(where)).order_by(cases.c.case_id).limit(limit)
        least = after or (oldest_of(where.created_from) if where.created_from is not None else None)
        if least is not None:
            found = found.where(cases.c.case_id > least)
        return CASE.rows(self._work.all(Statement(found)))

    def _submission(self, statement: Statement, **params: Any) -> Submission | None:
        record = self._work.one(statement, **params)
        return None if record is None else SUBMISSION.row(record)


def _conditions(where: CaseFilter) -> list[Any]:
    conditions: list[Any] = []
    if where.origins is not None:
        conditions.append(cases.c.origin.in_(where.origins))
    if where.regions is not None:
        conditions.append(
            or_(false(), *(cases.c.region.startswith(prefix, autoescape=True) for prefix in where.regions))
        )
    if where.items is not None:
        conditions.append(cases.c.item.in_(where.items))
    if where.kinds is not None:
        conditions.append(cases.c.kind.in_(where.kinds))
    if where.created_from is not None:
        conditions.append(cases.c.created_at >= where.created_from)
    if where.created_until is not None:
        conditions.append(cases.c.created_at < where.created_until)
    return conditions
