"""Which class a discrepancy is of."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest

from syncgate.domain.reconciliation.classify import Finding, Seen, Standing, classify
from syncgate.domain.reconciliation.comparison import ComparedField, Comparison, FieldDifference
from syncgate.domain.reconciliation.kinds import Kind

COMPARISON = Comparison((ComparedField.of("name", ("name",)), ComparedField.of("area", ("area",), tolerance=0.01)))
SENT = {"name": "示例餐厅", "area": 86.5}
EARLIER = {"name": "示例小吃", "area": 86.5}
OTHER = {"name": "示例茶楼", "area": 86.5}
CHANGED = (FieldDifference("name", "ours", "示例餐厅", "示例餐厅（一店）"),)


def seen(standing: Standing, *records: Any, **other: Any) -> Finding | None:
    told: dict[str, Any] = {"comparison": COMPARISON, "expected": SENT} | other
    return classify(Seen(standing=standing, records=records, **told))


def kind(standing: Standing, *records: Any, **other: Any) -> Kind | None:
    finding = seen(standing, *records, **other)
    return None if finding is None else finding.kind


def never() -> Any:
    raise AssertionError("asked although it does not matter")


class TestARecordThatShouldBeThere:
    def test_is_as_it_should_be_where_it_says_what_was_sent(self) -> None:
        assert seen(Standing.DELIVERED, SENT, earlier=never) is None

    def test_is_acquitted_within_its_tolerance(self) -> None:
        """Its digest differs, so the first look suspects it."""
        record = SENT | {"area": 86.505}
        assert COMPARISON.of_record(record) != COMPARISON.of_payload(SENT)
        assert seen(Standing.DELIVERED, record, earlier=never) is None

    def test_is_missing_where_there_is_none(self) -> None:
        assert kind(Standing.DELIVERED, earlier=never, changed=never) is Kind.MISSING

    def test_is_not_missing_where_that_is_not_proved(self) -> None:
        """A listing that lost a page says nothing about what it does not show."""
        assert kind(Standing.DELIVERED, proves_absence=False) is None

    def test_is_stale_where_it_says_what_an_earlier_revision_said(self) -> None:
        finding = seen(Standing.DELIVERED, EARLIER, earlier=lambda: [(3, OTHER), (2, EARLIER)], changed=never)
        assert finding is not None
        assert (finding.kind, finding.revision, [one.name for one in finding.differences]) == (Kind.STALE, 2, ["name"])

    def test_is_edited_there_where_nobody_here_ever_said_this(self) -> None:
        finding = seen(Standing.DELIVERED, OTHER, earlier=lambda: [(1, EARLIER)], changed=never)
        assert finding is not None and finding.kind is Kind.EDITED_THERE
        assert finding.differences == (FieldDifference("name", "ours", "示例餐厅", "示例茶楼"),)
        assert finding.record == OTHER

    def test_is_normalised_there_where_every_difference_is_one_of_writing(self) -> None:
        finding = seen(Standing.DELIVERED, {"name": " 示例餐厅", "area": "86.5㎡"})
        assert finding is not None and finding.kind is Kind.NORMALISED_THERE
        assert [one.like for one in finding.differences] == ["trimmed", '{"number": "㎡"}']

    def test_is_edited_there_where_one_difference_is_more_than_one_of_writing(self) -> None:
        finding = seen(Standing.DELIVERED, {"name": " 示例餐厅", "area": 100})
        assert finding is not None and finding.kind is Kind.EDITED_THERE
        assert [one.like for one in finding.differences] == ["trimmed", ""]

    def test_is_a_matter_of_the_mapping_where_todays_would_say_something_else(self) -> None:
        finding = seen(Standing.DELIVERED, SENT, changed=lambda: CHANGED)
        assert finding is not None and (finding.kind, finding.differences) == (Kind.MAPPING_CHANGED, CHANGED)

    def test_is_a_duplicate_where_there_are_several_equal_or_not(self) -> None:
        finding = seen(Standing.DELIVERED, OTHER, SENT, changed=never, earlier=never)
        assert finding is not None and (finding.kind, finding.records_count) == (Kind.DUPLICATE, 2)
        assert (finding.record, finding.differences) == (SENT, ())

    def test_is_a_duplicate_that_says_how_the_nearest_differs(self) -> None:
        finding = seen(Standing.DELIVERED, {"name": "x", "area": 1}, OTHER, changed=never, earlier=never)
        assert finding is not None and finding.record == OTHER
        assert [one.name for one in finding.differences] == ["name"]

    def test_is_a_duplicate_where_more_are_counted_than_shown(self) -> None:
        assert kind(Standing.DELIVERED, SENT, records_count=17) is Kind.DUPLICATE

    def test_is_not_compared_where_nobody_knows_what_it_said(self) -> None:
        assert kind(Standing.DELIVERED, OTHER, expected=None, earlier=never) is None
        assert kind(Standing.DELIVERED, expected=None) is Kind.MISSING


class TestARecordThatShouldNotBeThere:
    def test_is_no_longer_planned(self) -> None:
        assert kind(Standing.TAKEN_BACK, SENT, earlier=never, changed=never) is Kind.NO_LONGER_PLANNED
        assert kind(Standing.DELIVERED, SENT, SENT, is_planned=False) is Kind.NO_LONGER_PLANNED

    def test_is_not_missed(self) -> None:
        assert kind(Standing.TAKEN_BACK) is None
        assert kind(Standing.DELIVERED, is_planned=False) is None

    def test_is_unexpected_where_nothing_is_known_of_it(self) -> None:
        finding = seen(Standing.NOBODYS, OTHER, comparison=None, expected=None)
        assert finding is not None and (finding.kind, finding.record) == (Kind.UNEXPECTED, OTHER)


class TestWhatIsOpen:
    def test_is_confirmed_where_it_holds_what_was_sent(self) -> None:
        finding = seen(Standing.OPEN, OTHER, SENT, is_sole=False)
        assert finding is not None and (finding.kind, finding.record) == (Kind.CONFIRMED, SENT)

    @pytest.mark.parametrize("records", [(), (OTHER,), (EARLIER, OTHER)])
    def test_is_never_reported_otherwise(self, records: Iterable[Any]) -> None:
        assert kind(Standing.OPEN, *records, earlier=never, changed=never) is None

    def test_is_confirmed_without_fields_only_where_nothing_else_was_ever_sent(self) -> None:
        assert kind(Standing.OPEN, {"id": 1}, comparison=None) is Kind.CONFIRMED
        assert kind(Standing.OPEN, {"id": 1}, comparison=None, is_sole=False) is None


def test_every_combination_has_an_answer() -> None:
    """And what is not there is only ever missing, what is there never, and what is open nothing but confirmed."""
    told = set()
    axes = product(
        Standing,
        [(), (SENT,), (EARLIER,), (OTHER,), ({"name": "示例餐厅 ", "area": 86.5},), (SENT, OTHER), (None,), ("?",)],
        [COMPARISON, None],
        [SENT, None],
        *[[False, True]] * 3,
        [(), CHANGED],
    )
    for standing, records, comparison, expected, is_planned, proves_absence, is_sole, changed in axes:
        finding = seen(
            standing,
            *records,
            comparison=comparison,
            expected=expected,
            is_planned=is_planned,
            proves_absence=proves_absence,
            is_sole=is_sole,
            earlier=lambda: [(1, EARLIER)],
            changed=lambda changed=changed: changed,
        )
        if finding is None:
            continue
        told.add(finding.kind)
        assert (finding.kind is Kind.MISSING) == (not records) == (finding.records_count == 0)
        assert (standing is Standing.OPEN) == (finding.kind is Kind.CONFIRMED)
        assert (finding.revision is not None) == (finding.kind is Kind.STALE)
        assert finding.kind is not Kind.MISSING or (is_planned and proves_absence)
        if finding.kind in (Kind.STALE, Kind.EDITED_THERE, Kind.NORMALISED_THERE):
            assert finding.differences and comparison is not None and expected is not None
    assert told == set(Kind) - {Kind.COUNT_DIFFERS}


def test_a_finding_never_shows_what_a_record_says() -> None:
    assert "示例" not in repr(seen(Standing.DELIVERED, OTHER))
