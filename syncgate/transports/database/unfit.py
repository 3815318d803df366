"""What stands in for a database's answer where rows cannot be put into it."""

from __future__ import annotations

from syncgate.domain.outcome import Answer, Evidence, Outcome


class Unsendable(Exception):
    """The rows cannot be written; nothing of them has left. The message names places and rules, never a value."""

    def __init__(self, note: str, *, reason: str, actor: str, outcome: Outcome = Outcome.REFUSED) -> None:
        super().__init__(note)
        self.reason = reason
        self.actor = actor
        self.outcome = outcome

    def answer(self) -> Answer:
        """The answer that stands in for the database's."""
        evidence = Evidence(note=str(self))
        return Answer(outcome=self.outcome, evidence=evidence, rule="not_sent", reason=self.reason, actor=self.actor)
