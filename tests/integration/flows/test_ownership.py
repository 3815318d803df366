"""Whose word counts for which fields of a case that several sources post."""

from __future__ import annotations

import pytest

from syncgate.domain.errors import NotOwned
from syncgate.site.sources import Source
from tests.integration.flows.worksite import Worksite
from tests.support.cases import a_stage, an_application


@pytest.fixture
def owned(site: Worksite) -> Worksite:
    """The window owns the contact, and food the title."""
    for name, owns in (("window", {"/contact"}), ("food", {"/title"}), ("hall", set[str]())):
        site.gate.inbound[name] = Source(name=name, title={}, mapping=None, formats={}, owns=frozenset(owns))
    return site


OURS = an_application("QX1")
FOODS = an_application("SP9", references={"window": "QX1"})


def test_what_a_source_does_not_own_is_refused_with_every_field_and_nothing_is_kept(owned: Worksite) -> None:
    first = owned.post(OURS)
    contact = OURS["contact"] | {"mobile": "15400000009", "name": "李示例"}
    with pytest.raises(NotOwned) as refused:
        owned.post(FOODS | {"contact": contact, "title": "另一标题"}, source="food")
    told = {(e.pointer, e.rule, e.expected) for e in refused.value.errors}
    assert told == {(f"/contact/{name}", "owned_by_another", "window") for name in ("mobile", "name")}
    assert owned.document(first.case_id) == OURS


def test_its_own_fields_and_nobodys_it_changes(owned: Worksite) -> None:
    first = owned.post(OURS)
    joined = owned.post(FOODS | {"title": "另一标题", "channel": "app"}, source="food")
    document = owned.document(joined.case_id)
    assert joined.case_id == first.case_id
    assert (document["title"], document["channel"]) == ("另一标题", "app")


def test_the_origin_too_is_bound(owned: Worksite) -> None:
    first = owned.post(OURS)
    with pytest.raises(NotOwned):
        owned.patch(first.case_id, {"title": "另一标题"})
    with pytest.raises(NotOwned):
        owned.patch(first.case_id, {"title": None})


def test_a_new_case_and_a_field_without_a_value_are_anybodys(owned: Worksite) -> None:
    first = owned.post(OURS, source="hall")
    filled = owned.patch(first.case_id, {"contact": {"email": "a@example.com"}}, source="hall")
    assert filled.revision == 2


def test_stages_are_nobodys(owned: Worksite) -> None:
    owned.post(OURS)
    assert owned.post(FOODS | {"stages": [a_stage("s1", "accepted")]}, source="food").revision == 2


def test_a_put_without_others_fields_leaves_them(owned: Worksite) -> None:
    more = OURS | {"contact": OURS["contact"] | {"email": "a@example.com"}}
    first = owned.post(more)
    owned.post(FOODS, source="food")
    owned.gate.inbound["window"], owned.gate.inbound["food"] = owned.gate.inbound["hall"], owned.gate.inbound["window"]
    owned.put(first.case_id, OURS | {"channel": "app"})
    document = owned.document(first.case_id)
    assert (document["contact"]["email"], document["channel"]) == ("a@example.com", "app")


def test_where_nothing_is_declared_the_last_word_counts(site: Worksite) -> None:
    site.post(OURS)
    joined = site.post(FOODS | {"contact": OURS["contact"] | {"mobile": "15400000009"}}, source="food")
    assert site.document(joined.case_id)["contact"]["mobile"] == "15400000009"
