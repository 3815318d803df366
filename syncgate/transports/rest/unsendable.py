"""What stands in for a system's answer where a request cannot be put on the wire."""

from __future__ import annotations

from syncgate.domain.outcome import Answer, Evidence, Outcome


class Unsendable(Exception):
    """The request cannot be put on the wire; nothing of it has left."""

    def __init__(self, note: str, *, outcome: Outcome, reason: str, actor: str) -> None:
        super().__init__(note)
        self.outcome = outcome
        self.reason = reason
        self.actor = actor

    def answer(self) -> Answer:
        """The answer that stands in for the system's."""
        return Answer(
            outcome=self.outcome,
            evidence=Evidence(note=str(self)),
            rule="not_sent",
            reason=self.reason,
            actor=self.actor,
        )


def unfit(note: str, *, reason: str, actor: str = "mapping") -> Unsendable:
    """The refusal of a payload that its format or charset cannot carry."""
    return Unsendable(note, outcome=Outcome.REFUSED, reason=reason, actor=actor)
