"""Strict parsing: what is taken is exactly what was meant."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.errors import MalformedBody
from syncgate.web.body import header, parse

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)
_LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    _LEAF | _TEXT, lambda below: st.lists(below, max_size=4) | st.dictionaries(_TEXT, below, max_size=4), max_leaves=20
)


@given(_JSON, st.booleans())
def test_whatever_a_sound_writer_wrote_is_read_as_it_was_meant(value: Any, is_ascii: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=is_ascii).encode(), depth_limit=64) == value


@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused_and_never_fail_otherwise(body: bytes) -> None:
    try:
        parsed = parse(body, depth_limit=8)
    except MalformedBody as error:
        assert len(error.message) < 100
    else:
        orjson.dumps(parsed)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", 1),
        ("1e2", 100),
        ("-0.0", 0),
        ("0.10000000000000001", 0.1),
        ("19.99", 19.99),
        ("0e5", 0),
        ("1e300", 1e300),
    ],
)
def test_a_number_is_kept_by_value(text: str, value: float) -> None:
    """RFC 8785 §3.2.2.3: 1.0 and 1 are one number, so that they cannot make two revisions."""
    parsed = parse(text.encode(), depth_limit=1)
    assert parsed == value and math.copysign(1, parsed) == math.copysign(1, value)
    assert isinstance(parsed, int) == float(value).is_integer() or parsed >= 2**53


@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "1e-400", "0.1234567890123456789", "9223372036854775808", "9" * 400]
)
def test_a_number_that_would_change_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody):
        parse(text.encode(), depth_limit=1)


@pytest.mark.parametrize("levels", [1, 8])
def test_the_last_allowed_level_is_taken_and_the_next_refused(levels: int) -> None:
    assert parse(b"[" * levels + b"]" * levels, depth_limit=levels) is not None
    with pytest.raises(MalformedBody, match="levels of nesting"):
        parse(b'{"a":' + b"[" * levels + b"]" * levels + b"}", depth_limit=levels)


def test_a_refusal_says_where_and_not_what() -> None:
    with pytest.raises(MalformedBody) as raised:
        parse('{"name": "测样甲", x}'.encode(), depth_limit=4)
    assert raised.value.message == "expected JSON, got something else at line 1 column 17"


def test_a_pair_of_escapes_makes_one_character() -> None:
    assert parse(b'"\\ud842\\udfb7"', depth_limit=1) == "𠮷"


def test_a_header_that_comes_twice_is_refused() -> None:
    assert header([(b"a", b" x "), (b"b", b"y")], b"a") == "x"
    with pytest.raises(MalformedBody):
        header([(b"a", b"x"), (b"a", b"x")], b"a")
