"""What an answer means: an ordered list of rules over status, headers and body.

The rules are data of the adapter, parsed into frozen models and compiled once; `AnswerRules.judge` is pure,
total and fast. What no rule matches is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StrictBool,
    StrictStr,
    Tag,
    model_validator,
)

from syncgate.domain.outcome import Outcome
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.patterns import compile_pattern, holds_pattern
from syncgate.transports.pointer import MISSING, follow, parse_pointer

Actor = Literal["source", "mapping", "table", "file", "operations", "system"]

UNMATCHED: Final = "unknown"
"""Name of the implied last rule."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _checked_pointer(text: str) -> str:
    parse_pointer(text)
    return text


def _checked_pattern(text: str) -> str:
    compile_pattern(text)
    return text


Pattern = Annotated[StrictStr, AfterValidator(_checked_pattern)]
Pointer = Annotated[StrictStr, AfterValidator(_checked_pointer)]
Number = Annotated[int, Strict()] | Annotated[float, Strict(), Field(allow_inf_nan=False)]
Literal_ = StrictStr | StrictBool | Number | None
StatusClass = Literal["1xx", "2xx", "3xx", "4xx", "5xx"]
Status = Annotated[int, Strict(), Field(ge=100, le=599)] | StatusClass


class TextTest(_Model):
    """A claim about a text; all that are given must hold. A value that is no text never matches."""

    contains: Annotated[StrictStr, Field(min_length=1)] | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"expected one of {', '.join(type(self).model_fields)}, got none")
        return self


class ValueTest(TextTest):
    """A claim about a value that may be absent."""

    present: StrictBool | None = None


def _shape(value: Any) -> str:
    if isinstance(value, dict | BaseModel):
        return "test"
    return "one_of" if isinstance(value, list | tuple) else "literal"


BodyExpectation = Annotated[
    Annotated[Literal_, Tag("literal")]
    | Annotated[tuple[Literal_, ...], Field(min_length=1), Tag("one_of")]
    | Annotated[ValueTest, Tag("test")],
    Discriminator(_shape),
]
HeaderExpectation = Annotated[
    Annotated[StrictStr, Tag("literal")]
    | Annotated[tuple[StrictStr, ...], Field(min_length=1), Tag("one_of")]
    | Annotated[ValueTest, Tag("test")],
    Discriminator(_shape),
]


class AnswerCondition(_Model):
    """When an answer is meant; everything that is given must hold.

    Attributes:
        status: any of these statuses or classes of them (`5xx`).
        headers: by name, in any case; several fields of one name are joined with a comma.
        body: by JSON Pointer; a body that is not JSON matches none.
        text: over the body's text, JSON or not.
    """

    status: Annotated[tuple[Status, ...], Field(min_length=1)] | None = None
    headers: dict[str, HeaderExpectation] = Field(default_factory=dict)
    body: dict[Pointer, BodyExpectation] = Field(default_factory=dict)
    text: TextTest | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.status or self.headers or self.body or self.text):
            raise ValueError("expected at least one of status, headers, body, text, got none")
        return self


