"""Where a case stands, and why a delivery is where it is, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from syncgate.language.catalogue import in_language
from syncgate.language.choice import Language
from syncgate.language.said import Said
from syncgate.language.words import word

Ended = Literal["withdrawn", "void", "merged"]
_ENDED: Final[dict[Ended, str]] = {
    "withdrawn": "the case is withdrawn",
    "void": "the case is void",
    "merged": "the case was merged into another",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is still to happen in a slot.

    slot: its message, and its part where it has one. since, until: where it lies in the system's own queue, since
    when and how long that is awaited; until alone: when its system opens. Texts, None elsewhere.
    """

    slot: str
    phase: str
    reason: str | None
    actor: str
    since: str | None = None
    until: str | None = None

    def sentence(self, language: Language) -> str:
        """Where the delivery is, why, and who must act where a person must."""
        words = {"slot": self.slot, "phase": word("phase", self.phase, language)}
        if self.since and self.until:
            told = Said(
                "{slot} is {phase} since {since}, at most until {until}", **words, since=self.since, until=self.until
            )
            return in_language(told, language)
        if self.reason and self.until:
            words |= {"reason": word("reason", self.reason, language), "until": self.until}
            return in_language(Said("{slot} is {phase} because of {reason}, until {until}", **words), language)
        if self.reason:
            words["reason"] = word("reason", self.reason, language)
            text = in_language(Said("{slot} is {phase} because of {reason}", **words), language)
        else:
            text = in_language(Said("{slot} is {phase}", **words), language)
        if self.phase != "parked" or not self.actor:
            return text
        actor = word("actor", self.actor, language)
        return in_language(Said("{text}, {actor} must act", text=text, actor=actor), language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one system holds of a case.

    Attributes:
        is_origin: the system posted the case first.
        held_count, slots_count: how many records it holds, of how many that it should hold or did.
        own_count: how many of those that it holds are its own, and not delivered by us.
        case_ref: what it calls the case.
        waiting: what is still to happen first; None where nothing is.
        waits_for: the system whose number is needed first.
        ended_as: why no system should hold anything of the case any more; None of one that is open.
    """

    is_origin: bool
    held_count: int
    own_count: int = 0
    slots_count: int
    case_ref: str | None
    waiting: Waiting | None
    waits_for: str | None
    ended_as: Ended | None = None

    def sentence(self, language: Language) -> str:
        """Where the case stands at the system, and why."""
        if self.is_origin and not self.slots_count:
            return in_language("posted it, and holds its own record", language)
        if not self.slots_count and self.case_ref:
            return in_language(Said("knows it as {number}, and nothing is to go there", number=self.case_ref), language)
        if not self.slots_count:
            return in_language("gets nothing of this case", language)
        parts = [self._records(language)] if self.ended_as is None else self._ended(self.ended_as, language)
        if self.waiting is not None:
            parts.append(self.waiting.sentence(language))
            if self.waits_for:
                parts.append(in_language(Said("waits for {system}", system=self.waits_for), language))
        elif self.held_count < self.slots_count and self.ended_as is None:
            parts.append(in_language("no more is due", language))
        return ("；" if language == "zh" else "; ").join(parts)

    def _ended(self, ended_as: Ended, language: Language) -> list[str]:
        if not self.held_count:
            held = "it holds nothing of it"
        elif self.case_ref:
            held = Said("it still holds {count} records as {number}", count=self.held_count, number=self.case_ref)
        else:
            held = Said("it still holds {count} records", count=self.held_count)
        return [in_language(_ENDED[ended_as], language), in_language(held, language)]

    def _records(self, language: Language) -> str:
        counts = {"held": self.held_count, "total": self.slots_count}
        if self.case_ref:
            told = Said("holds {held} of {total} records as {number}", **counts, number=self.case_ref)
        else:
            told = Said("holds {held} of {total} records", **counts)
        text = in_language(told, language)
        if not self.own_count:
            return text
        return in_language(Said("{text}, {count} of them its own", text=text, count=self.own_count), language)
