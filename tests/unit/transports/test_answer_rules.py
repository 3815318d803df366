"""What an answer means: the rules, one by one and as properties."""

from __future__ import annotations

import time
from encodings.aliases import aliases
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncgate.domain.outcome import Outcome
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import (
    AnswerCondition,
    AnswerRules,
    CompiledCondition,
    Verdict,
    equal_literal,
    load_rules,
    rule_problems,
)
from syncgate.transports.patterns import LONGEST_TEXT, compile_pattern

Json = Any
scalars: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/~", max_size=2), inner, max_size=3),
)


def holds(
    when: dict[str, Json], *, status: int = 200, headers: dict[str, str] | None = None, body: bytes | Json = b""
) -> bool:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    view = AnswerView(status, (headers or {}).items(), raw)
    return CompiledCondition(AnswerCondition.model_validate(when)).holds(view)


@pytest.mark.parametrize(
    ("when", "answer", "expected"),
    [
        ({"status": [200, 201]}, {"status": 201}, True),
        ({"status": [200]}, {"status": 201}, False),
        ({"status": ["5xx"]}, {"status": 599}, True),
        ({"status": ["5xx"]}, {"status": 499}, False),
        ({"headers": {"Content-Type": "text/xml"}}, {"headers": {"content-TYPE": "text/xml"}}, True),
        ({"headers": {"X-Code": ["1", "2"]}}, {"headers": {"x-code": "2"}}, True),
        ({"headers": {"X-Code": {"contains": "er"}}}, {"headers": {"x-code": "error"}}, True),
        ({"headers": {"X-Code": {"matches": "^e.r$"}}}, {"headers": {"x-code": "error"}}, False),
        ({"headers": {"X-Code": {"present": False}}}, {}, True),
        ({"headers": {"X-Code": {"present": True}}}, {}, False),
        ({"headers": {"X-Code": "1"}}, {}, False),
        ({"body": {"/code": "200"}}, {"body": {"code": "200"}}, True),
        ({"body": {"/code": "200"}}, {"body": {"code": 200}}, False),
        ({"body": {"/code": 200}}, {"body": {"code": "200"}}, False),
        ({"body": {"/code": 200}}, {"body": {"code": 200}}, True),
        ({"body": {"/code": 1}}, {"body": {"code": True}}, False),
        ({"body": {"/code": True}}, {"body": {"code": 1}}, False),
        ({"body": {"/code": False}}, {"body": {"code": None}}, False),
        ({"body": {"/code": None}}, {"body": {"code": None}}, True),
        ({"body": {"/code": None}}, {"body": {}}, False),
        ({"body": {"/code": ["0", 0]}}, {"body": {"code": 0}}, True),
        ({"body": {"/code": ["0", 1]}}, {"body": {"code": 0}}, False),
        ({"body": {"/a/1/b": "x"}}, {"body": {"a": [0, {"b": "x"}]}}, True),
        ({"body": {"/a/01/b": "x"}}, {"body": {"a": [0, {"b": "x"}]}}, False),
        ({"body": {"/a~1b/~0": 1}}, {"body": {"a/b": {"~": 1}}}, True),
        ({"body": {"": "ok"}}, {"body": "ok"}, True),
        ({"body": {"/text": {"contains": "已存在"}}}, {"body": {"text": "数据已存在！"}}, True),
        ({"body": {"/text": {"contains": "0"}}}, {"body": {"text": 0}}, False),
        ({"body": {"/text": {"contains": "0"}}}, {"body": {"text": ["0"]}}, False),
        ({"body": {"/text": {"matches": "^.+字段为空！$"}}}, {"body": {"text": "applicant字段为空！"}}, True),
        ({"body": {"/text": {"contains": "空", "matches": "^a"}}}, {"body": {"text": "b空"}}, False),
        ({"body": {"/id": {"present": True}}}, {"body": {"id": None}}, True),
        ({"body": {"/id": {"present": False}}}, {"body": {"no": 1}}, True),
        ({"body": {"/id": {"present": False}}}, {"body": b"not json"}, False),
        ({"body": {"/id": {"present": False}}}, {"body": b""}, False),
        ({"body": {"/code": "200"}}, {"body": b'{"code":"200"'}, False),
        ({"body": {"/code": "200"}}, {"body": b'\xef\xbb\xbf{"code":"200"}'}, True),
        ({"text": {"contains": "busy"}}, {"body": b"<html>busy</html>"}, True),
        ({"text": {"matches": "^<html>"}}, {"body": b"<html>busy</html>"}, True),
        ({"text": {"contains": "busy"}}, {"body": b"\xff\xfe"}, False),
        ({"status": [200], "body": {"/code": "200"}}, {"status": 500, "body": {"code": "200"}}, False),
    ],
)
def test_a_condition_holds_exactly_when_all_that_it_says_is_so(
    when: dict[str, Json], answer: dict[str, Json], expected: bool
) -> None:
    assert holds(when, **answer) is expected


