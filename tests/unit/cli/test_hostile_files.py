"""Files that are not what they should be, or are called what they should not: told in a sentence, nothing destroyed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from syncgate.cli.case_files import Row
from syncgate.cli.context import BadArgument
from syncgate.cli.findings import require_free, safe, write_findings
from syncgate.cli.records import rows_of
from syncgate.cli.source_files import chosen, files_in, require_one_batch_each
from syncgate.cli.staging import Finding, Staging
from syncgate.cli.terminal import json_safe, one_line, visible
from syncgate.records import FileRefused, Seen, Torn
from syncgate.records.reading import Columns
from syncgate.site.folder import load_site
from syncgate.site.sources import Source
from tests.support.commands import said_by

ROOT = Path(__file__).parents[3]
EVIL = "a\x1b]0;x\x07\x9b31m\u202eb\nc.csv"
FINDING = Finding(2, "a", "torn")


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return dict(load_site(ROOT).sources)


def _rows(file: Path, source: Source, *, format_name: str | None = None) -> list[Row | Torn]:
    known = chosen(file, source, batch=None, format_name=format_name)
    return list(rows_of(known, source.mapping, columns=Columns(), seen=Seen()))


def test_what_acts_on_a_terminal_is_shown_as_an_escape() -> None:
    assert one_line(EVIL) == "a\\x1b]0;x\\x07\\x9b31m\\u202eb\\nc.csv"
    assert visible("一\t二\n三\x1b") == "一\t二\n三\\x1b"
    text = json_safe(json.dumps(EVIL, ensure_ascii=False))
    assert json.loads(text) == EVIL and text.isascii()
    assert safe("x\x1b[31m\n=1") == "x\\x1b[31m =1" and safe("=\x1b") == "'=\\x1b"


def test_a_refusal_that_names_an_evil_file_sends_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / EVIL).write_bytes(b"")
    told = said_by("--site", str(ROOT), "submit", tmp_path / EVIL, "--source", "taipei1999")
    assert told.code == 1 and "a\\x1b]0;x" in told.err
    assert not set("\x1b\x07\x9b\u202e") & set(told.err + told.out)


@pytest.mark.parametrize("findings", [[], [FINDING]])
@pytest.mark.parametrize("content", [b"", b"case_no,kind\n1,x\n", b"\xef\xbb\xbffile,line\r\n"])
def test_a_list_takes_the_place_of_no_other_file(tmp_path: Path, content: bytes, findings: list[Finding]) -> None:
    target = tmp_path / "calls.csv"
    target.write_bytes(content)
    with pytest.raises(BadArgument, match="expected a new file, or an earlier list"):
        require_free(target)
    if findings:
        with pytest.raises(FileExistsError):
            write_findings(target, findings, file="x")
    else:
        assert write_findings(target, findings, file="x") is None
    assert target.read_bytes() == content


@pytest.mark.parametrize("findings", [[], [FINDING]])
def test_a_list_takes_the_place_of_no_pipe_or_folder(tmp_path: Path, findings: list[Finding]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "pipe", tmp_path / "folder"):
        with pytest.raises(BadArgument):
            require_free(target)
        if findings:
            with pytest.raises(FileExistsError):
                write_findings(target, findings, file="x")
        else:
            write_findings(target, findings, file="x")
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "folder").is_dir()


def test_an_earlier_list_is_written_anew(tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    write_findings(target, [FINDING, FINDING], file="x")
    require_free(target)
    assert write_findings(target, [FINDING], file="x") == target
    assert target.read_text("utf-8-sig").count("torn") == 1


def test_a_file_that_is_named_in_another_charset_is_listed(tmp_path: Path) -> None:
    name = os.fsdecode("燈.csv".encode("big5"))
    target = write_findings(tmp_path / "list.csv", [FINDING], file=name)
    assert target is not None and "\\udc" in target.read_text("utf-8-sig")


@pytest.mark.parametrize("batch", ["", "  ", "a\nb", "\x1b[31m", "\udca4.csv"])
def test_records_are_numbered_by_no_batch_that_nobody_can_name_again(sources: dict[str, Source], batch: str) -> None:
    ottawa = sources["ottawa311"]
    with pytest.raises(BadArgument, match="a batch of visible characters"):
        require_one_batch_each([chosen(Path("x.csv"), ottawa, batch=batch, format_name=None)], ottawa.mapping)


def test_records_of_a_stream_are_numbered_by_a_batch_that_is_given(sources: dict[str, Source], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "63")
    ottawa = sources["ottawa311"]
    given = chosen(tmp_path / "63", ottawa, batch="january", format_name="csv")
    require_one_batch_each([given], ottawa.mapping)
    with pytest.raises(BadArgument, match="expected --batch"):
        require_one_batch_each([chosen(tmp_path / "63", ottawa, batch=None, format_name="csv")], ottawa.mapping)


def test_a_batch_is_the_same_however_its_accents_are_written(sources: dict[str, Source]) -> None:
    ottawa = sources["ottawa311"]
    written = ("Montr\u00e9al", "Montre\u0301al")
    assert len({chosen(Path("x.csv"), ottawa, batch=one, format_name=None).batch for one in written}) == 1


def test_half_a_character_tears_its_row_alone(sources: dict[str, Source], tmp_path: Path) -> None:
    file = tmp_path / "x.ndjson"
    file.write_text('{"case_no": "\\ud800"}\n{"case_no": "A"}\n{"a\\udfff": 1}\n')
    rows = _rows(file, sources["window"])
    assert [(type(row), row.line) for row in rows] == [(Torn, 1), (Row, 2), (Torn, 3)]
    assert all("half a character" in row.reason for row in rows if isinstance(row, Torn))


def test_a_case_that_no_charset_holds_is_left_to_the_gate() -> None:
    staging = Staging()
    staging.take([Row(1, {"case_no": "\ud800"}), Row(2, {"case_no": "A", "n": 10**30})], source="desk", seen=Seen())
    assert [json.loads(ready.body)["case_no"] for ready in staging.ready()] == ["\ud800", "A"]


def test_what_cannot_be_read_to_its_end_is_refused_whole(sources: dict[str, Source], tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="File name too long"):
        _rows(files_in([tmp_path / f"{'x' * 300}.csv"])[0], sources["taipei1999"])
    with pytest.raises(FileRefused, match="expected to read mem to its end, got Input/output error"):
        _rows(Path("/proc/self/mem"), sources["taipei1999"], format_name="csv")


def test_a_workbook_from_a_pipe_is_refused_whole(sources: dict[str, Source], tmp_path: Path) -> None:
    pipe = tmp_path / "lamps.xlsx"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(b"PK\x03\x04",), daemon=True)
    writing.start()
    with pytest.raises(FileRefused, match="a stream that cannot go back"):
        _rows(pipe, sources["taipei_streetlights"])
    writing.join(10)


def test_a_line_without_any_wanted_column_is_not_repeated(sources: dict[str, Source], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("990,案件地址：示例路5號,20260401\n", "utf-8-sig")
    with pytest.raises(FileRefused) as refusal:
        _rows(file, sources["taipei1999"])
    assert "示例路" not in refusal.value.message


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from syncgate.cli import main
main()
"""


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The temporary folder is full while the file is staged: nothing was posted, promise 3."""
    rows = [f"A{n},路燈不亮,{'示例路' * 100}{n}號,20260401,101530\n" for n in range(6000)]
    file = tmp_path / "calls.csv"
    file.write_text("案件編號,派工項目,案件地址,立案日期,立案時間\n" + "".join(rows), "utf-8-sig")
    command = [
        sys.executable,
        "-c",
        FULL,
        "--site",
        str(ROOT),
        "submit",
        str(file),
        "--source",
        "taipei1999",
        "--dry-run",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 1 and "expected room for a copy of the file" in done.stderr, done.stderr
