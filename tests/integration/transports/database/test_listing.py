"""Listings and counts on every engine: every row once, whatever the collation, and keys counted in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from syncgate.ports import Listing, Page, Paging, Query, Unread
from syncgate.transports.database import DatabaseTransport
from tests.integration.transports.database import fronts
from tests.integration.transports.database.fronts import OPTIONS, Front

LOOSE = {
    "sqlite": "varchar(50) COLLATE NOCASE",
    "postgresql": "varchar(50)",
    "mariadb": "varchar(50) CHARACTER SET gbk COLLATE gbk_chinese_ci",
}
"""Columns in which `ab` is `AB`, where the engine has any without ICU."""

LISTED = {
    "loose": {
        "key": ["name", "no"],
        "columns": {"name": "varchar(50) not null", "no": "int not null", "said": "varchar(20)", "at": "datetime"},
    }
}
OPERATIONS: dict[str, Any] = {
    **OPTIONS["operations"],
    "list": {"do": "list", "table": "up_pro_accept"},
    "list_ours": {"do": "list", "table": "up_pro_accept", "where": {"cd_operation": ["I", "U"], "is_sync": 0}},
    "list_window": {"do": "list", "table": "up_pro_accept", "columns": ["row_guid"], "window": "cd_time"},
    "list_days": {"do": "list", "table": "up_pro_accept", "columns": ["row_guid"], "window": "promise_date"},
    "list_materials": {"do": "list", "table": "up_pro_material", "columns": ["get_type"]},
    "list_times": {
        "do": "list",
        "table": "up_pro_accept",
        "by": ["accept_date", "task_version"],
        "columns": ["row_guid"],
    },
    "list_loose": {"do": "list", "table": "loose"},
    "list_names": {"do": "list", "table": "loose", "by": ["name"]},
    "count": {"do": "count", "table": "up_pro_accept", "by": "row_guid"},
    "count_ours": {"do": "count", "table": "up_pro_accept", "by": "row_guid", "where": {"cd_operation": "I"}},
    "count_loose": {"do": "count", "table": "loose", "by": "name"},
}
MORE = {"operations": OPERATIONS, "tables": OPTIONS["tables"] | LISTED}


def query(operation: str = "list", *, size: int | None = 2, **keys: str) -> Query:
    return Query(operation=operation, keys=keys, paging=Paging(by="keyset", size=size))


def row(guid: str, *, no: int = 1, second: int = 0, operation: str = "I", promise: str = "2026-05-09") -> str:
    return (
        "INSERT INTO up_pro_accept (row_guid, project_no, applyer_name, area, task_version, accept_date, promise_date,"
        " is_sync, cd_operation, cd_time, cd_batch) VALUES"
        f" ('{guid}', '9901-{no}', '张示例', 120.50, {no}, '2026-04-30 09:31:00', '{promise}', 0, '{operation}',"
        f" '2026-04-30 23:58:{second:02}', 'b{no}')"
    )


def walk(front: Front, asked: Query, *, most: int = 50) -> list[Page | Unread]:
    async def pages(transport: DatabaseTransport) -> list[Page | Unread]:
        assert isinstance(transport, Listing)
        found: list[Page | Unread] = [await transport.list_page(asked, None)]
        while isinstance(found[-1], Page) and found[-1].following is not None and len(found) < most:
            found.append(await transport.list_page(asked, found[-1].following))
        return found

    return front.ask(pages, **MORE)


def rows(pages: Sequence[Page | Unread], *names: str) -> list[Any]:
    found = [record for each in pages if isinstance(each, Page) for record in each.records]
    return [tuple(record[name] for name in names) if len(names) > 1 else record[names[0]] for record in found]


def counts(front: Front, operation: str, *ranges: tuple[str, str | None]) -> list[int | Unread]:
    async def asked(transport: DatabaseTransport) -> list[int | Unread]:
        return [await transport.count(query(operation), low=low, high=high) for low, high in ranges]

    return front.ask(asked, **MORE)


@pytest.fixture
def loose(front: Front) -> Iterator[Front]:
    """A table whose key's collation takes upper case for lower case, without a unique index."""
    at = "timestamp" if front.engine == "postgresql" else "datetime"
    front.run(f"CREATE TABLE loose (name {LOOSE[front.engine]} NOT NULL, no int NOT NULL, said varchar(20), at {at})")
    yield front


