"""The reference page says all there is, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from syncgate.domain.outcome import Outcome
from syncgate.site.adapter import Acknowledged, Confirm
from syncgate.transports.answers import load_rules, rule_problems
from syncgate.transports.database import options as declared
from syncgate.transports.database.charsets import Charset
from syncgate.transports.database.columns import ColumnKind, EmptyText, LengthsIn
from syncgate.transports.database.faults import FaultKind
from syncgate.transports.database.options import DatabaseOptions
from syncgate.transports.database.texts import PLACEHOLDERS
from syncgate.transports.database.wire import POLLED, STOPPED

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "reference" / "adapter-database.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    document for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for document in yaml.safe_load_all(block)
]
CODE_WORDS = {
    word
    for code in re.findall(r"```.*?```|`[^`\n]+`", PAGE, re.DOTALL)
    for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code)
}
MODELS = [
    model
    for model in vars(declared).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == declared.__name__
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "+".join(example))
def test_every_example_loads(example: dict[str, Any]) -> None:
    for part, value in example.items():
        match part:
            case "options":
                DatabaseOptions.model_validate(value)
            case "answers":
                assert not rule_problems(load_rules(value), operations=[])
            case "confirm":
                Confirm.model_validate(value)
            case "acknowledged":
                Acknowledged.model_validate(value)
            case _:
                pytest.fail(f"expected options, answers, confirm or acknowledged, got {part}")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_option_is_named(model: type[BaseModel]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    assert not [name for name in names if name not in CODE_WORDS]


@pytest.mark.parametrize("words", [Charset, EmptyText, LengthsIn], ids=["charset", "empty_text", "lengths_in"])
def test_every_choice_is_named(words: Any) -> None:
    assert not [word for word in get_args(words) if f"`{word}`" not in PAGE]


def test_every_type_kind_and_state_is_named() -> None:
    wanted = {*get_args(ColumnKind), *map(str, FaultKind), *POLLED, *STOPPED}
    assert not wanted - CODE_WORDS


def test_every_reason_of_rows_that_are_not_sent_is_named() -> None:
    sources = (ROOT / "syncgate" / "transports" / "database").rglob("*.py")
    reasons = {word for file in sources for word in re.findall(r'reason="(\w+)"', file.read_text(encoding="utf-8"))}
    assert {"unencodable", "key_missing", "secret_missing"} <= reasons
    assert not [reason for reason in reasons if f"`{reason}`" not in PAGE]


@pytest.mark.parametrize("word", [*PLACEHOLDERS, *Outcome])
def test_every_word_of_a_closed_list_is_named(word: str) -> None:
    assert re.search(rf"`\{{?{word}\}}?`", PAGE)
