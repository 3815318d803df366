"""The canonical case: its one written form, and how what a source sends changes it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.case import (
    canonical_bytes,
    is_withdrawn,
    merged,
    patched,
    replaced,
    version_key,
    with_stages,
    withdrawing_stage,
)
from syncgate.domain.errors import Conflict, StaleRevision

S1 = {"id": "s1", "kind": "accepted", "at": "2026-04-30T09:00:00+08:00"}
S2 = {"id": "s2", "kind": "step", "at": "2026-05-01T09:00:00+08:00"}
M1 = {"id": "m1", "name": "申请书", "get_type": "1"}
Edit = Callable[[Any, Any], Any]


def a_case(**changes: Any) -> dict[str, Any]:
    return {"kind": "application", "case_no": "990101-0001", "title": "食品经营许可"} | changes


def told(error: pytest.ExceptionInfo[Conflict]) -> list[tuple[str, str]]:
    return [(each.pointer, each.rule) for each in error.value.errors]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abcd"), below, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.sampled_from("abcd"), _json, max_size=4)


class TestTheWrittenForm:
    def test_has_sorted_keys_no_spaces_and_utf_8(self) -> None:
        assert canonical_bytes({"b": [1, None], "a": {"名": "示例市"}}) == '{"a":{"名":"示例市"},"b":[1,null]}'.encode()

    @given(_objects, st.randoms())
    def test_does_not_depend_on_the_order_of_keys(self, document: Any, shuffle: random.Random) -> None:
        assert canonical_bytes(_shuffled(document, shuffle)) == canonical_bytes(document)

    @given(_json)
    def test_reads_back_as_what_was_written(self, document: Any) -> None:
        assert json.loads(canonical_bytes(document)) == document

    def test_tells_different_content_apart(self) -> None:
        forms: list[Any] = [None, False, 0, "0", "", [], {}, [0], ["0"], {"a": None}, {"a": []}, True, 1, "null"]
        assert len({canonical_bytes(each) for each in forms}) == len(forms)


def _shuffled(value: Any, shuffle: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, _shuffled(each, shuffle)) for name, each in value.items()]
        shuffle.shuffle(items)
        return dict(items)
    return [_shuffled(each, shuffle) for each in value] if isinstance(value, list) else value


RFC_7396: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""Appendix A, but the vector whose patch is null: within an object that means removal."""


class TestAMergePatch:
    @pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
    def test_is_that_of_the_standard(self, target: Any, patch: Any, result: Any) -> None:
        """Source: RFC 7396 appendix A, one level down, where a case keeps what a source fills in."""
        assert patched(a_case(form=target), {"form": patch}) == a_case(form=result)

    def test_removes_a_field_with_null(self) -> None:
        assert patched(a_case(form={"a": 1}), {"form": None, "absent": None}) == a_case()

    @given(_objects, _objects)
    def test_changes_nothing_the_second_time(self, form: Any, patch: Any) -> None:
        once = patched(a_case(form=form), {"form": patch})
        assert patched(once, {"form": patch}) == once

    @given(_objects, _objects)
    def test_leaves_what_it_reads_as_it_was(self, form: Any, patch: Any) -> None:
        current, sent = a_case(form=form, stages=[S1]), {"form": patch, "stages": [S2]}
        kept = copy.deepcopy((current, sent))
        patched(current, sent)
        replaced(current, a_case(form=patch, stages=[S2]))
        assert (current, sent) == kept

    def test_of_nothing_is_the_same_case(self) -> None:
        assert patched(a_case(stages=[S1]), {}) == a_case(stages=[S1])

    def test_adds_stages_and_materials_by_id(self) -> None:
        after = patched(a_case(stages=[S1]), {"stages": [S2], "materials": [M1]})
        assert after == a_case(stages=[S1, S2], materials=[M1])

    @pytest.mark.parametrize("name", ["stages", "materials"])
    def test_never_removes_stages_or_materials(self, name: str) -> None:
        case = a_case(**{name: [S1]})
        assert patched(case, {name: None}) == case
        assert patched(case, {name: []}) == case

    def test_appends_stages(self) -> None:
        assert with_stages(a_case(stages=[S1]), [S2]) == a_case(stages=[S1, S2])
        assert with_stages(a_case(), (S1, S2)) == a_case(stages=[S1, S2])


