"""A quick row is its dataclass in all but the run-time guard."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field

import pytest

from syncgate.domain import rows
from syncgate.domain.row import quick, replace

ROWS = [
    row
    for _, row in inspect.getmembers(rows, inspect.isclass)
    if dataclasses.is_dataclass(row) and row.__module__ == rows.__name__
]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: str
    count: int = 1
    tags: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    name: str
    count: int = 1
    tags: dict[str, int] = field(default_factory=dict)


def test_a_row_has_its_fields_and_defaults() -> None:
    assert dataclasses.asdict(Entry(name="a")) == dataclasses.asdict(Plain(name="a"))
    assert dataclasses.asdict(Entry(name="a", count=0, tags={"b": 1})) == {"name": "a", "count": 0, "tags": {"b": 1}}


def test_two_rows_share_no_default_that_can_change() -> None:
    assert Entry(name="a").tags is not Entry(name="a").tags


def test_a_row_takes_what_its_dataclass_takes() -> None:
    for wrong in ({}, {"name": "a", "nmae": "b"}):
        for row in (Entry, Plain):
            with pytest.raises(TypeError):
                row(**wrong)
    with pytest.raises(TypeError):
        Entry("a")  # type: ignore[misc]


def test_a_changed_row_leaves_the_first_as_it_was() -> None:
    first = Entry(name="a", tags={"b": 1})
    after = replace(first, count=2)
    assert (first.count, after.count, after.name, after.tags) == (1, 2, "a", {"b": 1})
    assert type(after) is Entry


def test_a_field_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises((TypeError, AttributeError)):
        replace(Entry(name="a"), nmae="b")  # type: ignore[call-arg]


def test_what_is_no_row_is_replaced_as_ever() -> None:
    assert replace(Plain(name="a"), count=2) == Plain(name="a", count=2)


def test_rows_are_equal_and_hash_by_their_values() -> None:
    assert Entry(name="a") == Entry(name="a") != Entry(name="b")
    assert hash(rows.Blob(scope="s", mac=b"m", sealed=b"", created_at=None)) == hash(  # type: ignore[arg-type]
        rows.Blob(scope="s", mac=b"m", sealed=b"", created_at=None)  # type: ignore[arg-type]
    )


def test_a_row_survives_copying_and_pickling() -> None:
    entry = Entry(name="a", tags={"b": 1})
    assert copy.deepcopy(entry) == entry == pickle.loads(pickle.dumps(entry))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_every_row_takes_the_arguments_that_it_declares(row: type) -> None:
    given = {name: object() for name in (f.name for f in dataclasses.fields(row))}
    made = row(**given)
    assert {name: getattr(made, name) for name in given} == given
    required = {f.name for f in dataclasses.fields(row) if f.default is f.default_factory is dataclasses.MISSING}
    signature = inspect.signature(row)
    assert {name for name, p in signature.parameters.items() if p.default is p.empty} == required
