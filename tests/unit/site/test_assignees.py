"""What an adapter can say wrongly about legs is named at its place, all at once."""

from __future__ import annotations

import pytest

from syncgate.documents import ProblemSet
from tests.integration.flows.desksite import desk

WRONG = {
    "no assignee": (
        "assignee: {in: [leg.org.uscc, {const: [11990100MB00000057]}]}\n",
        "",
        "expected 'assignee' to say",
    ),
    "a path that no leg has": ("leg.org.uscc", "leg.org.code", "unknown field of leg.org 'code'"),
    "a number of the case": (
        "    remote_ref: {body: /order}",
        "    remote_ref: {body: /order}\n    is_case_ref: true",
        "expected no 'is_case_ref' where each leg has a number of its own",
    ),
    "what closes no leg": ("closes: order", "closes: urge", "unknown message of a leg 'urge'"),
    "a closing of the case": (
        "of: leg\n    closes: order",
        "of: case\n    closes: order",
        "expected 'of: leg' for a message that closes a leg, got 'of: case'",
    ),
    "a closing before what it closes": (
        "closes: order\n",
        "closes: order\n    after: []\n",
        "expected it to come after 'order', which it closes",
    ),
    "everybody's stages": (
        "turn: leg.no",
        "turn: {each: case.stages, do: it.kind}",
        "case.stages.*.kind has the stages of every assignee",
    ),
    "personal data of a stage": (
        "personal: [address, content, contact, name]",
        "personal: [address]",
        "leg.ended_with.reason is personal (content)",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_leg_is_named(wrong: str) -> None:
    old, new, words = WRONG[wrong]
    with pytest.raises(ProblemSet) as caught:
        desk("urban", (old, new))
    assert any(words in str(problem) for problem in caught.value.problems), caught.value.problems


def test_the_desks_have_no_problem_and_their_examples_hold() -> None:
    for spec in desk("urban").specs.values():
        assert all(result.ok for result in spec.mapping.run_examples())
