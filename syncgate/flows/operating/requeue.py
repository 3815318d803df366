"""A bulk requeue as it is kept: what was asked, how far it came, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Principal, Run
from syncgate.flows.operating.failed import Failed, LeftAlone

JOB: Final = "requeue"


class State(StrEnum):
    """How far a bulk requeue came."""

    BEGUN = "begun"
    """The first few are being queued."""
    CANARY = "canary"
    """The first few are on their way; the rest waits for them."""
    QUEUING = "queuing"
    """The rest, or all at once, is being queued."""
    DONE = "done"
    CANARY_FAILED = "canary_failed"
    """One of the first few was not delivered: the rest is as it was."""
    CAP_EXCEEDED = "cap_exceeded"
    """More match than were to be requeued: no more are."""
    STOPPED = "stopped"
    """A person stopped it."""


OVER: Final = frozenset({State.DONE, State.CANARY_FAILED, State.CAP_EXCEEDED, State.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """One bulk requeue.

    Attributes:
        requeue_id: None for one that was stopped before it began, and is not kept.
        who: the name and the scopes of the person, which hold to its end.
        canary: how many go first; 0: all at once. canaries: those that went.
        failed: canaries that were not delivered.
        cap: at most so many are requeued. matched: how many were parked when it began.
        is_whole: whether all were looked at to count them.
        queued: how many were requeued. skipped: how many had moved by themselves when their turn came.
        cursor: the last delivery that was looked at.
    """

    requeue_id: UUID | None
    state: State
    who: Principal
    reason: str
    filter: Failed
    cap: int
    canary: int
    matched: int
    is_whole: bool
    left_alone: tuple[LeftAlone, ...]
    started_at: datetime
    ended_at: datetime | None = None
    queued: int = 0
    skipped: int = 0
    canaries: tuple[UUID, ...] = ()
    failed: tuple[UUID, ...] = ()
    cursor: UUID | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in OVER

    def run(self) -> Run:
        """The row that keeps it."""
        return Run(
            job=JOB,
            slot=str(self.requeue_id),
            claimed_by=self.who.name,
            claimed_at=self.started_at,
            cursor=None if self.cursor is None else str(self.cursor),
            ended_at=self.ended_at,
            outcome=self.state.value,
            detail={
                "scope": {name: list(getattr(self.who, name)) for name in _SCOPE},
                "role": self.who.role,
                "reason": self.reason,
                "filter": self.filter.document(),
                "left_alone": [[left.phase.value, left.reason, left.count] for left in self.left_alone],
                "canaries": list(map(str, self.canaries)),
                "failed": list(map(str, self.failed)),
                **{name: getattr(self, name) for name in _PLAIN},
            },
        )

    @classmethod
    def of(cls, run: Run) -> Requeue:
        """What a row keeps."""
        detail = run.detail
        return cls(
            requeue_id=UUID(run.slot),
            state=State(run.outcome),
            who=_who(run.claimed_by, detail, at=run.claimed_at),
            reason=detail["reason"],
            filter=Failed.of(detail["filter"]),
            left_alone=tuple(LeftAlone(phase=Phase(p), reason=r, count=n) for p, r, n in detail["left_alone"]),
            started_at=run.claimed_at,
            ended_at=run.ended_at,
            canaries=_ids(detail["canaries"]),
            failed=_ids(detail["failed"]),
            cursor=None if run.cursor is None else UUID(run.cursor),
            **{name: detail[name] for name in _PLAIN},
        )


_PLAIN: Final = ("cap", "canary", "matched", "is_whole", "queued", "skipped")
_SCOPE: Final = ("sources", "systems", "regions")


def _ids(texts: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(map(UUID, texts))


def _who(name: str, detail: Mapping[str, Any], *, at: datetime) -> Principal:
    """The person as of the beginning; the key itself is not kept."""
    scope: dict[str, Any] = {kind: tuple(names) for kind, names in detail["scope"].items()}
    return Principal(
        principal_id=UUID(int=0), name=name, role=detail["role"], key_hash=b"", key_hint="", created_at=at, **scope
    )
