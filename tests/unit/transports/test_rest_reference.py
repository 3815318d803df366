"""The reference page says all there is, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from syncgate.domain.outcome import Outcome
from syncgate.transports.answers import AnswerCondition, AnswerRule, ValueTest, load_rules, rule_problems
from syncgate.transports.rest.options import OperationOptions, RestOptions, TlsOptions, rest_options_with
from syncgate.transports.rest.signing import BUILT_IN
from syncgate.transports.rest.text import PLACEHOLDERS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "adapter-rest.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    document for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for document in yaml.safe_load_all(block)
]


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
    [RestOptions, OperationOptions, TlsOptions, AnswerRule, AnswerCondition, ValueTest]
    + [scheme.options_model for scheme in BUILT_IN.values()],
    ids=lambda model: model.__name__,
)
def test_every_option_is_named(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if not re.search(rf"\b{name}\b", PAGE)]
    assert not missing


@pytest.mark.parametrize("word", [*PLACEHOLDERS, *BUILT_IN, *Outcome])
def test_every_word_of_a_closed_list_is_named(word: str) -> None:
    assert re.search(rf"`\{{?{word}\}}?`", PAGE)