class TestACasePostedAgain:
    def test_is_replaced_as_a_whole(self) -> None:
        assert replaced(a_case(form={"a": 1}, region_code="990101"), a_case(title="新")) == a_case(title="新")

    def test_keeps_the_version_that_it_leaves_out(self) -> None:
        """Otherwise an older post would count again after one without a version."""
        assert replaced(a_case(source_version=3), a_case(title="b"))["source_version"] == 3
        assert replaced(a_case(source_version=3), a_case(source_version=4))["source_version"] == 4
        assert "source_version" not in replaced(a_case(), a_case())

    def test_keeps_stages_and_materials_that_it_leaves_out(self) -> None:
        current = a_case(stages=[S1], materials=[M1])
        assert replaced(current, a_case()) == current
        assert replaced(current, a_case(stages=[S2])) == a_case(stages=[S1, S2], materials=[M1])

    def test_keeps_the_order_of_what_is_known_and_appends_the_rest(self) -> None:
        assert replaced(a_case(stages=[S1]), a_case(stages=[S2, S1])) == a_case(stages=[S1, S2])

    def test_changes_nothing_when_it_is_the_same(self) -> None:
        current = a_case(stages=[S1, S2], materials=[M1], references={"food": "F1"})
        assert replaced(current, copy.deepcopy(current)) == current

    def test_keeps_the_references_of_others(self) -> None:
        after = replaced(a_case(references={"food": "F1"}), a_case(references={"city": "C1"}))
        assert after["references"] == {"food": "F1", "city": "C1"}
        assert replaced(a_case(references={"food": "F1"}), a_case())["references"] == {"food": "F1"}
        assert replaced(a_case(), a_case(references={"city": "C1"}))["references"] == {"city": "C1"}

    def test_takes_the_newer_word_for_the_same_reference(self) -> None:
        after = replaced(a_case(references={"food": "F1"}), a_case(references={"food": "F2"}))
        assert after["references"] == {"food": "F2"}

    def test_gets_no_lists_that_it_never_had(self) -> None:
        assert replaced(a_case(), a_case()) == a_case()

    @given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4), max_size=5))
    def test_loses_no_stage_and_doubles_none_whatever_comes_in_whatever_order(self, posts: list[list[str]]) -> None:
        current = a_case()
        arrived: list[str] = []
        for post in posts:
            current = replaced(current, a_case(stages=[{"id": each} for each in post]))
            arrived += [each for each in post if each not in arrived]
            assert [stage["id"] for stage in current.get("stages", [])] == arrived


class TestACaseThatSeveralPost:
    def test_keeps_what_a_post_leaves_out_however_deep(self) -> None:
        current = a_case(form={"a": {"b": 1, "c": [1, 2]}}, region_code="990101")
        posted = a_case(form={"a": {"b": 2}}, title="新")
        assert merged(current, posted) == a_case(form={"a": {"b": 2, "c": [1, 2]}}, region_code="990101", title="新")

    def test_replaces_other_lists_when_they_are_given(self) -> None:
        assert merged(a_case(form={"a": [1, 2]}), a_case(form={"a": [3]})) == a_case(form={"a": [3]})

    def test_takes_an_object_for_a_value_and_a_value_for_an_object(self) -> None:
        assert merged(a_case(form={"a": 1}), a_case(form={"a": {"b": 2}})) == a_case(form={"a": {"b": 2}})
        assert merged(a_case(form={"a": {"b": 2}}), a_case(form={"a": None})) == a_case(form={"a": None})

    def test_unites_stages_materials_and_references(self) -> None:
        current = a_case(stages=[S1], references={"food": "F1"})
        after = merged(current, a_case(stages=[S2], materials=[M1], references={"city": "C1"}))
        assert after == a_case(stages=[S1, S2], materials=[M1], references={"food": "F1", "city": "C1"})

    @given(_objects, _objects)
    def test_changes_nothing_the_second_time(self, form: Any, posted: Any) -> None:
        once = merged(a_case(form=form), a_case(form=posted))
        assert merged(once, a_case(form=posted)) == once
        assert merged(once, once) == once

    @given(_objects, _objects)
    def test_loses_no_field_and_says_all_that_was_posted(self, form: Any, posted: Any) -> None:
        after = merged(a_case(form=form), a_case(form=posted))["form"]
        assert set(after) == {*form, *posted}
        assert all(after[name] == value for name, value in posted.items() if not isinstance(value, dict))
        assert all(after[name] == value for name, value in form.items() if name not in posted)

    @given(_objects, _objects)
    def test_leaves_what_it_reads_as_it_was(self, form: Any, posted: Any) -> None:
        current, came = a_case(form=form, stages=[S1]), a_case(form=posted, stages=[S2])
        kept = copy.deepcopy((current, came))
        merged(current, came)
        assert (current, came) == kept


@pytest.mark.parametrize("null", [None, {"food": None}, {}])
def test_no_edit_takes_a_reference_away(null: Any) -> None:
    current = a_case(references={"food": "F1"})
    assert patched(current, {"references": null}) == current
    assert merged(current, a_case()) == current
    assert replaced(current, a_case()) == current


