"""Digests of payloads and records, and what differs between them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncgate.domain.reconciliation.comparison import (
    ComparedField,
    Comparison,
    FieldDifference,
    digest_plainly,
    value_at,
)
from syncgate.domain.reconciliation.masks import Mask, parse_mask, shows
from tests.unit.domain.reconciliation.documents import documents, json_values, related_values

_names = st.sampled_from(["name", "area", "phone", "at"])


_MASKS = [True, {"first": 1}, {"last": 2}, {"first": 0, "last": 0}]
_NEARLY = [{"masked": one} for one in _MASKS] + [{"tolerance": 0.5}, {"tolerance": 30.0}]


def _fields(*, exact: bool) -> st.SearchStrategy[ComparedField]:
    return st.builds(
        lambda name, same, nearly: ComparedField.of(name, ("data", name), same=same, **nearly),
        _names,
        documents(),
        st.just({}) if exact else st.sampled_from([{}, *_NEARLY]),
    )


def _comparisons(*, exact: bool) -> st.SearchStrategy[Comparison]:
    return st.lists(_fields(exact=exact), max_size=4, unique_by=lambda one: one.name).map(
        lambda fields: Comparison(tuple(fields))
    )


def _flat(comparisons: st.SearchStrategy[Comparison]) -> st.SearchStrategy[Comparison]:
    """The same of records that show their fields at the top, as tables do."""
    return comparisons.map(lambda one: Comparison(tuple(replace(field, at=(field.name,)) for field in one.fields)))


_payloads = st.dictionaries(_names, json_values())
_sent_and_shown = st.dictionaries(_names, related_values()).map(
    lambda pairs: (
        {name: ours for name, (ours, _) in pairs.items()},
        {name: there for name, (_, there) in pairs.items()},
    )
)


class TestTheDigest:
    @settings(max_examples=400)
    @given(_fields(exact=False), related_values())
    def test_never_suspects_too_little(self, field: ComparedField, values: tuple[Any, Any]) -> None:
        """What differs has another digest, whatever the rules, masks and tolerances: else an edit would stay unseen."""
        comparison, (ours, theirs) = Comparison((field,)), values
        payload, record = {field.name: ours}, {"data": {field.name: theirs}}
        if comparison.differences(payload, record):
            assert comparison.of_payload(payload) != comparison.of_record(record)

    @given(_comparisons(exact=True), _sent_and_shown)
    def test_suspects_nothing_in_vain_without_mask_and_tolerance(self, comparison: Comparison, both: Any) -> None:
        payload, record = both[0], {"data": both[1]}
        is_equal = comparison.of_payload(payload) == comparison.of_record(record)
        assert is_equal == (not comparison.differences(payload, record))

    @given(_comparisons(exact=False), json_values())
    def test_is_taken_of_whatever_a_system_shows(self, comparison: Comparison, record: Any) -> None:
        assert isinstance(json.loads(comparison.of_record(record)), list)
        assert len(comparison.differences({}, record)) <= len(comparison.fields)

    @settings(max_examples=300)
    @given(_comparisons(exact=False), _flat(_comparisons(exact=False)), _payloads, json_values())
    def test_is_what_is_digested_field_by_field(
        self, nested: Comparison, flat: Comparison, payload: Any, record: Any
    ) -> None:
        for comparison in (nested, flat):
            ours, theirs = comparison.readings(is_ours=True), comparison.readings(is_ours=False)
            assert comparison.of_payload(payload) == digest_plainly(payload, ours)
            for shown in (record, payload, {"data": payload}, [payload]):
                assert comparison.of_record(shown) == digest_plainly(shown, theirs)

    @pytest.mark.parametrize("name", ["it's", 'a"b', "a\\n", "字段", "{x}", "record", ""])
    def test_is_taken_of_a_field_of_any_name(self, name: str) -> None:
        comparison = Comparison((ComparedField.of(name, (name,)),))
        assert comparison.of_record({name: "x"}) == comparison.of_payload({name: "x"}) == b'["x"]'

    @given(_payloads, _payloads)
    def test_changes_between_two_payloads_are_where_their_digests_differ(self, earlier: Any, later: Any) -> None:
        comparison = Comparison(tuple(ComparedField.of(name, (name,), same=["trimmed"]) for name in ("name", "area")))
        is_equal = comparison.of_payload(earlier) == comparison.of_payload(later)
        assert is_equal == (not comparison.changes(earlier, later))

    def test_changes_show_what_was_sent_and_what_would_be(self) -> None:
        comparison = Comparison(
            (ComparedField.of("name", ("there",), owner="theirs"), ComparedField.of("area", ("area",)))
        )
        (change,) = comparison.changes({"name": "a", "area": 1}, {"name": "b", "area": 1})
        assert change == FieldDifference("name", "theirs", "a", "b")

    def test_is_the_same_in_every_release(self) -> None:
        """The marks of a million deliveries are kept: another digest would have them all mapped again."""
        comparison = Comparison(
            (
                ComparedField.of("name", ("name",), same=["trimmed"]),
                ComparedField.of("phone", ("phone",), masked=True),
                ComparedField.of("area", ("area",), tolerance=0.01),
                ComparedField.of("parts", ("parts",)),
            )
        )
        payload = {"name": "王小明 ", "phone": "15400000002", "area": 86.50, "parts": [{"b": 1.0, "a": None}, True]}
        assert comparison.of_payload(payload) == rb'["\u738b\u5c0f\u660e","154****0002","86.5",[{"b":1},true]]'

    @pytest.mark.parametrize("separator", ["]", '"', ",", "null", "\\"])
    def test_keeps_fields_apart(self, separator: str) -> None:
        comparison = Comparison((ComparedField.of("a", ("a",)), ComparedField.of("b", ("b",))))
        one, other = {"a": f"x{separator}", "b": "y"}, {"a": "x", "b": f"{separator}y"}
        assert comparison.of_payload(one) != comparison.of_payload(other)


def _differences(field: ComparedField, ours: Any, theirs: Any) -> list[FieldDifference]:
    return list(Comparison((field,)).differences({field.name: ours}, {field.name: theirs}))


class TestADifference:
    def test_holds_both_values_as_they_are_and_whose_word_counts(self) -> None:
        field = ComparedField.of("warehouse", ("warehouse",), owner="system", same=["trimmed"])
        assert _differences(field, "一号库 ", "二号库") == [FieldDifference("warehouse", "system", "一号库 ", "二号库")]

    def test_never_shows_its_values(self) -> None:
        (difference,) = _differences(ComparedField.of("name", ("name",)), "王小明", "李小红")
        assert "王" not in repr(difference) and "李" not in repr(difference)

    def test_is_told_in_the_order_of_the_payload(self) -> None:
        comparison = Comparison(tuple(ComparedField.of(name, (name,)) for name in ("b", "a", "c")))
        assert [one.name for one in comparison.differences({"a": 1, "b": 1, "c": 1}, {"c": 1})] == ["b", "a"]

    def test_is_told_of_a_field_that_we_left_empty(self) -> None:
        """What a clerk types where we sent nothing is an edit too; a system's own default is a rule or uncompared."""
        assert _differences(ComparedField.of("note", ("note",)), None, "加急")

    def test_is_none_where_a_field_is_null_here_and_left_out_there(self) -> None:
        comparison = Comparison((ComparedField.of("note", ("note",)),))
        assert not comparison.differences({"note": None}, {})
        assert not comparison.differences({}, {"note": None})

    def test_is_told_of_a_member_that_the_system_adds_unless_only_ours_are_compared(self) -> None:
        ours, theirs = {"code": "1"}, {"code": "1", "name": "一"}
        assert _differences(ComparedField.of("item", ("item",)), ours, theirs)
        assert not _differences(ComparedField.of("item", ("item",), same=[{"members": ["code"]}]), ours, theirs)

    @pytest.mark.parametrize(("there", "differs"), [(12.01, False), ("12.010", False), (12.02, True), (None, True)])
    def test_is_told_beyond_the_tolerance(self, there: Any, differs: bool) -> None:
        assert bool(_differences(ComparedField.of("area", ("area",), tolerance=0.01), 12.0, there)) is differs

    @pytest.mark.parametrize(
        ("there", "differs"),
        [
            ("154****0002", False),
            ("1540***0002", False),
            ("15400000002", False),
            ("154●●●●0002", False),
            ("154****0003", True),
            ("155****0002", True),
            ("1540***1002", True),
            ("15410000002", True),
            ("154***0002", True),
            ("", True),
            (None, True),
        ],
    )
    def test_is_told_of_what_a_mask_shows(self, there: Any, differs: bool) -> None:
        field = ComparedField.of("phone", ("phone",), masked=True)
        assert bool(_differences(field, "15400000002", there)) is differs


