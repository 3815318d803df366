"""Random mappings of every operation, option and condition, and random cases that they meet with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Written = Any
"""An expression or condition as the mapping's file writes it."""

KEYS = st.sampled_from(["a", "b", "name", "x.y"])
TEXTS = st.sampled_from(
    [
        *("", "a", " b ", "N/A", "natural_person", "2", "12", "-1,234.5", "120.00㎡", "A", "B", "T", "true", "a;b;c"),
        *("2025-01-01", "2024-12-31T16:00:00Z", "2026-10-25 02:30", "2026-03-29 02:30", "2026-02-30 00:00"),
        *("李䶮", "张示例 ABC", "２０２６", "7"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-3, 130) | st.sampled_from([0.5, 120.0, 1e21]) | TEXTS
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(st.fixed_dictionaries({"a": TEXTS, "b": SCALARS}) | TEXTS, max_size=3)
CASES = st.dictionaries(KEYS, VALUES, max_size=4) | st.fixed_dictionaries(
    {"a": st.fixed_dictionaries({"a": SCALARS, "b": TEXTS, "name": TEXTS}), "b": TEXTS, "name": ITEMS, "x.y": TEXTS}
)

LEAVES = ("path", "path", "path", "path", "path", "const", "const", "context", "context", "remote_ref", "case_ref")
FITTING: dict[str, tuple[str, ...]] = {
    "table": ("natural_person", "2", "a", "7", "none"),
    "row": ("A", "B", "T", "2025-01-01", "2024-12-31T16:00:00Z"),
    "time": ("2024-12-31T16:00:00Z", "2026-07-01T00:00:00+08:00"),
    "parse_time": ("2026-10-25 02:30", "2026-03-29 02:30", "2026-02-30 00:00", "2025-01-01"),
    "number": ("12", "120.00", "-0.5"),
    "parse_number": ("12", "1,234", "120.00㎡", "1,2"),
    "text": (" b ", "李䶮", "张示例 ABC", "２０２６", "a"),
    "split": ("a;b;c", ""),
}
"""Constants that an operation can do something with."""
OPERATIONS = (
    *("table", "row", "time", "parse_time", "number", "parse_number", "text", "join", "split", "choose"),
    *("first", "each", "object", "list", "function"),
)
STEPS: tuple[Written, ...] = (
    *("trim", "squeeze", "upper", "lower", "nfkc", "dots", "digits"),
    *({"replace": ["a", "bb"]}, {"prefix": "p"}, {"suffix": "s"}, {"pad_left": [6, "0"]}, {"pad_right": [6, "0"]}),
    *({"slice": [0, 2]}, {"slice": [1]}),
)


@st.composite
def payloads(draw: DrawFn, *, roots: tuple[str, ...] = ("case",), context: tuple[str, ...] = ("slot_key",)) -> Written:
    """The fields of a payload. roots: what its paths start with. context: the context values that it may use."""
    writer = _Writer(draw, roots, context)
    count = draw(st.sampled_from([1, 1, 2, 3]))
    return {f"f{no}" if no else "f/~0": writer.expression(3, is_slot=True, is_field=True) for no in range(count)}


class _Writer:
    """Draws expressions that load: options and paths only where they have a meaning."""

    def __init__(self, draw: DrawFn, roots: tuple[str, ...], context: tuple[str, ...]) -> None:
        self.draw = draw
        self.roots = roots
        self.context_names = context
        self.depth_of_each = 0
        self.is_outward = "record" not in roots

    def expression(self, depth: int, *, is_slot: bool = False, is_field: bool = False) -> Written:
        names = LEAVES if depth == 0 or self.one_of(range(4)) == 0 else OPERATIONS
        name = self.one_of([name for name in names if self.is_outward or not name.endswith("_ref")])
        written = getattr(self, name)(depth - 1, is_slot)
        if name == "const":
            return written
        return {**written, **self.options(depth - 1, is_slot=is_slot, is_field=is_field)}

    def options(self, depth: int, *, is_slot: bool, is_field: bool) -> Written:
        found: dict[str, Written] = {}
        if self.one_of(range(6)) == 0:
            found["empty_as"] = self.one_of(["absent", "", "keep"])
        if self.one_of(range(6)) == 0:
            found["absent_as"] = self.draw(
                st.lists(st.sampled_from(["N/A", "a", 7, 0.5, True]), min_size=1, max_size=2)
            )
        match self.one_of(range(6)):
            case 0 if is_slot:
                found["optional"] = True
            case 1 if depth >= 0:
                found["when_absent"] = self.expression(min(depth, 1), is_slot=is_slot)
        if is_field and self.one_of(range(6)) == 0:
            found["compared"] = False
        return found

    def one_of(self, names: Any) -> Any:
        return self.draw(st.sampled_from(list(names)))

    def flag(self, name: str, value: Written) -> Written:
        return {name: value} if self.one_of([True, False]) else {}

    def operand(self, depth: int, name: str = "") -> Written:
        """An operand of an operation: often a constant that suits it."""
        if name in FITTING and self.one_of(range(3)):
            return {"const": self.one_of(FITTING[name])}
        return self.expression(max(depth, 0))

    def path(self, _depth: int, _is_slot: bool) -> Written:
        if self.is_outward and self.one_of([True, False]):
            return {"path": self.one_of([["case", "b"], ["case", "a", "name"], ["case", "a", "b"], ["case", "name"]])}
        root = self.one_of((*self.roots, *(["it"] * 3 if self.depth_of_each else [])))
        return {"path": [root, *self.draw(st.lists(KEYS, min_size=0 if root == "it" else 1, max_size=3))]}

    def const(self, _depth: int, _is_slot: bool) -> Written:
        return {"const": self.draw(SCALARS)}

    def context(self, _depth: int, _is_slot: bool) -> Written:
        return {"context": self.one_of(self.context_names)}

    def remote_ref(self, _depth: int, _is_slot: bool) -> Written:
        return {"remote_ref": self.one_of(["food", "hotline"])}

    def case_ref(self, _depth: int, _is_slot: bool) -> Written:
        return {"case_ref": self.one_of(["food", "hotline"])}

    def table(self, depth: int, _is_slot: bool) -> Written:
        otherwise = self.one_of(["error", "keep", {"const": None}, {"const": "9"}])
        reverse = {"table": "applicant_type", "reverse": True}
        named = self.one_of([{"table": "applicant_type"}, {"table": "short"}, {"table": "own"}, reverse])
        return {**named, "of": self.operand(depth, "table"), **self.flag("otherwise", otherwise)}

    def row(self, depth: int, _is_slot: bool) -> Written:
        if self.one_of([True, False]):
            return {"row": "items", "key": self.operand(depth, "row"), "column": "no"}
        column = self.one_of(["code", "area"])
        return {
            "row": "organisations",
            "key": self.operand(depth, "row"),
            "at": self.operand(depth, "row"),
            "column": column,
        }

    def time(self, depth: int, _is_slot: bool) -> Written:
        return {
            "time": self.operand(depth, "time"),
            **self.flag("format", self.one_of(["%Y%m%d", "%-d %b %Y %I:%M %p"])),
        }

    def parse_time(self, depth: int, _is_slot: bool) -> Written:
        fold = self.flag("fold", self.one_of(["error", "earlier", "later"]))
        formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d"]
        return {"parse_time": self.operand(depth, "parse_time"), "formats": formats, "zone": "Europe/Berlin", **fold}

    def number(self, depth: int, _is_slot: bool) -> Written:
        form = self.one_of([{"as": "integer"}, {"as": "number", "decimals": 1}, {"as": "text", "unit": "m"}])
        return {"number": self.operand(depth, "number"), **form}

    def parse_number(self, depth: int, _is_slot: bool) -> Written:
        form = self.one_of([{"as": "integer"}, {"as": "text", "unit": "㎡"}, {"as": "number", "thousands": ","}])
        return {"parse_number": self.operand(depth, "parse_number"), **form}

    def text(self, depth: int, _is_slot: bool) -> Written:
        steps = self.draw(st.lists(st.sampled_from(STEPS), max_size=3))
        charset = self.flag("charset", self.one_of(["gbk", "ascii", "utf-8"]))
        if charset and self.one_of([True, False]):
            charset["unencodable"] = {"table": "rare"}
        limit = {self.one_of(["bytes", "chars"]): 4, "charset": "gbk", **self.one_of(LIMITS)}
        return {"text": self.operand(depth, "text"), "steps": steps, **charset, **self.flag("limit", limit)}

    def join(self, depth: int, _is_slot: bool) -> Written:
        listed = [self.expression(max(depth, 0), is_slot=True) for _ in range(self.one_of(range(3)))]
        return {"join": listed if listed else self.operand(depth), **self.flag("with", "-")}

    def split(self, depth: int, _is_slot: bool) -> Written:
        return {"split": self.operand(depth, "split"), "on": ";"}

    def choose(self, depth: int, is_slot: bool) -> Written:
        branches = [
            {"when": self.condition(2), "then": self.expression(max(depth, 0), is_slot=is_slot)}
            for _ in range(self.one_of(range(3)))
        ]
        return {"choose": branches, **self.flag("otherwise", self.expression(max(depth, 0), is_slot=is_slot))}

    def first(self, depth: int, _is_slot: bool) -> Written:
        return {"first": [self.operand(depth) for _ in range(self.one_of([1, 2, 3]))]}

    def each(self, depth: int, _is_slot: bool) -> Written:
        of = {"path": [self.roots[0], "name"]} if self.one_of(range(3)) else self.operand(depth)
        self.depth_of_each += 1
        inner = {"do": self.expression(max(depth, 0), is_slot=True), **self.flag("where", self.condition(1))}
        self.depth_of_each -= 1
        return {"each": of, **inner, **self.flag("one_as", "list")}

    def object(self, depth: int, _is_slot: bool) -> Written:
        names = self.draw(st.lists(KEYS, max_size=3, unique=True))
        return {"object": {name: self.expression(max(depth, 0), is_slot=True) for name in names}}

    def list(self, depth: int, _is_slot: bool) -> Written:
        return {"list": [self.expression(max(depth, 0), is_slot=True) for _ in range(self.one_of(range(3)))]}

    def function(self, depth: int, _is_slot: bool) -> Written:
        return {"function": "head_of", "args": {"name": self.operand(depth), "count": {"const": 1}}}

    def condition(self, depth: int) -> Written:
        names = ["present", "equals", "in", "at_least", "at_most"] + (["not", "all", "any"] if depth else [])
        match name := self.one_of(names):
            case "present":
                return {name: self.compared()}
            case "equals":
                return {name: [self.compared(), self.one_of([self.compared(), {"const": "a"}, {"const": 7}])]}
            case "in":
                return {name: [self.compared(), self.one_of([{"const": ["a", 7, True]}, {"list": [self.compared()]}])]}
            case "at_least" | "at_most":
                return {name: [self.compared(), {"const": 7}]}
            case "not":
                return {name: self.condition(depth - 1)}
            case _:
                return {name: [self.condition(depth - 1) for _ in range(self.one_of([1, 2]))]}

    def compared(self) -> Written:
        operand = self.path(0, False) if self.one_of(range(4)) else self.context(0, False)
        return {**operand, **self.flag("absent_as", ["N/A"]), **self.flag("empty_as", "absent")}


LIMITS: tuple[Written, ...] = ({"beyond": "error"}, {"beyond": "cut"}, {"beyond": "cut", "marker": "."})
