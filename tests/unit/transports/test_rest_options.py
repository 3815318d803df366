"""The options of a rest system, and the texts in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncgate.transports.rest.options import RestOptions, asks, secret_names
from syncgate.transports.rest.text import ASKED, KEYS, WINDOW, KeyMissing, is_header_value, parse_template

PUSH: dict[str, Any] = {"method": "POST", "path": "/cases/{slot_key}"}
MINIMAL: dict[str, Any] = {"base_url": "http://127.0.0.1:9001/gateway", "operations": {"push": PUSH}}


def options(**change: Any) -> RestOptions:
    return RestOptions.model_validate(MINIMAL | change)


def with_push(**change: Any) -> RestOptions:
    return options(operations={"push": PUSH | change})


def test_the_least_is_an_address_and_an_operation() -> None:
    assert options().signing.scheme == "none"


@pytest.mark.parametrize(
    "base_url",
    [
        "127.0.0.1:9001",
        "ftp://h",
        "http://",
        "http://user:pw@h/",
        "http://h/?a=1",
        "http://h/#a",
        "http://h:99999",
        "http://h/{slot_key}",
        "http://省/",
    ],
)
def test_an_address_that_is_none_does_not_load_and_is_not_repeated(base_url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        options(base_url=base_url)
    assert "pw" not in caught.value.errors(include_input=False)[0]["msg"]


def test_a_slash_at_the_end_of_the_address_is_one_too_many() -> None:
    assert options(base_url="https://h/a/").base_url == "https://h/a"


@pytest.mark.parametrize(
    "change",
    [
        {"path": "cases"},
        {"path": "/cases?x=1"},
        {"path": "/cases/{applicant}"},
        {"path": "/cases/{slot_key"},
        {"path": "/cases/slot_key}"},
        {"path": "/cases/{}"},
        {"path": "/../x"},
        {"path": "/a/%2E%2e/x"},
        {"path": "/a\\b"},
        {"path": "/a%b"},
        {"path": '/a"b'},
        {"path": "/a b"},
        {"path": "/办件"},
        {"method": "post"},
        {"method": "HEAD"},
        {"headers": {"X Y": "1"}},
        {"headers": {"X": "a\nb"}},
        {"headers": {"X": "值"}},
        {"headers": {"X": ""}},
        {"headers": {"X": "{nonce}"}},
        {"headers": {"Content-Length": "1"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
        {"headers": {"X": {"secret": ""}}},
        {"headers": {"X": {"secret": "a", "prefix": "b"}}},
        {"headers": {"X": 1}},
        {"query": {"x": "{case_n}"}},
        {"envelope": {}},
        {"envelope": {"data": "xml"}},
        {"envelope": {"a": "text", "b": "json"}},
        {"envelope": {"a": {"const": "1"}}},
        {"timeout": "3s"},
    ],
)
def test_an_operation_with_a_wrong_word_does_not_load(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        with_push(**change)


def test_alternatives_are_checked_one_by_one() -> None:
    assert with_push(path="/cases/{case_ref|slot_key|case_id}", headers={"X": "{case_no|case_id}"})
    with pytest.raises(ValidationError, match=r"got \{caseid\}; nearest is \{case_id\}"):
        with_push(path="/cases/{case_ref|caseid}")
    with pytest.raises(ValidationError, match="every name once"):
        with_push(path="/cases/{case_ref|case_ref}")


@pytest.mark.parametrize("text", ["{case_ref|}", "{|case_ref}", "{case_ref | case_id}", "{case_ref||case_id}"])
def test_an_alternative_that_is_no_name_does_not_load(text: str) -> None:
    with pytest.raises(ValidationError, match="placeholders"):
        with_push(query={"x": text})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"case_ref": "F/1", "case_id": "c"}, "/F%2F1/x"),
        ({"case_ref": "", "case_id": "c"}, "/c/x"),
        ({"case_id": "c"}, "/c/x"),
    ],
)
def test_of_alternatives_the_first_that_is_known_counts(keys: dict[str, str], expected: str) -> None:
    assert parse_template("/{case_ref|case_id}/x").fill(keys) == expected


def test_alternatives_of_which_none_is_known_are_all_named() -> None:
    with pytest.raises(KeyMissing, match=r"\{case_ref\|case_id\}"):
        parse_template("/{case_ref|case_id}").fill({"slot_key": "a"})


def test_a_typo_in_a_placeholder_names_the_nearest() -> None:
    with pytest.raises(ValidationError, match=r"got \{slotkey\}; nearest is \{slot_key\}"):
        with_push(path="/cases/{slotkey}")


@pytest.mark.parametrize(
    "change",
    [
        {"operations": {}},
        {"signing": {"scheme": "md4"}},
        {"signing": {"paas_id": "x"}},
        {"signing": {"scheme": "bearer", "token": "in-the-open"}},
        {"signing": {"scheme": "tif", "paas_id": "x", "token": {"secret": "t"}, "serviceid": "y"}},
        {"connections": 11},
        {"connections": 0},
        {"tls": {"verify": False}},
        {"client": "httpx"},
        {"client": "fast", "tls": {"ca_file": "/etc/ca.pem"}},
        {"proxy": "http://p"},
    ],
)
def test_options_with_a_wrong_word_do_not_load(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**change)


def test_md5_date_needs_a_code_for_every_operation() -> None:
    signing = {
        "scheme": "md5_date",
        "app_id": "A",
        "app_secret": {"secret": "s"},
        "api_key": {"secret": "k"},
        "api_codes": {"pull": "1"},
    }
    with pytest.raises(ValidationError, match="got none for push"):
        options(signing=signing)
    with pytest.raises(ValidationError, match="time zone"):
        options(signing=signing | {"api_codes": {"push": "1"}, "zone": "Asia/Shangai"})
    assert options(signing=signing | {"api_codes": {"push": "1"}})


def test_every_secret_is_named() -> None:
    found = options(
        headers={"token": {"secret": "a"}, "X": "b"},
        signing={"scheme": "aep", "app_key": {"secret": "c"}, "secret": {"secret": "d"}},
        operations={"push": PUSH | {"headers": {"Y": {"secret": "e"}}}},
    )
    assert secret_names(found) == {"a", "c", "d", "e"}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_placeholder_is_encoded_so_that_it_stays_one_segment_and_comes_back(value: str) -> None:
    filled = parse_template("/cases/{slot_key}/x").fill({"slot_key": value})
    assert filled.isascii()
    assert filled.count("/") == 3
    assert not set(filled) & set("?#&= \r\n{}\\")
    assert unquote(filled.split("/")[2]) == value
    assert is_header_value(filled)


@given(st.lists(st.sampled_from([*(*KEYS, *ASKED), None]), max_size=5))
def test_a_template_fills_every_placeholder_and_nothing_else(names: list[str | None]) -> None:
    text = "".join(f"{{{name}}}" if name else "-literal-" for name in names)
    keys = {name: f"<{name}>" for name in (*KEYS, *ASKED)}
    expected = "".join(f"%3C{name}%3E" if name else "-literal-" for name in names)
    assert parse_template(text).fill(keys) == expected


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("", "2026-04-30T23:58:42+08:00"),
        (":date", "2026-04-30"),
        (":time", "2026-04-30 23:58:42"),
        (":digits", "20260430235842"),
    ],
)
@pytest.mark.parametrize("name", WINDOW)
def test_a_window_s_time_is_written_in_every_form(name: str, form: str, written: str) -> None:
    template = parse_template(f"{{{name}{form}}}")
    assert template.fill_as_is({name: "2026-04-30T23:58:42+08:00"}) == written
    assert template.is_left_out({})
    assert template.names == {name}


def test_a_template_of_a_delivery_s_numbers_is_never_left_out() -> None:
    assert not parse_template("{slot_key}").is_left_out({})
    assert not parse_template("{cursor|slot_key}").is_left_out({})


def test_what_an_operation_asks_by_is_told_with_every_place_that_says_it() -> None:
    operation = {
        "method": "POST",
        "path": "/{case_no}",
        "query": {"a": "{from:date}"},
        "headers": {"X-B": "{page}"},
        "question": {"c": ["{size:number}"], "d": {"e": "{cursor|after}"}},
    }
    options = RestOptions.model_validate(
        {"base_url": "http://h", "headers": {"X-F": "{low}"}, "operations": {"o": operation}}
    )
    assert asks(options, "o").keys == {"case_no", "from", "page", "size", "cursor", "after", "low"}


@pytest.mark.parametrize("text", ["{pages}", "{page", "{name:number}", "x{page:number}", "{low:number}"])
def test_a_question_with_another_placeholder_is_refused(text: str) -> None:
    operation = {"method": "POST", "path": "/", "question": {"a": [{"b": text}]}}
    with pytest.raises(ValidationError, match="expected"):
        RestOptions.model_validate({"base_url": "http://h", "operations": {"o": operation}})


@pytest.mark.parametrize("keys", [{}, {"slot_key": ""}])
def test_a_placeholder_without_a_value_is_named(keys: dict[str, str]) -> None:
    with pytest.raises(KeyMissing, match="slot_key"):
        parse_template("/{slot_key}").fill(keys)
