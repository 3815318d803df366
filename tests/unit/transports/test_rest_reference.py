"""The reference page says all there is, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from syncgate.domain.outcome import Outcome
from syncgate.transports.answers import AnswerCondition, AnswerRule, ValueTest, load_rules, rule_problems
from syncgate.transports.rest.options import (
    Const,
    OperationOptions,
    RestOptions,
    TlsOptions,
    XmlOptions,
    rest_options_with,
)
from syncgate.transports.rest.signing import BUILT_IN
from syncgate.transports.rest.text import PLACEHOLDERS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "adapter-rest.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    document for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for document in yaml.safe_load_all(block)
]
CODE_WORDS = {
    word
    for code in re.findall(r"```.*?```|`[^`\n]+`", PAGE, re.DOTALL)
    for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code)
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "+".join(example))
def test_every_example_loads(example: dict[str, Any]) -> None:
    for part, value in example.items():
        match part:
            case "options":
                RestOptions.model_validate(value)
            case "answers":
                assert not rule_problems(load_rules(value), operations=["update"])
            case "absent":
                AnswerCondition.model_validate(value)
            case _:
                pytest.fail(f"expected options, answers or absent, got {part}")


def test_the_example_of_quirks_registers_its_scheme() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {"__name__": "quirks"}
    exec(compile(source, "quirks.py", "exec", dont_inherit=True), found)
    model = rest_options_with(SimpleNamespace(**found))
    operations = {"push": {"method": "POST", "path": "/"}}
    signing = {"scheme": "stamp", "key": {"secret": "k"}}
    assert model.model_validate({"base_url": "http://h", "operations": operations, "signing": signing})


@pytest.mark.parametrize(
    "model",
    [RestOptions, OperationOptions, XmlOptions, Const, TlsOptions, AnswerRule, AnswerCondition, ValueTest]
    + [scheme.options_model for scheme in BUILT_IN.values()],
    ids=lambda model: model.__name__,
)
def test_every_option_is_named(model: type[BaseModel]) -> None:
    """In a code span or an example: prose that happens to use the word is none."""
    missing = [name for name in model.model_fields if name not in CODE_WORDS]
    assert not missing


def choices_of(annotation: Any) -> set[str]:
    """Every word of every closed list in an annotation."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return set()
    return {word for part in get_args(annotation) for word in choices_of(part)}


@pytest.mark.parametrize("model", [RestOptions, OperationOptions, XmlOptions], ids=lambda model: model.__name__)
def test_every_choice_of_an_option_is_named(model: type[BaseModel]) -> None:
    words = {word for field in model.model_fields.values() for word in choices_of(field.annotation)}
    assert words
    assert not [word for word in words if f"`{word}`" not in PAGE]


def test_every_reason_of_a_request_that_is_not_sent_is_named() -> None:
    sources = (Path(__file__).parents[3] / "syncgate" / "transports" / "rest").glob("*.py")
    reasons = {word for file in sources for word in re.findall(r'reason="(\w+)"', file.read_text(encoding="utf-8"))}
    assert {"payload_not_xml", "key_missing", "secret_missing"} <= reasons
    assert not [reason for reason in reasons if f"`{reason}`" not in PAGE]


@pytest.mark.parametrize("word", [*PLACEHOLDERS, *BUILT_IN, *Outcome])
def test_every_word_of_a_closed_list_is_named(word: str) -> None:
    assert re.search(rf"`\{{?{word}\}}?`", PAGE)
