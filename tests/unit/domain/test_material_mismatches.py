"""A file is what its record and its sender say, or every difference is told."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.material import Came, ending_of, is_of, media_type_of, mismatches

PDF = b"%PDF-1.7\n..."


def came(**changes: Any) -> Came:
    return Came(**{"size": 12, "sha256": "ab" * 32, "head": PDF} | changes)


def rules(record: dict[str, Any], file: Came) -> list[tuple[str, str]]:
    return [(error.pointer, error.rule) for error in mismatches(record, 2, file)]


def test_a_record_that_says_nothing_takes_any_file() -> None:
    assert rules({"id": "m"}, came(head=b"")) == []


def test_every_mismatch_is_told_at_once() -> None:
    record = {"id": "m", "size": 13, "sha256": "cd" * 32, "media_type": "image/png"}
    file = came(media_type="application/pdf", declared_sha256="ef" * 32)
    assert rules(record, file) == [
        ("/materials/2/size", "size_differs"),
        ("/materials/2/sha256", "digest_differs"),
        ("/header/content-digest", "digest_differs"),
        ("/materials/2/media_type", "media_type_differs"),
        ("/materials/2/media_type", "file_type_differs"),
    ]
    assert [error.expected for error in mismatches(record, 2, file)] == ["13", "", "", "image/png", "image/png"]


def test_no_bytes_are_no_file_unless_the_record_says_so() -> None:
    assert rules({"id": "m"}, came(size=0, head=b"")) == [("/materials/2/size", "file_empty")]
    assert rules({"id": "m", "size": 0}, came(size=0, head=b"")) == []


@pytest.mark.parametrize("declared", [None, "application/octet-stream", "Application/PDF; version=1.7"])
def test_a_sender_that_declares_nothing_else_agrees_with_the_record(declared: str | None) -> None:
    record = {"id": "m", "media_type": "application/pdf"}
    assert rules(record, came(media_type=declared)) == []
    assert media_type_of(record, came(media_type=declared)) == "application/pdf"


@pytest.mark.parametrize(
    ("media_type", "head", "fits"),
    [
        ("application/pdf", b"%PDF-1.4", True),
        ("application/pdf", b"\n" * 1019 + b"%PDF-", True),
        ("application/pdf", b"\n" * 1020 + b"%PDF-", False),
        ("image/jpeg", b"\xff\xd8\xff\xe0", True),
        ("image/jpg", b"\x89PNG\r\n\x1a\n", False),
        ("image/png", b"\x89PNG\r\n\x1a\n", True),
        ("image/png", b"\x89PNG\n\x1a\n", False),
        ("application/zip", b"PK\x03\x04", True),
        ("application/zip", b"PK\x05\x06", True),
        ("application/zip", b"PK", False),
        ("application/ofd", b"PK\x03\x04", True),
        ("application/ofd", b"%PDF-1.4", False),
        ("text/plain", b"%PDF-1.4", True),
        ("application/octet-stream", b"", True),
    ],
)
def test_the_first_bytes_tell_the_kinds_that_we_know(media_type: str, head: bytes, fits: bool) -> None:
    assert is_of(media_type, head) is fits


@pytest.mark.parametrize(
    ("media_type", "ending"),
    [("application/pdf", ".pdf"), ("image/jpg", ".jpg"), ("application/vnd.ofd", ".ofd"), ("text/plain", "")],
)
def test_a_name_ends_as_its_kind(media_type: str, ending: str) -> None:
    assert ending_of(media_type) == ending
