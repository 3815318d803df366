"""Roles and scopes, as a table; and what a scope lets one see."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import ACTIONS_BY_ROLE, EXCLUSIVE, LOCAL, Action, may
from syncgate.flows.showing.scope import narrowed, narrowed_prefixes, sees_case, sees_open
from tests.support.rows import START, a_case, a_lane, new_id


def principal(role: str = "viewer", **scopes: Any) -> Principal:
    return Principal(
        principal_id=new_id(), name="p", role=role, key_hash=b"h" * 16, key_hint="…", created_at=START, **scopes
    )


A = Action
MAY: dict[str, set[Action]] = {
    "source": {A.SUBMIT, A.READ_CASES, A.READ_DELIVERIES, A.READ_CONTENT},
    "viewer": {A.READ_CASES, A.READ_DELIVERIES, A.READ_SYSTEMS, A.READ_METRICS},
    "operator": {
        A.READ_CASES, A.READ_DELIVERIES, A.READ_SYSTEMS, A.READ_METRICS, A.MOVE_DELIVERIES, A.PAUSE_SYSTEMS,
        A.RECONCILE, A.ACKNOWLEDGE, A.READ_CONTENT,
    },
    "integrator": {
        A.READ_CASES, A.READ_DELIVERIES, A.READ_SYSTEMS, A.READ_METRICS, A.PAUSE_SYSTEMS, A.REPLAN, A.RECONCILE,
        A.ACKNOWLEDGE, A.DEPLOY,
    },
    "admin": {
        A.READ_CASES, A.READ_DELIVERIES, A.READ_SYSTEMS, A.READ_METRICS, A.MOVE_DELIVERIES, A.PAUSE_SYSTEMS,
        A.REPLAN, A.RECONCILE, A.ACKNOWLEDGE, A.DEPLOY, A.READ_CONTENT,
    },
    "security": {A.READ_SYSTEMS, A.READ_METRICS, A.MANAGE_KEYS},
    "auditor": {A.READ_CASES, A.READ_DELIVERIES, A.READ_SYSTEMS, A.READ_METRICS, A.READ_AUDIT},
    LOCAL: set(Action),
}  # fmt: skip


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", [*MAY, "nobody"])
def test_a_role_may_what_the_table_says_and_nothing_else(role: str, action: Action) -> None:
    assert may(principal(role), action) is (action in MAY.get(role, set()))


def test_what_security_may_do_the_other_two_may_not() -> None:
    """Who grants keys neither works with them nor audits; who audits changes nothing."""
    assert not any(A.MANAGE_KEYS in ACTIONS_BY_ROLE[role] for role in EXCLUSIVE - {"security"})
    assert not any(A.READ_AUDIT in ACTIONS_BY_ROLE[role] for role in EXCLUSIVE - {"auditor"})


@pytest.mark.parametrize(
    ("scopes", "asked", "allowed"),
    [
        ({}, {"source": "window", "system": "food", "region": ""}, True),
        ({"sources": ("window",)}, {"source": "window"}, True),
        ({"sources": ("window",)}, {"source": "hall"}, False),
        ({"sources": ("window",)}, {"system": "food"}, True),
        ({"systems": ("food",)}, {"system": "food"}, True),
        ({"systems": ("food",)}, {"system": "province"}, False),
        ({"regions": ("9901",)}, {"region": "990102"}, True),
        ({"regions": ("990101", "990102")}, {"region": "990102000000"}, True),
        ({"regions": ("9901",)}, {"region": "980101"}, False),
        ({"regions": ("9901",)}, {"region": ""}, False),
        ({"sources": ("window",), "systems": ("food",)}, {"source": "window", "system": "province"}, False),
    ],
)
def test_a_scope_narrows_what_a_role_may(scopes: dict[str, Any], asked: dict[str, str], allowed: bool) -> None:
    assert may(principal("operator", **scopes), Action.READ_CASES, **asked) is allowed


@pytest.mark.parametrize(
    ("scopes", "sees"),
    [
        ({}, True),
        ({"sources": ("window",)}, True),
        ({"sources": ("food",)}, True),
        ({"sources": ("province",)}, False),
        ({"systems": ("province",)}, True),
        ({"systems": ("workorders",)}, False),
        ({"regions": ("9901",)}, True),
        ({"regions": ("9902",)}, False),
        ({"sources": ("window",), "regions": ("9902",)}, False),
    ],
)
def test_a_case_is_seen_by_who_posted_it_or_is_to_get_it_within_the_region(scopes: dict[str, Any], sees: bool) -> None:
    """`food` posted it too, under its own number; `province` only gets it."""
    case = a_case()
    lanes = [a_lane(case.case_id, "food", case_ref="F-1"), a_lane(case.case_id, "province")]
    assert sees_case(principal(**scopes), case, lanes) is sees


def test_only_the_posting_source_sees_a_case_open() -> None:
    case = a_case()
    assert sees_open(principal("source", sources=("window",)), case)
    assert not sees_open(principal("source", sources=("food",)), case)
    assert not sees_open(principal("admin", sources=("window",)), case)


@pytest.mark.parametrize(
    ("wished", "scope", "kept"),
    [
        (None, (), None),
        (None, ("a",), ("a",)),
        (["a", "b"], ("b", "c"), ("b",)),
        (["a"], (), ("a",)),
        (["a"], ("b",), ()),
    ],
)
def test_a_wish_is_narrowed_to_the_scope(wished: Any, scope: tuple[str, ...], kept: Any) -> None:
    assert narrowed(wished, scope) == kept


@pytest.mark.parametrize(
    ("wished", "scope", "kept"),
    [
        (None, ("99",), ("99",)),
        (["990101"], ("9901",), ("990101",)),
        (["99"], ("9901", "9902"), ("9901", "9902")),
        (["98"], ("9901",), ()),
        (["98"], (), ("98",)),
    ],
)
def test_prefixes_are_narrowed_to_the_longer_one(wished: Any, scope: tuple[str, ...], kept: Any) -> None:
    assert narrowed_prefixes(wished, scope) == kept