class TestAMask:
    @given(st.integers(0, 4), st.integers(0, 4), st.text("0123456789", max_size=12))
    def test_of_the_declared_shape_is_not_even_suspected(self, first: int, last: int, value: str) -> None:
        mask = Mask(first, last)
        assert mask.of_theirs(mask.of_ours(value)) == mask.of_ours(value)

    @given(st.integers(0, 3), st.integers(0, 3), st.text("01*", max_size=8), st.text("01*", max_size=8))
    def test_with_our_digest_shows_our_value(self, first: int, last: int, ours: str, theirs: str) -> None:
        mask = Mask(first, last)
        if mask.of_ours(ours) == mask.of_theirs(theirs):
            assert shows(theirs, ours)

    @pytest.mark.parametrize(
        ("document", "mask"),
        [(None, None), (False, None), (True, Mask(3, 4)), ({"first": 1}, Mask(1, 0)), ({"last": 4}, Mask(0, 4))],
    )
    def test_is_declared(self, document: Any, mask: Mask | None) -> None:
        assert parse_mask(document) == mask

    @pytest.mark.parametrize("document", ["***", {}, {"first": -1}, {"first": True}, {"middle": 2}, 3])
    def test_is_refused_where_its_shape_is_unclear(self, document: Any) -> None:
        with pytest.raises(ValueError, match="'first' and 'last'"):
            parse_mask(document)


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ((), {"a": [{"b": 1}]}),
        (("a", "0", "b"), 1),
        (("a", "1"), None),
        (("a", "x"), None),
        (("a", "0", "b", "c"), None),
    ],
)
def test_a_value_is_found_by_the_steps_of_a_pointer(steps: tuple[str, ...], value: Any) -> None:
    assert value_at({"a": [{"b": 1}]}, steps) == value
