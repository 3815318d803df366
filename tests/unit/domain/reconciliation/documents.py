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


@st.composite
def related_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """A value that was sent, and what a system may show of it: the same, masked, written otherwise, edited a little.

    Values drawn apart from each other are hardly ever nearly equal, and there the mistakes are.
    """
    ours = draw(st.text("0123456789", min_size=4, max_size=12) | json_values())
    how = draw(st.sampled_from(["edited", "masked", "moved", "written", "same", "other"]))
    if how == "other":
        return ours, draw(json_values())
    if isinstance(ours, str) and ours and how != "same":
        return ours, _altered(draw, ours, how)
    if isinstance(ours, int | float) and not isinstance(ours, bool) and how != "same":
        return ours, draw(st.sampled_from([ours + 0.25, ours + 1, str(ours), f"{ours} ", float(ours)]))
    return ours, [ours] if how == "edited" else ours


def _altered(draw: st.DrawFn, text: str, how: str) -> str:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    match how:
        case "masked":
            shown = f"{text[:start]}{'*' * (end - start)}{text[end:]}"
            return shown if draw(st.booleans()) else _altered(draw, shown, "edited")
        case "edited":
            return text[:start] + draw(st.sampled_from("07*x ")) + text[start + 1 :]
        case "moved":
            return text[end:] + text[:end]
        case _:
            return draw(st.sampled_from([f" {text}", text.upper(), f"{text}㎡", text[:end], text.rstrip("0")]))