@pytest.mark.parametrize("edit", [patched, replaced, merged])
class TestAContradiction:
    def test_is_a_known_stage_with_other_content(self, edit: Edit) -> None:
        with pytest.raises(Conflict) as error:
            edit(a_case(stages=[S1]), a_case(stages=[S2, S1 | {"result": "agree"}]))
        assert told(error) == [("/stages/1", "known_with_other_content")]

    def test_names_every_entry_at_once(self, edit: Edit) -> None:
        known = a_case(materials=[M1, M1 | {"id": "m2"}])
        posted = a_case(materials=[M1 | {"name": "x"}, {"id": "m3"}, M1 | {"id": "m2", "name": "y"}])
        with pytest.raises(Conflict) as error:
            edit(known, posted)
        assert told(error) == [(f"/materials/{no}", "known_with_other_content") for no in (0, 2)]

    def test_may_lie_within_one_submission(self, edit: Edit) -> None:
        with pytest.raises(Conflict) as error:
            edit(a_case(), a_case(stages=[S1, S1 | {"kind": "step"}]))
        assert told(error) == [("/stages/1", "known_with_other_content")]

    def test_is_not_the_same_entry_twice(self, edit: Edit) -> None:
        again = dict(reversed(list(S1.items())))
        assert edit(a_case(stages=[S1]), a_case(stages=[again, S2, S2]))["stages"] == [S1, S2]

    def test_is_another_identity_every_field_at_once(self, edit: Edit) -> None:
        with pytest.raises(Conflict) as error:
            edit(a_case(), a_case(kind="hotline", case_no="990101-0002"))
        assert told(error) == [("/kind", "identity_is_fixed"), ("/case_no", "identity_is_fixed")]

    def test_is_an_older_source_version(self, edit: Edit) -> None:
        with pytest.raises(StaleRevision):
            edit(a_case(source_version=7), a_case(source_version=6))

    @pytest.mark.parametrize(("known", "came"), [(7, 7), (7, 8), (None, 1), (7, None), (9, "10"), ("9", "a")])
    def test_is_not_a_source_version_as_new_or_newer_or_none(self, edit: Edit, known: Any, came: Any) -> None:
        current = a_case() if known is None else a_case(source_version=known)
        posted = a_case() if came is None else a_case(source_version=came)
        assert edit(current, posted)["case_no"] == "990101-0001"

    def test_never_repeats_what_the_source_wrote(self, edit: Edit) -> None:
        with pytest.raises(Conflict) as error:
            edit(a_case(stages=[S1]), a_case(stages=[S1 | {"opinion": "测样甲"}]))
        assert "测样甲" not in f"{error.value} {error.value.errors}"


def test_identity_cannot_be_patched_away() -> None:
    with pytest.raises(Conflict) as error:
        patched(a_case(), {"case_no": None})
    assert told(error) == [("/case_no", "identity_is_fixed")]


def test_an_entry_without_an_id_is_left_for_the_schema_to_refuse() -> None:
    assert with_stages(a_case(), [{"kind": "step"}, 1])["stages"] == [{"kind": "step"}, 1]


def test_appending_no_stages_changes_nothing() -> None:
    assert canonical_bytes(with_stages(a_case(), [])) == canonical_bytes(a_case())


class TestSourceVersions:
    def test_are_ordered_by_value_then_texts_by_text(self) -> None:
        ordered: list[Any] = [0, "1", 2, "03", "10", 11, "2026-04-30", "2026-05-01", "a"]
        assert sorted(random.Random(1).sample(ordered, len(ordered)), key=version_key) == ordered

    def test_are_the_same_whether_number_or_text(self) -> None:
        assert version_key(7) == version_key("7") == version_key("007")

    @given(st.integers(0), st.integers(0))
    def test_of_numbers_are_ordered_as_numbers(self, one: int, other: int) -> None:
        assert (version_key(one) < version_key(str(other))) == (one < other)

    def test_of_other_digits_are_texts(self) -> None:
        assert version_key("٣") == (1, 0, "٣")
        assert version_key("²") == (1, 0, "²")


def ended(*kinds: str) -> dict[str, Any]:
    return {"stages": [{"id": f"s{no}", "kind": kind} for no, kind in enumerate(kinds)]}


@pytest.mark.parametrize(
    ("kinds", "stage"),
    [
        ((), None),
        (("applied", "step"), None),
        (("withdrawn",), "s0"),
        (("applied", "withdrawn", "step"), "s1"),
        (("withdrawn", "reopened"), None),
        (("withdrawn", "reopened", "withdrawn"), "s2"),
        (("withdrawn", "withdrawn"), "s1"),
    ],
)
def test_a_case_is_withdrawn_by_the_last_word_on_it(kinds: tuple[str, ...], stage: str | None) -> None:
    found = withdrawing_stage(ended(*kinds))
    assert (None if found is None else found["id"]) == stage
    assert is_withdrawn(ended(*kinds)) is (stage is not None)


def test_a_case_without_stages_is_not_withdrawn() -> None:
    assert withdrawing_stage({}) is withdrawing_stage({"stages": None}) is None
