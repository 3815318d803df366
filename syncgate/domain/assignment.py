"""Who is in charge of a case, turn by turn: its legs, derived from its stages and from nothing else. Pure, total.

A stage `assigned` or `reassigned` begins a leg of the assignee that it names; a return that was requested and agreed,
the next assignment, a reopening or the finish ends it. Stages count in the order in which they happened, whenever they
arrived. What contradicts the rest begins and ends nothing, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

Json = Any


class Ending(StrEnum):
    """How a leg ended."""

    RETURNED = "returned"
    """The assignee asked to give it back, and that was agreed."""
    REASSIGNED = "reassigned"
    """It was given to another."""
    REOPENED = "reopened"
    """It is to be done again, in a leg of its own."""
    FINISHED = "finished"
    """The case came to its end."""
    WITHDRAWN = "withdrawn"
    """The case was withdrawn."""


MOVED_ON: Final = frozenset({Ending.RETURNED, Ending.REASSIGNED, Ending.REOPENED})
"""Endings after which the case goes on without this leg."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """A stage that does not fit the others. rule: which rule of the case it breaks; stage: its id; field: of it."""

    rule: str
    stage: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One organisation's turn at a case.

    Attributes:
        id: id of the stage that began it.
        no: its number within the case, from 1, in the order of what happened.
        org: the assignee: `name`, and `uscc` where it was given; empty where the stage names nobody.
        began_with: the stage that began it; ended_with: the one that ended it.
        ended: how it ended; None while it is the current one.
        stages: those of the leg, in the order of what happened, the first and, of a return or a finish, the last
            included.
    """

    id: str
    no: int
    org: Mapping[str, str]
    began_with: Json = field(repr=False)
    ended_with: Json | None = field(default=None, repr=False)
    ended: Ending | None = None
    stages: tuple[Json, ...] = field(default=(), repr=False)

    @property
    def is_live(self) -> bool:
        """Whether the organisation is in charge now."""
        return self.ended is None

    @property
    def has_moved_on(self) -> bool:
        """Whether the case went on without it."""
        return self.ended in MOVED_ON

    def document(self) -> Json:
        """The leg as mappings and conditions read it; what it lacks is left out."""
        found: dict[str, Json] = {
            "id": self.id,
            "no": self.no,
            "org": dict(self.org),
            "from_at": self.began_with.get("at"),
            "began_with": self.began_with,
            "stages": list(self.stages),
        }
        if self.ended is not None and self.ended_with is not None:
            found |= {"until_at": self.ended_with.get("at"), "ended": self.ended.value, "ended_with": self.ended_with}
        return found


@dataclass(frozen=True, slots=True)
class Assignment:
    """The legs of a case in the order of what happened, and what contradicts them."""

    legs: tuple[Leg, ...] = ()
    oddities: tuple[Oddity, ...] = ()

    @property
    def current(self) -> Leg | None:
        """The leg that is live; None where nobody is in charge."""
        return self.legs[-1] if self.legs and self.legs[-1].is_live else None

    def leg_of(self, stage: str) -> Leg | None:
        """The leg that a stage is of; None where it is of none."""
        return next((leg for leg in self.legs if any(one["id"] == stage for one in leg.stages)), None)


NOBODY: Final = Assignment()
_BY_ASSIGNEE: Final = frozenset({"signed", "return_requested", "extension_requested", "replied"})
"""Kinds of stages that only who is in charge can bring about."""
KINDS: Final = frozenset({"assigned", "reassigned", "reopened", "return_requested", "return_agreed", *_BY_ASSIGNEE})
"""Kinds of stages that speak about who is in charge."""


def assignment_of(case: Json) -> Assignment:
    """The legs of a case, whatever it is and in whatever order its stages came."""
    stages = case.get("stages") if isinstance(case, dict) else None
    if not isinstance(stages, list) or not any(_kind(stage) in KINDS for stage in stages):
        return NOBODY
    told = _Telling()
    for stage in _in_order(stages):
        told.take(stage)
    return Assignment(tuple(told.legs), tuple(told.oddities))


def _kind(stage: Json) -> str:
    kind = stage.get("kind") if isinstance(stage, dict) else None
    return kind if isinstance(kind, str) else ""


