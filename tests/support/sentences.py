"""The sentences that the sources hold, found by reading them, whether or not anything runs them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from syncgate.language.said import PLACEHOLDER

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "syncgate"
_NOT_OURS = ("sandbox", "language", "migrations", "template", "diagram.py")
_TELLS = frozenset({"Problem", "add", "note", "Failure", "ValueError", "Said"})
"""What takes a sentence that a person reads, beside the errors of the tree."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One literal. shape: its text with `{}` a fact; names: of its facts; None for an f-string."""

    place: str
    shape: str
    names: frozenset[str] | None

    def __str__(self) -> str:
        return f"{self.place}: {self.shape}"


def shape_of(template: str) -> str:
    """A template with its placeholders without their names."""
    return PLACEHOLDER.sub("{}", template)


def files(*folders: str) -> list[Path]:
    """The engine's sources below these folders or files."""
    found = [
        path for one in folders for path in ([ENGINE / one] if one.endswith(".py") else (ENGINE / one).rglob("*.py"))
    ]
    return sorted(path for path in found if not set(path.relative_to(ENGINE).parts) & set(_NOT_OURS))


def told(file: Path, errors: frozenset[str]) -> Iterator[Sentence]:
    """Every literal sentence that is given to an error of ours, or to what tells a person something."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call) and (name := _called(node)) in errors | _TELLS:
            facts = frozenset(word.arg for word in node.keywords if word.arg and word.arg != "errors")
            for literal in _literals([one for one in node.args if not isinstance(one, ast.Call)]):
                yield from _sentence(file, literal, facts if name in errors | {"Said"} else frozenset())


def expected(file: Path) -> Iterator[Sentence]:
    """Every literal that begins as our sentences do, wherever it stands."""
    skipped = _documentation(_tree(file))
    for literal in _literals([_tree(file)]):
        if _text(literal) not in skipped:
            yield from (one for one in _sentence(file, literal, frozenset()) if one.shape.startswith("expected "))


def prose(file: Path) -> Iterator[Sentence]:
    """Every literal of several words that is no documentation."""
    tree = _tree(file)
    skipped = _documentation(tree)
    for literal in _literals([tree]):
        if _text(literal) not in skipped and re.search(r"[a-z]{2,}[,:;]? [a-z{`]", _text(literal)):
            yield from _sentence(file, literal, frozenset())


def _sentence(file: Path, literal: ast.expr, facts: frozenset[str]) -> Iterator[Sentence]:
    text = _text(literal)
    if re.search(r"[a-z]{2,}[,:;]? [a-z`(\[']", PLACEHOLDER.sub("{}", text)) or text.startswith("expected "):
        is_template = isinstance(literal, ast.Constant)
        place = f"{file.relative_to(ROOT)}:{literal.lineno}"
        yield Sentence(place, shape_of(text), facts if is_template else None)


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _literals(nodes: list[ast.expr] | list[ast.Module]) -> Iterator[ast.expr]:
    """The texts and f-strings within, an f-string as one."""
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield node
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _literals([part.value])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        else:
            yield from _literals(list(ast.iter_child_nodes(node)))  # type: ignore[arg-type]


def _text(literal: ast.expr) -> str:
    if isinstance(literal, ast.Constant):
        return str(literal.value)
    assert isinstance(literal, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{x}" for part in literal.values)


def _documentation(tree: ast.Module) -> set[str]:
    """Docstrings, and what explains options and parameters: translated by other means."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(str(node.value.value))
        if isinstance(node, ast.keyword) and node.arg in ("help", "description", "summary"):
            found |= {_text(literal) for literal in _literals([node.value])}
    return found
