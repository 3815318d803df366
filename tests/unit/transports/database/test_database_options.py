"""What an adapter may say, and what is refused before anything runs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from syncgate.transports import kinds
from syncgate.transports.database import KIND, DatabaseOptions
from tests.integration.transports.database.fronts import OPTIONS


def with_(path: str, value: Any) -> dict[str, Any]:
    """The options with one value replaced, by a path with dots."""
    options = copy.deepcopy(OPTIONS)
    *parents, last = path.split(".")
    here: Any = options
    for name in parents:
        here = here[name]
    here[last] = value
    return options


def words_of(options: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        DatabaseOptions.model_validate(options)
    return str(caught.value)


def test_the_kind_is_known_by_its_name() -> None:
    assert kinds()["database"] is KIND


def test_the_secrets_that_options_name_are_known() -> None:
    options = DatabaseOptions.model_validate(OPTIONS | {"password": {"secret": "db"}})
    assert KIND.secret_names(options) == {"db"}


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hidden@h/x",
        "mysql://u@h/",
        "oracle://u@h/x",
        "mysql+pymysql://u@h/x",
        "mysql://u@h/x?local_infile=1",
        "postgresql://u@h/x?options=-cstatement_timeout=0",
        "sqlite://u@h/x",
        "sqlite:///",
        "not an address",
        "mysql://u@h:port/x",
    ],
)
def test_an_address_that_is_none_or_holds_more_is_refused_without_being_repeated(url: str) -> None:
    from syncgate.transports.database.address import check_address

    with pytest.raises(ValueError, match="expected an address") as caught:
        check_address(url)
    assert url not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u@h:3306/x",
        "mariadb://u@h/x",
        "postgresql://u@h/x",
        "postgresql://u@/x?host=/run/postgresql",
        "mysql://u@/x?unix_socket=/run/mysqld.sock",
        "sqlite:////var/front.db",
    ],
)
def test_an_address_of_each_engine_is_taken(url: str) -> None:
    assert DatabaseOptions.model_validate(OPTIONS | {"url": url}).url == url


@pytest.mark.parametrize("name", ["a b", "a`b", 'a"b', "a;b", "1a", "", "a%s", "a.b", "a:b", "x" * 64])
def test_a_name_that_could_be_more_than_a_name_is_refused(name: str) -> None:
    options = with_("tables.pre_apasinfo.columns", {"projid": "varchar(50)", "dataver": "int", name: "int"})
    assert "expected a name of letters" in words_of(options)


@pytest.mark.parametrize(
    "text",
    [
        "varchar",
        "varchar(0)",
        "varchar(-1)",
        "int(10)",
        "decimal(4,5)",
        "decimal(0,0)",
        "blob",
        "int NOT NULL",
        "int; --",
    ],
)
def test_a_column_in_other_words_is_refused(text: str) -> None:
    assert "expected a" in words_of(with_("tables.up_pro_accept.columns.opinion", text))


def test_an_operation_may_only_name_declared_tables_and_columns_and_the_nearest_is_told() -> None:
    assert "nearest is 'up_pro_accept'" in words_of(with_("operations.accept.table", "up_pro_acept"))
    assert "nearest is 'is_sync'" in words_of(with_("operations.poll.flag.column", "is_sinc"))
    assert "nearest is 'row_guid'" in words_of(with_("operations.read.where", {"row_gid": "{slot_key}"}))


def test_everything_that_is_wrong_with_the_operations_is_told_at_once() -> None:
    options = with_("operations.read.where", {"nobody": "{slot_key}"})
    options["operations"]["withdraw"]["table"] = "nowhere"
    words = words_of(options)
    assert "read: " in words and "withdraw: " in words


@pytest.mark.parametrize("where", [{"is_sync": 0}, {"cd_operation": "I"}])
def test_rows_are_never_found_by_constants_alone(where: dict[str, Any]) -> None:
    """A constant finds every case's rows."""
    assert "expected a placeholder such as {slot_key}, got none" in words_of(with_("operations.withdraw.where", where))


def test_rows_are_never_found_by_the_sending_time() -> None:
    assert "got a sending time" in words_of(with_("operations.read.where", {"cd_time": "{sent_at}"}))


@pytest.mark.parametrize("text", ["{slotkey}", "{", "}", "{slot_key|nobody}", "{send_key:upper}"])
def test_a_placeholder_that_no_request_has_is_refused(text: str) -> None:
    assert "expected" in words_of(with_("operations.read.where", {"row_guid": text}))


def test_a_flag_whose_value_means_two_things_is_refused() -> None:
    assert "expected every value of a flag once" in words_of(with_("operations.poll.flag.taken", ["0"]))


def test_unknown_keys_are_refused() -> None:
    assert "extra" in words_of(with_("operations.read.wher", {}))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"table": "up_pro_acept"}, "nearest is 'up_pro_accept'"),
        ({"columns": ["opinions"]}, "nearest is 'opinion'"),
        ({"by": ["opinion"]}, "by: expected columns that are declared as not null, got opinion"),
        ({"by": ["area"]}, "by: expected columns of texts, whole numbers or times, got area, which is decimal"),
        ({"window": "project_no"}, "window: expected a column of times, got one of varchar"),
        ({"where": {"is_sync": "0"}}, "where: is_sync: expected a whole number"),
        ({"where": {"cd_operation": ["I", "张示例"]}}, "where: cd_operation: expected at most 2 characters, got 3"),
        ({"where": {"cd_operation": []}}, "at least 1 item"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_listing_that_could_not_be_made_is_refused(more: dict[str, Any], words: str) -> None:
    listing = {"do": "list", "table": "up_pro_accept"} | more
    assert words in words_of(with_("operations.list", listing))


@pytest.mark.parametrize(("by", "words"), [("task_version", "by: expected a column of texts"), ("opinion", "not null")])
def test_a_count_is_by_a_column_of_texts_that_is_never_null(by: str, words: str) -> None:
    assert words in words_of(with_("operations.count", {"do": "count", "table": "up_pro_accept", "by": by}))


@pytest.mark.parametrize(
    ("operation", "sort", "keys"),
    [
        ({"do": "list", "table": "up_pro_accept"}, "list", set()),
        ({"do": "list", "table": "up_pro_accept", "window": "cd_time"}, "list", {"from", "until"}),
        ({"do": "count", "table": "up_pro_accept", "by": "row_guid"}, "count", {"low", "high"}),
        ({"do": "read", "table": "up_pro_accept", "where": {"row_guid": "{slot_key:hex}"}}, "read", {"slot_key"}),
    ],
)
def test_what_an_operation_is_for_is_told_with_its_keys(operation: dict[str, Any], sort: str, keys: set[str]) -> None:
    asks = KIND.asks(DatabaseOptions.model_validate(with_("operations.one", operation)), "one")
    assert (asks.sort, asks.keys) == (sort, keys)
