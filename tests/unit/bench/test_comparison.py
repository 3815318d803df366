"""The bench's own comparison: a run that lost, doubled, altered or made up a record is no figure."""

from __future__ import annotations

import orjson
import pytest

from tests.bench import load, projection
from tests.bench.comparison import WrongRun, check, compare

ACCEPTED = range(20)


def what_they_should_hold() -> dict[str, list[bytes]]:
    return {
        system: [orjson.dumps(projection.payload(load.case(no), system)) for no in reversed(ACCEPTED)]
        for system in projection.SYSTEMS
    }


def test_each_case_exactly_once_at_every_system_is_right() -> None:
    assert compare(ACCEPTED, what_they_should_hold()) == []


def test_the_order_of_a_records_fields_does_not_matter() -> None:
    held = what_they_should_hold()
    record = orjson.loads(held["archive"][3])
    held["archive"][3] = orjson.dumps(dict(reversed(record.items())))
    assert compare(ACCEPTED, held) == []


def test_a_missing_record_fails_the_run() -> None:
    held = what_they_should_hold()
    held["licence"].pop(4)
    with pytest.raises(WrongRun, match=r"licence: 1 missing, such as \d+"):
        check(ACCEPTED, held)


def test_a_system_that_holds_nothing_fails_the_run() -> None:
    held = what_they_should_hold()
    del held["oversight"]
    with pytest.raises(WrongRun, match="oversight: 20 missing"):
        check(ACCEPTED, held)


def test_a_doubled_record_fails_the_run() -> None:
    held = what_they_should_hold()
    held["archive"].append(held["archive"][0])
    with pytest.raises(WrongRun, match="archive: 1 doubled"):
        check(ACCEPTED, held)


@pytest.mark.parametrize("field", sorted(projection.payload(load.case(0), "archive").keys() - {"caseNo"}))
def test_any_altered_field_fails_the_run(field: str) -> None:
    held = what_they_should_hold()
    record = orjson.loads(held["oversight"][7])
    record[field] = "something else"
    held["oversight"][7] = orjson.dumps(record)
    with pytest.raises(WrongRun, match="oversight: 1 altered"):
        check(ACCEPTED, held)


def test_a_record_without_a_field_or_with_one_more_fails_the_run() -> None:
    held = what_they_should_hold()
    first, second = (orjson.loads(record) for record in held["archive"][:2])
    del first["email"]
    held["archive"][:2] = [orjson.dumps(first), orjson.dumps(second | {"more": 1})]
    with pytest.raises(WrongRun, match="archive: 2 altered"):
        check(ACCEPTED, held)


def test_a_record_of_another_system_fails_the_run() -> None:
    held = what_they_should_hold()
    held["archive"][0] = held["licence"][0]
    with pytest.raises(WrongRun, match="archive: 1 altered"):
        check(ACCEPTED, held)


def test_a_record_that_nobody_accepted_fails_the_run() -> None:
    held = what_they_should_hold()
    held["licence"].append(orjson.dumps(projection.payload(load.case(99), "licence")))
    with pytest.raises(WrongRun, match=f"licence: 1 never accepted, such as {load.case_no(99)}"):
        check(ACCEPTED, held)


def test_a_record_that_cannot_be_read_fails_the_run() -> None:
    held = what_they_should_hold()
    held["licence"][5] = b"\xff{"
    with pytest.raises(WrongRun, match=r"licence: 1 missing.*unreadable"):
        check(ACCEPTED, held)
