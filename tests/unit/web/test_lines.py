"""A stream cut into lines, whatever pieces it comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.web.lines import Cutter, Line

LIMIT = 8


def cut(*pieces: bytes, limit: int = LIMIT) -> list[tuple[int, bytes | None]]:
    cutter = Cutter(limit=limit)
    lines = [line for piece in pieces for line in cutter.feed(piece)]
    rest = cutter.rest()
    return [(line.line_no, line.content) for line in ([*lines, rest] if rest else lines)]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((), []),
        ((b"",), []),
        ((b"a\nb\n",), [(1, b"a"), (2, b"b")]),
        ((b"a\nb",), [(1, b"a"), (2, b"b")]),
        ((b"a\r\nb\r",), [(1, b"a"), (2, b"b")]),
        ((b"a", b"b", b"\n", b"c"), [(1, b"ab"), (2, b"c")]),
        ((b"a\r", b"\nb"), [(1, b"a"), (2, b"b")]),
        ((b"\n\r\n \t\na",), [(4, b"a")]),
        ((b"\n\n \r",), []),
        ((b"12345678\n12345678\r\n12345678",), [(1, b"12345678"), (2, b"12345678"), (3, b"12345678")]),
        ((b"123456789\nb",), [(1, None), (2, b"b")]),
        ((b"123456789",), [(1, None)]),
        ((b"        9\nb",), [(1, None), (2, b"b")]),
        ((b"12345678", b"\r", b"\n", b"b"), [(1, b"12345678"), (2, b"b")]),
        ((b"12345678", b"\r", b"9", b"\n", b"b"), [(1, None), (2, b"b")]),
        ((b"x" * 100, b"x" * 100, b"\n", b"b\n"), [(1, None), (2, b"b")]),
    ],
)
def test_lines_end_in_lf_or_crlf_and_blank_ones_only_count(
    pieces: tuple[bytes, ...], lines: list[tuple[int, bytes | None]]
) -> None:
    assert cut(*pieces) == lines


@given(st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r", b"\r\n", b" ", b"123456789", b"\xef\xbb\xbf"])), st.data())
def test_how_a_stream_was_divided_changes_no_line(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    assert cut(*pieces) == cut(whole)


def test_of_a_line_that_is_too_long_nothing_is_held() -> None:
    cutter = Cutter(limit=LIMIT)
    for _ in range(1000):
        assert list(cutter.feed(b"x" * 1000)) == []
    assert len(cutter._begun) <= LIMIT + 1
    assert list(cutter.feed(b"\nok\n")) == [Line(1, None), Line(2, b"ok")]


def test_a_line_is_not_shown_in_a_message() -> None:
    assert "secret" not in repr(Line(1, b"secret"))
