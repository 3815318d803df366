"""Commands on a full disk: what is written is there whole or not at all, and the reason is said in one sentence."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import TextIO

import pytest

from syncgate.cli.announcement import Serving, announce
from syncgate.cli.context import BadArgument
from syncgate.cli.files import write_whole
from syncgate.cli.output import note
from syncgate.cli.templates import write_site
from syncgate.domain.errors import SiteInvalid
from tests.support.commands import said_by

FULL = Path("/dev/full")
ROOT = Path(__file__).parents[3]
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this machine has no /dev/full")


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a disk that is about to be full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full_stream() -> Iterator[TextIO]:
    """What a command prints to whose output goes to a full disk."""
    stream = FULL.open("w")
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def code_and_words(*arguments: str, language: str = "en") -> tuple[int, str]:
    """How a command ends whose result goes to a full disk, and what it says on stderr."""
    with full_stream() as out:
        told = said_by("--language", language, *arguments, to=out)
    return told.code, told.err


@needs_full
def test_a_result_that_cannot_be_printed_is_no_success_and_no_defect() -> None:
    code, words = code_and_words("--site", str(ROOT), "meter", "--help")
    assert (code, words) == (1, "no_room: expected room to write, got: No space left on device\n")


@needs_full
def test_it_is_said_in_chinese_too() -> None:
    code, words = code_and_words("meter", "--help", language="zh")
    assert (code, words) == (1, "no_room：没有可写入的空间：磁盘已满\n")


@needs_full
def test_a_note_that_cannot_be_written_stops_no_command() -> None:
    """A gate whose log lies on a full disk serves all the same."""
    with full_stream() as full, redirect_stderr(full):
        note("syncgate serves nothing")


def test_a_page_that_does_not_fit_leaves_what_stood_there(tmp_path: Path) -> None:
    page = tmp_path / "letter.html"
    page.write_bytes(b"the former one")
    with room_for(1000), pytest.raises(BadArgument, match=r"letter\.html"):
        write_whole(page, b"x" * 5000)
    assert page.read_bytes() == b"the former one"
    assert list(tmp_path.iterdir()) == [page]


def test_a_new_list_that_does_not_fit_is_not_there(tmp_path: Path) -> None:
    with room_for(1000), pytest.raises(BadArgument):
        write_whole(tmp_path / "list.csv", b"x" * 5000, is_new=True)
    assert list(tmp_path.iterdir()) == []


def test_what_stands_in_the_place_of_a_new_file_is_kept(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes(b"somebody's")
    with pytest.raises(BadArgument):
        write_whole(listed, b"ours", is_new=True)
    assert listed.read_bytes() == b"somebody's"


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    link, page = tmp_path / "link.html", tmp_path / "page.html"
    page.write_bytes(b"the former one")
    link.symlink_to(page)
    write_whole(link, b"the new one")
    assert link.is_symlink() and page.read_bytes() == b"the new one"


@needs_full
def test_what_is_no_file_is_written_to_as_it_is() -> None:
    write_whole(Path("/dev/null"), b"a page")
    with pytest.raises(BadArgument, match="No space left on device"):
        write_whole(FULL, b"a page")
    assert FULL.is_char_device()


def test_a_new_site_that_does_not_fit_is_not_there_and_can_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    with room_for(2000), pytest.raises(SiteInvalid):
        write_site(folder)
    assert write_site(folder)


def test_an_address_that_does_not_fit_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "serve.json"
    with room_for(10), pytest.raises(OSError, match="large"):
        announce(file, Serving("http://127.0.0.1:8080", 1, "a-token-of-the-test"))
    assert {path.name for path in tmp_path.iterdir()} == {"serve.lock"}
