"""JSON values and documents of comparison rules, at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_TEXTS = """无,王小明,王小明 ,１２,12,12.50,86.5㎡,01,1,2026-04-30,a；b,b；a,2026-04-30 23:58:42,
2026-04-30T23:58:42+08:00,0001-01-01T00:00:00+23:00,154****0002,15400000002,154***0002,15400001002,*"""
_texts = st.sampled_from([" ", "1,200", *_TEXTS.replace("\n", "").split(",")]) | st.text(st.characters(), max_size=6)
_scalars = st.none() | st.booleans() | st.integers(-3, 200) | st.floats(-3, 200, width=16) | st.floats() | _texts


def json_values() -> st.SearchStrategy[Any]:
    """Values as a system may show them."""
    return st.recursive(
        _scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=5,
    )


_RULES = st.sampled_from(
    ["trimmed", "collapsed", "width", "case", "middle_dots", "empty", "number", "text_of_number", "unordered"]
) | st.sampled_from(
    [
        {"empty": ["无", 0]},
        {"number": "㎡"},
        {"decimals": 1},
        {"decimals": 2},
        {"precision": "day"},
        {"precision": "second"},
        {"precision": {"to": "minute", "zone": "UTC"}},
        {"codes": {"1": "01", "2": ["02", "03"]}},
        {"joined": "；"},
        {"cut": {"chars": 3}},
        {"cut": {"bytes": 3, "charset": "gbk"}},
        {"members": ["a"]},
        {"members": {"a": ["trimmed"], "b": []}},
    ]
)


def documents() -> st.SearchStrategy[list[Any]]:
    """Lists of rules."""
    return st.lists(_RULES, max_size=3)