def fill_loose(front: Front, *names: str) -> None:
    front.run(*(f"INSERT INTO loose (name, no) VALUES ('{name}', {no})" for no, name in enumerate(names)))


def test_a_row_is_shown_as_a_look_up_shows_it(front: Front) -> None:
    front.run(row("g-1"))
    (page,) = walk(front, query())
    assert isinstance(page, Page)
    (shown,) = page.records
    key = replace(fronts.READ, keys={"slot_key": "g-1"})
    assert shown == front.look_up(key).record
    assert {type(name) for name in shown} == {str}
    assert (shown["applyer_name"], shown["area"], shown["accept_date"]) == ("张示例", "120.50", "2026-04-30 09:31:00")
    assert page.total is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, None])
def test_every_row_is_listed_once_whatever_the_size_of_a_page(front: Front, size: int | None) -> None:
    names = [f"g-{no:02}" for no in (5, 3, 1, 7, 2, 6, 4)]
    front.run(*(row(name, no=no) for no, name in enumerate(names)))
    pages = walk(front, query(size=size))
    assert rows(pages, "row_guid") == sorted(names)
    assert len(pages) == (1 if size is None else len(names) // size + 1)


def test_a_listing_without_rows_is_one_empty_page(front: Front) -> None:
    assert walk(front, query()) == [Page(records=[], following=None)]


def test_a_listing_shows_only_what_is_asked_for(front: Front) -> None:
    front.run(row("g-1"), row("g-2", operation="D"), row("g-3", operation="U"))
    assert rows(walk(front, query("list_ours")), "row_guid") == ["g-1", "g-3"]
    front.run("INSERT INTO up_pro_material VALUES ('g-1', '身份证', '3')")
    (page,) = walk(front, query("list_materials"))
    assert isinstance(page, Page)
    assert page.records == [{"get_type": "3", "row_guid": "g-1", "material_name": "身份证"}]


def test_a_window_begins_at_its_start_and_ends_before_its_end(front: Front) -> None:
    front.run(*(row(f"g-{second}", second=second) for second in range(5)))
    window = {"from": "2026-04-30T15:58:01+00:00", "until": "2026-04-30T23:58:03+08:00"}
    assert rows(walk(front, query("list_window", **window)), "row_guid") == ["g-1", "g-2"]
    assert rows(walk(front, query("list_window")), "row_guid") == [f"g-{second}" for second in range(5)]


def test_a_window_of_days_takes_the_day_in_which_it_ends(front: Front) -> None:
    front.run(*(row(f"g-{day}", promise=f"2026-05-0{day}") for day in range(1, 6)))
    window = {"from": "2026-05-02T12:00:00+08:00", "until": "2026-05-04T00:00:00+08:00"}
    assert rows(walk(front, query("list_days", **window)), "row_guid") == ["g-2", "g-3"]
    window["until"] = "2026-05-04T00:00:01+08:00"
    assert rows(walk(front, query("list_days", **window)), "row_guid") == ["g-2", "g-3", "g-4"]


def test_a_key_may_be_made_of_times_and_numbers(front: Front) -> None:
    front.run(*(row(f"g-{no}", no=no) for no in (11, 9, 10)))
    assert rows(walk(front, query("list_times", size=1)), "row_guid") == ["g-9", "g-10", "g-11"]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_keys_that_the_collation_takes_for_one_are_all_listed(loose: Front, size: int) -> None:
    fill_loose(loose, "ab", "AB", "Ab", "b", "B", "c")
    for operation in ("list_loose", "list_names"):
        pages = walk(loose, query(operation, size=size))
        assert sorted(rows(pages, "name", "no")) == [("AB", 1), ("Ab", 2), ("B", 4), ("ab", 0), ("b", 3), ("c", 5)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_row_that_is_there_twice_is_listed_twice(loose: Front, size: int) -> None:
    fill_loose(loose, "a", "c")
    loose.run(*["INSERT INTO loose (name, no) VALUES ('b', 7)"] * 2)
    for operation in ("list_loose", "list_names"):
        assert sorted(rows(walk(loose, query(operation, size=size)), "name")) == ["a", "b", "b", "c"]


def test_a_row_that_is_inserted_behind_the_page_is_listed_and_none_is_lost_or_doubled(front: Front) -> None:
    front.run(*(row(f"g-{no}", no=no) for no in (1, 2, 4, 5)))

    async def scenario(transport: DatabaseTransport) -> list[Any]:
        first = await transport.list_page(query(), None)
        assert isinstance(first, Page)
        front.run(row("g-0", no=6), row("g-3", no=7), "DELETE FROM up_pro_accept WHERE row_guid = 'g-2'")
        second = await transport.list_page(query(), first.following)
        assert isinstance(second, Page)
        third = await transport.list_page(query(), second.following)
        return rows([first, second, third], "row_guid")

    assert front.ask(scenario, **MORE) == ["g-1", "g-2", "g-3", "g-4", "g-5"]


def test_a_key_that_tells_nothing_apart_is_no_listing(loose: Front) -> None:
    values = ",".join(["('x', 1)"] * 1001)
    loose.run(f"INSERT INTO loose (name, no) VALUES {values}")
    (found,) = walk(loose, query("list_names", size=2))
    assert found == Unread(reason="unreadable", words="expected a key that tells rows apart, got one that does not")


KEYS = ["A", "AB", "Z", "_", "a", "ab", "z", "一", "丂", "张", "\uff21"]
RANGES: list[tuple[str, str | None]] = [(low, high) for low in ["", *KEYS] for high in [*KEYS, None]]


def test_a_count_is_of_keys_by_code_point_on_every_engine(loose: Front) -> None:
    fill_loose(loose, *KEYS)
    wanted = [sum(low <= key and (high is None or key < high) for key in KEYS) for low, high in RANGES]
    assert counts(loose, "count_loose", *RANGES) == wanted


def test_a_key_with_a_space_at_its_end_is_another(loose: Front) -> None:
    fill_loose(loose, "a", "a ", "a b")
    assert counts(loose, "count_loose", ("a", "a "), ("a ", "a!")) == [1, 2]


def test_a_count_is_of_what_is_asked_for(front: Front) -> None:
    front.run(row("g-1"), row("g-2", operation="D"), row("g-3"))
    assert counts(front, "count", ("", None), ("g-2", None), ("g-1", "g-3")) == [3, 2, 2]
    assert counts(front, "count_ours", ("", None), ("g-2", None), ("g-1", "g-3")) == [2, 1, 1]


def test_a_table_that_is_gone_is_denied_and_says_nothing_of_its_rows(front: Front) -> None:
    front.run(row("g-1"), "DROP TABLE up_pro_accept")
    (found,) = walk(front, query())
    assert isinstance(found, Unread)
    assert found.reason == "denied"
    assert isinstance(counts(front, "count", ("", None))[0], Unread)


def test_a_database_that_is_not_there_is_unavailable(sqlite: Front) -> None:
    async def asked(transport: DatabaseTransport) -> Page | Unread:
        return await transport.list_page(query(), None)

    found = sqlite.ask(asked, "sqlite:////nowhere/at/all.db", **MORE)
    assert isinstance(found, Unread)
    assert found.reason == "unavailable"


def test_a_value_that_no_json_shows_is_unreadable(sqlite: Front) -> None:
    sqlite.run(row("g-1"), "UPDATE up_pro_accept SET project_no = x'00ff'")
    (found,) = walk(sqlite, query())
    assert isinstance(found, Unread)
    assert found.reason == "unreadable"


def test_nothing_is_written(front: Front) -> None:
    front.run(row("g-1"))
    before = front.run("SELECT * FROM up_pro_accept")
    walk(front, query())
    counts(front, "count", ("", None))
    assert front.run("SELECT * FROM up_pro_accept") == before