class AnswerRule(_Model):
    """One line of an adapter's `answers`.

    Attributes:
        name: kept as evidence; unique within the adapter.
        when: the condition.
        outcome: what the answer amounts to.
        reason: stable reason code where a person must act; by default the rule's name.
        actor: who must act; by default `operations`.
        operations: the operations that the rule is for; empty means all.
    """

    name: Annotated[StrictStr, Field(min_length=1, max_length=64)]
    when: AnswerCondition
    outcome: Outcome
    reason: Annotated[StrictStr, Field(max_length=64)] = ""
    actor: Actor | None = None
    operations: tuple[StrictStr, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about one answer; `is_implied` where none of them matched."""

    rule: str
    outcome: Outcome
    reason: str = ""
    actor: str = ""
    is_implied: bool = False


Test = Callable[[Any], bool]
_NEEDS_A_PERSON: Final = frozenset({Outcome.REFUSED, Outcome.DENIED})
_UNKNOWN: Final = Verdict(rule=UNMATCHED, outcome=Outcome.UNKNOWN, is_implied=True)


class CompiledCondition:
    """An answer condition, ready to be asked often."""

    __slots__ = ("_body", "_headers", "_statuses", "_text")

    def __init__(self, condition: AnswerCondition) -> None:
        """Args: condition: what was read from the adapter."""
        self._statuses = None if condition.status is None else _statuses(condition.status)
        self._headers = tuple((name.lower(), _test(want)) for name, want in condition.headers.items())
        self._body = tuple((parse_pointer(at), _test(want)) for at, want in condition.body.items())
        self._text = None if condition.text is None else _test(condition.text)

    def holds(self, answer: AnswerView) -> bool:
        """Whether everything that the condition says is so."""
        if self._statuses is not None and answer.status not in self._statuses:
            return False
        return (
            all(test(answer.headers.get(name, MISSING)) for name, test in self._headers)
            and self._body_holds(answer)
            and (self._text is None or self._text(answer.text))
        )

    def holds_of(self, document: Any) -> bool:
        """Whether what it says of a body is so of this document."""
        return all(test(follow(document, at)) for at, test in self._body)

    def _body_holds(self, answer: AnswerView) -> bool:
        if not self._body:
            return True
        return answer.document is not MISSING and self.holds_of(answer.document)


class AnswerRules:
    """The rules of one adapter in order; the last is always `unknown`."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[AnswerRule]) -> None:
        """Args: rules: in the order in which they are judged."""
        self._rules = tuple(
            (frozenset(rule.operations), CompiledCondition(rule.when), _verdict(rule)) for rule in rules
        )

    def judge(self, answer: AnswerView, *, operation: str) -> Verdict:
        """The verdict of the first rule for this operation whose condition holds."""
        for operations, condition, verdict in self._rules:
            if (not operations or operation in operations) and condition.holds(answer):
                return verdict
        return _UNKNOWN


def rule_problems(rules: Sequence[AnswerRule], *, operations: Iterable[str]) -> list[str]:
    """What is wrong with the rules as a whole: names used twice, operations that do not exist."""
    known = set(operations)
    seen: set[str] = set()
    problems = []
    for rule in rules:
        if rule.name in seen or (rule.name == UNMATCHED and rule.outcome is not Outcome.UNKNOWN):
            problems.append(f"answers: expected a name of its own, got {rule.name!r} again")
        seen.add(rule.name)
        problems += [
            f"answers: {rule.name}: expected one of the operations {', '.join(sorted(known))}, got {name!r}"
            for name in rule.operations
            if name not in known
        ]
    return problems


def equal_literal(wanted: Any, value: Any) -> bool:
    """Whether both are the same JSON value: "200" is not 200, true is not 1, null is not absent."""
    return _json_type(wanted) is _json_type(value) and bool(wanted == value)


def _json_type(value: Any) -> type:
    return float if type(value) is int else type(value)


def _verdict(rule: AnswerRule) -> Verdict:
    needs_a_person = rule.outcome in _NEEDS_A_PERSON
    return Verdict(
        rule=rule.name,
        outcome=rule.outcome,
        reason=rule.reason or (rule.name if needs_a_person else ""),
        actor=rule.actor or ("operations" if needs_a_person else ""),
    )


def _statuses(wanted: Iterable[int | str]) -> frozenset[int]:
    found: set[int] = set()
    for status in wanted:
        if isinstance(status, int):
            found.add(status)
        else:
            first = int(status[0]) * 100
            found.update(range(first, first + 100))
    return frozenset(found)


def _test(wanted: Any) -> Test:
    if isinstance(wanted, TextTest):
        return _claims(wanted)
    if isinstance(wanted, tuple):
        return lambda value: any(equal_literal(one, value) for one in wanted)
    return lambda value: equal_literal(wanted, value)


def _claims(test: TextTest) -> Test:
    claims: list[Test] = []
    if test.contains is not None:
        claims.append(_contains(test.contains))
    if test.matches is not None:
        claims.append(_matches(test.matches))
    if isinstance(test, ValueTest) and test.present is not None:
        present = test.present
        claims.append(lambda value: (value is not MISSING) is present)
    return lambda value: all(claim(value) for claim in claims)


def _contains(part: str) -> Test:
    return lambda value: isinstance(value, str) and part in value


def _matches(text: str) -> Test:
    pattern = compile_pattern(text)
    return lambda value: isinstance(value, str) and holds_pattern(pattern, value)


def load_rules(documents: Sequence[Mapping[str, Any]]) -> tuple[AnswerRule, ...]:
    """Rules from plain JSON-like values, for callers without places in a file.

    Raises:
        pydantic.ValidationError: a rule cannot be read.
    """
    return tuple(AnswerRule.model_validate(document) for document in documents)