@pytest.mark.parametrize("charset", ["gbk", "GB2312", "gb18030", '"GBK"'])
def test_a_declared_charset_is_read(charset: str) -> None:
    body = '{"text":"数据已存在"}'.encode("gb18030")
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert holds({"body": {"/text": "数据已存在"}}, headers=headers, body=body)
    assert holds({"text": {"contains": "已存在"}}, headers=headers, body=body)


@pytest.mark.parametrize("charset", sorted(set(aliases.values())))
@pytest.mark.parametrize("body", [b"", b"\xff\x00", b'{"a":1}', "好".encode()])
def test_no_declared_charset_breaks_the_reading(charset: str, body: bytes) -> None:
    holds(
        {"body": {"/a": 1}, "text": {"contains": "a"}},
        headers={"Content-Type": f"a/b; charset={charset}"},
        body=body,
    )
    assert isinstance(AnswerView(200, [("Content-Type", f"a/b; charset={charset}")], body).text, str)


@pytest.mark.parametrize("charset", ["no-such", "hex", "", "\x00"])
def test_a_charset_that_is_none_counts_as_utf8(charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert holds({"body": {"/text": "好"}}, headers=headers, body='{"text":"好"}'.encode())


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"status": []},
        {"status": 200},
        {"status": ["200"]},
        {"status": [True]},
        {"status": [99]},
        {"status": ["6xx"]},
        {"statuses": [200]},
        {"body": {"code": "200"}},
        {"body": {"/co~de": "200"}},
        {"body": {"/code": {}}},
        {"body": {"/code": {"equals": 1}}},
        {"body": {"/code": []}},
        {"body": {"/code": [["1"]]}},
        {"body": {"/code": {"matches": "("}}},
        {"body": {"/code": {"contains": ""}}},
        {"body": {"/code": {"present": 1}}},
        {"headers": {"X": 1}},
        {"text": {}},
        {"text": {"present": True}},
        {"text": "busy"},
    ],
)
def test_a_condition_that_says_nothing_or_nonsense_does_not_load(when: dict[str, Json]) -> None:
    with pytest.raises(ValidationError):
        AnswerCondition.model_validate(when)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|ab)*c", "(?:x*y?)*", ".*.*.*x", "(a{0,99}){0,99}", "x" * 201, "(?P<a>", "[a"]
)
def test_a_pattern_whose_time_could_run_away_does_not_load(pattern: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [".+", "^.*字段为空", "(已存在|重复)", r"^\d{1,8}-\d{4}$", "(?i)error.*code", "[a-c]+x?"]
)
def test_ordinary_patterns_load(pattern: str) -> None:
    assert compile_pattern(pattern).pattern == pattern


def test_the_worst_pattern_that_loads_ends_soon() -> None:
    started = time.monotonic()
    assert not holds({"text": {"matches": "a*.*b"}}, body=b"a" * LONGEST_TEXT)
    assert time.monotonic() - started < 5


def test_a_text_too_long_to_search_never_matches() -> None:
    long = "ok" + "x" * LONGEST_TEXT
    assert not holds({"text": {"matches": "^ok"}}, body=long.encode())
    assert holds({"text": {"contains": "ok"}}, body=long.encode())


def rules(*documents: dict[str, Json]) -> AnswerRules:
    return AnswerRules(load_rules(documents))


def judge(found: AnswerRules, status: int, body: bytes = b"", operation: str = "push") -> Verdict:
    return found.judge(AnswerView(status, (), body), operation=operation)


def test_the_first_rule_that_holds_decides() -> None:
    found = rules(
        {"name": "exists", "when": {"text": {"contains": "exists"}}, "outcome": "duplicate"},
        {"name": "taken", "when": {"status": [200]}, "outcome": "taken"},
    )
    assert judge(found, 200, b"exists").rule == "exists"
    assert judge(found, 200, b"ok") == Verdict("taken", Outcome.TAKEN)


def test_a_rule_for_some_operations_leaves_the_others_alone() -> None:
    found = rules({"name": "gone", "when": {"status": [404]}, "outcome": "refused", "operations": ["replace"]})
    assert judge(found, 404, operation="replace").outcome is Outcome.REFUSED
    assert judge(found, 404, operation="create").outcome is Outcome.UNKNOWN


def test_where_a_person_must_act_reason_and_actor_are_never_empty() -> None:
    found = rules(
        {"name": "invalid", "when": {"status": [422]}, "outcome": "refused"},
        {"name": "login", "when": {"status": [401]}, "outcome": "denied", "reason": "credentials", "actor": "system"},
    )
    assert judge(found, 422) == Verdict("invalid", Outcome.REFUSED, "invalid", "operations")
    assert judge(found, 401) == Verdict("login", Outcome.DENIED, "credentials", "system")


@pytest.mark.parametrize(
    "change", [{"outcome": "ok"}, {"actor": "nobody"}, {"name": ""}, {"name": 1}, {"then": 1}, {"operations": [1]}]
)
def test_a_rule_with_a_wrong_word_does_not_load(change: dict[str, Json]) -> None:
    rule = {"name": "taken", "when": {"status": [200]}, "outcome": "taken"}
    with pytest.raises(ValidationError):
        load_rules([rule | change])


def test_rules_are_checked_as_a_whole() -> None:
    taken = {"name": "taken", "when": {"status": [200]}, "outcome": "taken"}
    odd = load_rules([taken, taken | {"operations": ["puhs"]}, taken | {"name": "unknown"}])
    problems = rule_problems(odd, operations=["push"])
    assert len(problems) == 3
    assert "'puhs'" in problems[1]


@given(scalars, scalars)
def test_literals_are_equal_exactly_when_they_are_the_same_json(one: Json, other: Json) -> None:
    same_type = isinstance(one, bool) == isinstance(other, bool) and isinstance(one, str) == isinstance(other, str)
    assert equal_literal(one, other) is (same_type and (one is None) == (other is None) and one == other)


@given(scalars, documents)
def test_a_literal_never_matches_what_another_type_says(literal: Json, document: Json) -> None:
    matched = holds({"body": {"": literal}}, body=document)
    if matched:
        assert type(document) is type(literal) or {type(document), type(literal)} == {int, float}
        assert document == literal
    assert holds({"body": {"": literal}}, body=literal)


@given(st.sampled_from(["200", "0", "1", "true", "null"]))
def test_a_text_and_what_it_looks_like_are_two_things(text: str) -> None:
    looks_like = orjson.loads(text)
    assert not holds({"body": {"/code": text}}, body={"code": looks_like})
    assert not holds({"body": {"/code": looks_like}}, body={"code": text})


_whens = st.fixed_dictionaries(
    {},
    optional={
        "status": st.lists(st.integers(100, 599) | st.sampled_from(["2xx", "4xx", "5xx"]), min_size=1, max_size=2),
        "headers": st.dictionaries(st.text("ab-", min_size=1, max_size=2), st.text("xy", max_size=2), max_size=2),
        "body": st.dictionaries(
            st.sampled_from(["", "/a", "/b/0", "/~0"]),
            scalars | st.just({"present": False}) | st.just({"contains": "a"}) | st.just({"matches": "^.*b"}),
            max_size=2,
        ),
        "text": st.just({"contains": "a"}) | st.just({"matches": "b+"}),
    },
).filter(lambda when: any(when.values()))
_answers = st.tuples(
    st.integers(100, 599),
    st.lists(st.tuples(st.text("ab-", min_size=1, max_size=2), st.text("xy", max_size=2)), max_size=2),
    st.binary(max_size=20) | documents.map(orjson.dumps),
)


@given(st.lists(st.tuples(_whens, st.sampled_from(list(Outcome))), max_size=4), _answers)
def test_every_answer_is_judged_and_the_last_rule_is_unknown(
    listed: list[tuple[dict[str, Json], Outcome]], answer: tuple[int, list[tuple[str, str]], bytes]
) -> None:
    found = load_rules([{"name": f"r{no}", "when": when, "outcome": o} for no, (when, o) in enumerate(listed)])
    view = AnswerView(*answer)
    verdict = AnswerRules(found).judge(view, operation="push")
    holding = [rule for rule in found if CompiledCondition(rule.when).holds(view)]
    if holding:
        assert (verdict.rule, verdict.outcome) == (holding[0].name, holding[0].outcome)
    else:
        assert verdict == Verdict("unknown", Outcome.UNKNOWN, is_implied=True)


@given(_answers)
def test_nothing_is_taken_unless_a_rule_says_so(answer: tuple[int, list[tuple[str, str]], bytes]) -> None:
    assert AnswerRules([]).judge(AnswerView(*answer), operation="push").outcome is Outcome.UNKNOWN


@given(st.binary(max_size=40))
def test_a_body_that_is_not_json_matches_no_pointer(body: bytes) -> None:
    try:
        orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        assert not holds({"body": {"": {"present": True}}}, body=body)
        assert not holds({"body": {"/a": {"present": False}}}, body=body)
