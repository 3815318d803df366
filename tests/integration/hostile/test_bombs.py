"""Bodies that are small and mean much: each refused with a documented 4xx and a code, within bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from syncgate.records import XlsxSettings
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import Served, serving
from tests.integration.web.words import a_source
from tests.support.rows import SetClock
from tests.unit.web.sample import hotline

JSON, XML, XLSX = (
    "application/json",
    "application/xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
MEMORY_AT_MOST = 64 * 1024**2
NUMBERS = [
    ("9223372036854775808", 400),
    ("-9223372036854775809", 400),
    ("1" * 400, 400),
    ("1e400", 400),
    ("-1e400", 400),
    ("1e-400", 400),
    ("0.1234567890123456789", 400),
    ("NaN", 400),
    ("-Infinity", 400),
    ("01", 400),
    ("+1", 400),
    (".5", 400),
    ("0x10", 400),
    ("1e308", 422),
    ("9223372036854775807", 422),
]


@pytest.fixture
def served(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[Served]:
    with serving(sqlite_store, keyring, clock) as running:
        running.gate.inbound["window"] = a_source(xlsx=XlsxSettings())
        yield running


def refused(served: Served, path: str, content: bytes, media: str = JSON, **headers: str) -> tuple[int, str]:
    """The status and code of a body, whose refusal may take only so much memory."""
    key = served.key()
    tracemalloc.start()
    try:
        answer = served.call("POST", path, key=key, content=content, headers={"Content-Type": media} | headers)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 400 <= answer.status_code < 500, answer.text
    assert taken < MEMORY_AT_MOST, f"{taken:,} bytes for {len(content):,}"
    return answer.status_code, answer.json()["code"]


def case_with(text: str) -> bytes:
    """A case with this text as the latitude of its place."""
    location = json.dumps(hotline()["location"])[:-1] + f', "lat": {text}}}'
    return json.dumps(hotline() | {"location": "?"}).replace('"?"', location).encode()


@pytest.mark.parametrize(("text", "status"), NUMBERS)
def test_a_number_at_an_edge_is_refused_and_never_another_number(served: Served, text: str, status: int) -> None:
    code = "malformed_body" if status == 400 else "invalid_case"
    assert refused(served, "/v1/cases", case_with(text)) == (status, code)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"case_no": "A", "case_no": "B"}',
        b'{"x": {"y": 1, "y": 1}}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"a": "\x00"}',
        b"",
        b"\x00",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_json_that_cannot_be_kept_as_written_is_refused(served: Served, content: bytes) -> None:
    for path in ("/v1/cases", "/v1/cases:check", "/v1/cases/window:A/stages"):
        assert refused(served, path, content) == (400, "malformed_body")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_a_packed_body_is_not_unpacked(served: Served, coding: str) -> None:
    bomb = gzip.compress(b'{"a": "' + b" " * 20_000_000 + b'"}')
    headers = {"Content-Encoding": coding}
    for path in ("/v1/cases", "/v1/cases:batch", "/v1/sources/window/records"):
        media = "application/x-ndjson" if path.endswith("batch") else JSON
        assert refused(served, path, bomb, media, **headers)[0] == 415


def test_a_key_that_is_longer_than_all_others_is_refused_without_being_repeated(served: Served) -> None:
    body = json.dumps(hotline() | {"x" * 60_000: 1}).encode()
    assert refused(served, "/v1/cases", body) == (422, "invalid_case")
    assert refused(served, "/v1/cases", b'{"' + b"x" * 2_000_000 + b'": 1}')[0] == 413


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
BILLION = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{ENTITIES}]><orders><order>&e9;</order></orders>'
QUADRATIC = f'<!DOCTYPE x [<!ENTITY e "{"x" * 20_000}">]><orders><order>{"&e;" * 5000}</order></orders>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><orders><order>&e;</order></orders>'


@pytest.mark.parametrize(
    "text",
    [BILLION, QUADRATIC, OUTSIDE, "<a>" * 15_000, "<orders " + " ".join(f"a{n}='1'" for n in range(5000)) + "/>"],
    ids=["billion_laughs", "quadratic", "outside", "deep", "attributes"],
)
def test_an_xml_bomb_is_refused(served: Served, text: str) -> None:
    assert refused(served, "/v1/sources/window/records", text.encode(), XML) == (422, "file_refused")


def packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


BOMBS: dict[str, bytes] = {
    "zeros": packed(xl__workbook_xml=b"0" * 40_000_000),
    "blanks": packed(xl__workbook_xml=b"<a>" + b" " * 40_000_000 + b"</a>"),
    "many": packed(**{f"part{n}": b"" for n in range(500)}),
    "none": b"PK\x03\x04" + b"\0" * 60,
    "in_itself": packed(xl__workbook_xml=packed(xl__workbook_xml=b"0" * 10_000_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_bomb_is_refused(served: Served, name: str) -> None:
    content: Any = BOMBS[name]
    assert len(content) < 64 * 1024
    assert refused(served, "/v1/sources/window/records", content, XLSX) == (422, "file_refused")
