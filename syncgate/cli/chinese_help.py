"""The command line's explanations in Chinese: every command's words replaced, its page laid out by width."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from syncgate.cli.output import width
from syncgate.language import in_chinese

EXAMPLE: Final = "Example:"
_WIDEST: Final = 80
_LONGEST_TERM: Final = 30
_MARKS_BEYOND: Final = 4
"""Columns that a line keeps free for two closing marks."""
_NEVER_FIRST: Final = frozenset("，。；：、！？）》”…")
_MORE: Final = {"required": "必填", "env var": "环境变量：", "default": "默认值："}


def translate(command: Any) -> None:
    """Replaces the English words of a command, its parameters and all commands below by Chinese."""
    for one in (command, *_below(command)):
        one.help = _explained(one.help or "")
        one.get_help = partial(page, one)
        for parameter in one.params:
            parameter.help = in_chinese(parameter.help or "")


def _below(command: Any) -> Iterator[Any]:
    for one in getattr(command, "commands", {}).values():
        yield one
        yield from _below(one)


def purpose(help_text: str) -> tuple[str, str]:
    """What a command is for, on one line, and its example; either may be empty."""
    words, _, example = inspect.cleandoc(help_text).partition(EXAMPLE)
    return " ".join(words.split()), example.strip()


def _explained(help_text: str) -> str:
    words, example = purpose(help_text)
    return "\n\n".join(filter(None, [in_chinese(words), example and f"{EXAMPLE} {example}"]))


def page(command: Any, context: Any) -> str:
    """What `--help` says."""
    columns = min(_WIDEST, shutil.get_terminal_size().columns)
    words, example = purpose(command.help)
    parameters = [(one, *shown(one, context)) for one in command.get_params(context)]
    arguments = [(name, text) for one, name, text in parameters if one.param_type_name == "argument"]
    options = [(name, text) for one, name, text in parameters if one.param_type_name == "option"]
    below = [(name, _first(one.help)) for name, one in getattr(command, "commands", {}).items()]
    parts = [usage(command, context), "\n".join(wrapped(words, columns, "  "))]
    parts += [f"  示例：{example}"] if example else []
    sections = (("参数：", arguments), ("选项：", options), ("命令：", below))
    parts += [_section(title, rows, columns) for title, rows in sections if rows]
    return "\n\n".join(parts)


def usage(command: Any, context: Any) -> str:
    """How a command is called."""
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    words = " ".join(pieces).replace("COMMAND [ARGS]...", "命令 [参数]...")
    return f"用法：{context.command_path} [选项] {words}".rstrip()


def shown(parameter: Any, context: Any) -> tuple[str, str]:
    """A parameter's name and its explanation with what else is to be known of it."""
    name, text = parameter.get_help_record(context) or (parameter.name, "")
    words, found, more = text.rpartition("  [")
    if not found:
        words, more = text, ""
    told = "；".join(_extra(one) for one in more.removesuffix("]").split("; ") if one)
    return name, in_chinese(words) + (f"［{told}］" if told else "")


def _extra(text: str) -> str:
    name, _, value = text.partition(": ")
    return _MORE[name] + value if name in _MORE else text


def _first(help_text: str) -> str:
    return purpose(help_text)[0].partition("。")[0]


def _section(title: str, rows: list[tuple[str, str]], columns: int) -> str:
    indent = min(_LONGEST_TERM, max(width(name) for name, _ in rows)) + 4
    lines = [title]
    for name, text in rows:
        first, *others = wrapped(text, columns, " " * indent) or [""]
        if width(name) + 4 > indent:
            lines += [f"  {name}", first, *others]
        else:
            lines += [f"  {name}".ljust(indent - width(name) + len(name)) + first.strip(), *others]
    return "\n".join(line.rstrip() for line in lines)


def wrapped(text: str, columns: int, indent: str) -> list[str]:
    """The text in lines that fit: broken at spaces and between wide characters, not before a closing mark."""
    lines, line, fits = [], indent, columns - _MARKS_BEYOND
    for token in re.findall(r"[\u2e80-\uffff]|[^\s\u2e80-\uffff]+|\s+", text):
        if width(line) + width(token) > fits and token not in _NEVER_FIRST and line.strip():
            lines.append(line.rstrip())
            line = indent + token.strip()
        else:
            line += token
    return [*lines, line.rstrip()] if line.strip() else lines
