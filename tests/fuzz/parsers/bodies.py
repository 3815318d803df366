"""Bodies of the REST interface: parsed exactly as written, or refused in words that repeat nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
from hypothesis import strategies as st

from syncgate.domain.errors import RequestError
from syncgate.web import body as bodies
from syncgate.web.arrivals import ReplayAllAsked
from syncgate.web.deliveries import ConfirmAsked
from syncgate.web.holds import HoldAsked
from syncgate.web.keys import KeyAsked
from syncgate.web.reconciliations import RunAsked
from syncgate.web.records import format_of
from syncgate.web.replans import ReplanAsked
from syncgate.web.requeues import RequeueAsked
from tests.fuzz.mutation import SCRAPS, spoiled_documents, spoiled_trees
from tests.fuzz.parsers.records import told
from tests.fuzz.target import Target
from tests.integration.web.words import a_source
from tests.unit.web.sample import application, hotline, schema

DEPTH = 32
STAGE = {"id": "s-1", "kind": "step", "name": "现场核查", "at": "2026-05-01T09:00:00+08:00"}
WHY = {"reason": "为了试验", "until": "2026-05-01T09:00:00+08:00", "dry_run": False, "cap": 3}
MODELS = (ReplayAllAsked, ConfirmAsked, HoldAsked, KeyAsked, RunAsked, ReplanAsked, RequeueAsked)


def _case(content: bytes) -> None:
    try:
        value = bodies.parse(content, depth_limit=DEPTH)
    except RequestError as error:
        told(error.message)
        assert 400 <= error.status < 500
        return
    assert _same(json.loads(content), value), "not what was written"
    orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    try:
        schema().check(value)
    except RequestError as error:
        for one in error.errors:
            told(one.rule)
    if isinstance(value, dict):
        schema().mask(value)


def _same(plain: Any, value: Any) -> bool:
    """Whether a parsed value is what the standard library reads: 1.0 and 1 are one number."""
    if isinstance(plain, dict):
        return (
            isinstance(value, dict) and plain.keys() == value.keys() and all(_same(plain[k], value[k]) for k in plain)
        )
    if isinstance(plain, list):
        return isinstance(value, list) and len(plain) == len(value) and all(map(_same, plain, value))
    return isinstance(plain, bool) == isinstance(value, bool) and bool(plain == value)


def _asked(content: bytes) -> None:
    try:
        bodies.parse(content, depth_limit=DEPTH)
    except RequestError:
        return
    for model in MODELS:
        try:
            model.model_validate_json(content, strict=True)
        except ValueError as error:
            from pydantic import ValidationError

            assert isinstance(error, ValidationError), type(error)


def _content_type(content: bytes) -> None:
    try:
        format_of([(b"content-type", content)], a_source())
    except RequestError as error:
        told(error.message)


def _types() -> st.SearchStrategy[bytes]:
    signs = st.sampled_from([scrap.encode("latin-1", "ignore")[:200] for scrap in SCRAPS])
    names = st.sampled_from([b"application/json", b"text/csv", b"application/xml", b"*/*"])
    charsets = st.sampled_from([b"gbk", b"utf8", b"x", b"idna", b"rot13", b"base64", b"undefined", b"mbcs", b"oem"])
    parameter = st.builds(
        lambda n, c, s: b"; " + n + b"=" + c + s, st.sampled_from([b"charset", b"x"]), charsets, signs
    )
    return st.builds(lambda name, more, end: name + b"".join(more) + end, names, st.lists(parameter, max_size=3), signs)


def targets() -> Iterator[Target]:
    """Cases as trees and as text, small bodies, and headers."""
    cases = [json.dumps(case, ensure_ascii=False).encode() for case in (application(stages=[STAGE]), hotline())]
    yield Target("case_tree", partial(spoiled_trees, cases), _case)
    yield Target("case_text", partial(spoiled_documents, cases), _case)
    yield Target("asked", partial(spoiled_trees, [json.dumps(WHY | {"filter": {"system": "x"}}).encode()]), _asked)
    yield Target("content_type", _types, _content_type)