def _in_order(stages: Iterable[Json]) -> list[Json]:
    """The stages that count, by when they happened, those of one instant as they came.

    One that a stage of the same kind corrects gives way to it, in its place.
    """
    known = [stage for stage in stages if isinstance(stage, dict) and isinstance(stage.get("id"), str)]
    kinds = {stage["id"]: stage.get("kind") for stage in known}
    gone = {
        stage["corrects"]
        for stage in known
        if isinstance(stage.get("corrects"), str)
        and stage["corrects"] != stage["id"]
        and kinds.get(stage["corrects"]) == stage.get("kind")
    }
    timed = [(instant, no, stage) for no, stage in enumerate(known) if (instant := _instant(stage)) is not None]
    return [stage for _, _, stage in sorted(timed, key=lambda one: one[:2]) if stage["id"] not in gone]


def _instant(stage: Json) -> datetime | None:
    try:
        at = datetime.fromisoformat(stage["at"])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None


@dataclass(slots=True)
class _Telling:
    """The legs so far, while stages are taken in one by one."""

    legs: list[Leg] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    is_return_requested: bool = False

    def take(self, stage: Json) -> None:
        match _kind(stage):
            case "assigned" | "reassigned" as kind:
                self._assign(stage, kind)
            case "reopened":
                self._reopen(stage)
            case "return_requested":
                self._request(stage)
            case "return_agreed":
                self._agree(stage)
            case "finished" | "withdrawn" as kind:
                self._with(stage)
                self._end(stage, Ending(kind))
            case _:
                if self._is_by_assignee(stage):
                    self._with(stage)

    def _live(self) -> Leg | None:
        return self.legs[-1] if self.legs and self.legs[-1].is_live else None

    def _assign(self, stage: Json, kind: str) -> None:
        live, org = self._live(), _assignee(stage)
        if not org:
            self._odd("assignee_named", stage, "assignee")
        if live is not None if kind == "assigned" else not self.legs:
            self._odd("assignment_in_turn", stage, "kind")
        if live is not None and org and _is_same(live.org, org):
            self._with(stage)
            return
        self._end(stage, Ending.REASSIGNED)
        self._begin(stage, org)

    def _reopen(self, stage: Json) -> None:
        if not self.legs:
            self._odd("assignment_in_turn", stage, "kind")
            return
        org = _assignee(stage) or self.legs[-1].org
        self._end(stage, Ending.REOPENED)
        self._begin(stage, org)

    def _request(self, stage: Json) -> None:
        if self._live() is None:
            self._odd("assignment_in_turn", stage, "kind")
        elif self._is_by_assignee(stage):
            self._with(stage)
            self.is_return_requested = True

    def _agree(self, stage: Json) -> None:
        if self._live() is None or not self.is_return_requested:
            self._odd("return_requested_first", stage, "kind")
            return
        self._with(stage)
        self._end(stage, Ending.RETURNED)

    def _is_by_assignee(self, stage: Json) -> bool:
        """Whether nobody but who is in charge is said to have done it; tells where another is."""
        org, live = stage.get("org"), self._live()
        if _kind(stage) not in _BY_ASSIGNEE or not isinstance(org, dict) or live is None or not live.org:
            return True
        if _is_same(live.org, org):
            return True
        self._odd("acted_by_the_assignee", stage, "org")
        return False

    def _begin(self, stage: Json, org: Mapping[str, str]) -> None:
        self.legs.append(Leg(id=stage["id"], no=len(self.legs) + 1, org=org, began_with=stage, stages=(stage,)))
        self.is_return_requested = False

    def _end(self, stage: Json, how: Ending) -> None:
        live = self._live()
        if live is not None:
            self.legs[-1] = _changed(live, ended_with=stage, ended=how)
        self.is_return_requested = False

    def _with(self, stage: Json) -> None:
        """The stage is of the live leg, or of the last one where that finished; between two legs it is of none."""
        if self.legs and (self.legs[-1].is_live or self.legs[-1].ended is Ending.FINISHED):
            self.legs[-1] = _changed(self.legs[-1], stages=(*self.legs[-1].stages, stage))

    def _odd(self, rule: str, stage: Json, at: str) -> None:
        self.oddities.append(Oddity(rule, stage["id"], at))


def _changed(leg: Leg, **changes: Any) -> Leg:
    names = ("id", "no", "org", "began_with", "ended_with", "ended", "stages")
    return Leg(**{name: getattr(leg, name) for name in names} | changes)


def _assignee(stage: Json) -> dict[str, str]:
    """Name and code of whom a stage puts in charge; empty where it names nobody."""
    org = stage.get("assignee")
    if not isinstance(org, dict):
        return {}
    return {key: org[key] for key in ("name", "uscc") if isinstance(org.get(key), str)}


def _is_same(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two organisations are one: by their codes where both have one, else by name."""
    if one.get("uscc") and other.get("uscc"):
        return bool(one["uscc"] == other["uscc"])
    return bool(one.get("name")) and one.get("name") == other.get("name")
