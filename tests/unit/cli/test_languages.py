"""The command line speaks Chinese to who reads Chinese, and never fails over it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from syncgate.cli.app import app
from syncgate.cli.chinese_help import purpose, wrapped
from syncgate.cli.output import width
from syncgate.cli.reference import page
from syncgate.cli.speech import asked_for, is_for_machines
from syncgate.language.catalogue import sentences
from tests.support.commands import said_by

HAN = re.compile("[\u4e00-\u9fff]")


def _all(command: Any, path: str = "syncgate") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _all(below, f"{path} {name}")


EVERY = dict(_all(get_command(app)))


@pytest.mark.parametrize("path", EVERY)
def test_every_help_text_has_chinese(path: str) -> None:
    texts = {purpose(EVERY[path].help)[0], *(parameter.help for parameter in EVERY[path].params)} - {None}
    assert [text for text in texts if text not in sentences()] == []


@pytest.mark.parametrize("path", EVERY)
def test_every_help_page_is_chinese_from_end_to_end(path: str) -> None:
    """Nothing of the English page is left: no heading, no remark of a parameter, no untranslated word."""
    told = said_by("--language", "zh", *path.split()[1:], "--help").out
    assert told.startswith(f"用法：{path} [选项]")
    for word in ("Usage", "Options", "Arguments", "Commands", "[required]", "env var", "default:", "Example:"):
        assert word not in told
    for line in told.splitlines():
        assert HAN.search(line) or len(re.findall(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", line)) == 0, line
        assert width(line) <= 80 or "示例：" in line, line


def test_the_terminal_chooses_the_language() -> None:
    for variables, language in (({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "en_US.UTF-8"}, "en"), ({}, "en")):
        assert asked_for(["submit"], variables) == language


def test_the_option_counts_more_than_the_terminal() -> None:
    assert asked_for(["--language", "en", "check"], {"LANG": "zh_CN.UTF-8"}) == "en"
    assert asked_for(["--language=zh", "check"], {"LANG": "C"}) == "zh"


def test_a_language_that_is_none_is_refused() -> None:
    told = said_by("--language", "fr", "check")
    assert told.code == 2
    assert "--language" in told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--foo"], "错误：没有选项 --foo"),
        (["submitt"], "错误：没有命令 'submitt'，是否为 'submit'？"),
        (["deliveries", "cancel"], "错误：缺少参数 'delivery_id'"),
        (["submit", "x"], "错误：缺少选项 '--source'"),
        (["where", "a", "b"], "错误：多余的参数（b）"),
        (["deliveries", "list", "--limit", "x"], "错误：'--limit' 的取值有误：应为整数"),
        (["deliveries", "list", "--limit", "0"], "错误：'--limit' 的取值有误：不得小于 1"),
        (["deliveries", "show", "x"], "错误：'delivery_id' 的取值有误：应为 UUID"),
        (["deliveries", "list", "--lim"], "错误：没有选项 --lim，是否为以下之一：--limit"),
        (["keys", "create", "--name"], "错误：选项 '--name' 需要一个值"),
        (["check", "--json=1"], "错误：选项 '--json' 不带值"),
    ],
)
def test_a_wrong_command_line_is_explained_in_chinese(arguments: list[str], words: str) -> None:
    told = said_by("--language", "zh", *arguments)
    assert told.code == 2
    assert told.err.startswith(("用法：syncgate", "错误："))
    assert told.err.rstrip().endswith(words)


def test_a_group_without_a_command_explains_itself() -> None:
    told = said_by("--language", "zh", "deliveries")
    assert told.code == 2
    assert (told.out + told.err).startswith("用法：syncgate deliveries [选项] 命令 [参数]...")


def test_what_fails_is_said_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    told = said_by("--language", "zh", "init", tmp_path)
    assert told.code == 1
    assert told.err == f"site_invalid：{tmp_path} 应为空文件夹，其中已有 there\n"


def test_what_was_done_is_said_in_chinese(tmp_path: Path) -> None:
    told = said_by("--language", "zh", "init", tmp_path / "site")
    assert told.out.splitlines()[0].startswith(f"已在 {tmp_path / 'site'} 写入 ")
    told = said_by("--language", "zh", "--site", tmp_path / "site", "mapping", "test")
    assert re.fullmatch(r"\d+ 个示例中 \d+ 个通过", told.out.splitlines()[-1])


def test_output_for_machines_is_the_same_in_every_language(tmp_path: Path) -> None:
    said_by("init", tmp_path)
    one, other = (said_by("--language", one, "--site", tmp_path, "check", "--json") for one in ("zh", "en"))
    assert one == other
    assert json.loads(one.out)["ok"] is True
    assert is_for_machines(["check", "--json"])
    assert not is_for_machines(["check", "--json", "--help"])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "big5", "utf-8"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_terminal_makes_a_command_fail(encoding: str, language: str, tmp_path: Path) -> None:
    """A terminal without our characters gets English, and a name that it cannot show by its characters' numbers."""
    site = tmp_path / "示例市𠮷"
    command = [sys.executable, "-m", "syncgate", "--language", language]
    variables = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    done = subprocess.run([*command, "init", str(site)], env=variables, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    can_chinese = encoding in ("gbk", "utf-8")
    assert ("写入" if language == "zh" and can_chinese else "wrote") in done.stdout.decode(encoding)
    done = subprocess.run(
        [*command, "init", str(site), "--json"], env=variables, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1
    help_page = subprocess.run([*command, "--help"], env=variables, capture_output=True, timeout=60, check=False)
    assert help_page.returncode == 0, help_page.stderr
    assert ("用法" if language == "zh" and can_chinese else "Usage") in help_page.stdout.decode(encoding)


def test_json_stays_json_on_a_terminal_without_unicode(tmp_path: Path) -> None:
    site = tmp_path / "示例市𠮷"
    variables = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "syncgate", "init", str(site), "--json"]
    done = subprocess.run(command, env=variables, capture_output=True, timeout=60, check=False)
    assert json.loads(done.stdout)["folder"] == str(site)


def test_lines_are_broken_by_width_and_never_before_a_closing_mark() -> None:
    assert wrapped("办件只录入一次，所有系统", 20, "  ") == ["  办件只录入一次，", "  所有系统"]
    assert wrapped("one two three", 12, "") == ["one two", "three"]
    assert wrapped("x" * 50, 8, "  ") == ["  " + "x" * 50]
    assert wrapped("", 8, "") == []


def test_the_chinese_reference_page_is_up_to_date() -> None:
    stored = (Path(__file__).parents[3] / "docs/reference/command-line.zh.md").read_text("utf-8")
    assert stored == page("zh"), "run: python -m syncgate.cli.reference zh > docs/reference/command-line.zh.md"
