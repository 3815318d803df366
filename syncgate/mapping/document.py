"""The mapping document: what a mapping says, as frozen values with their places.

This model is kept beside the compiled function, so that a mapping can be explained, compared and proven
without running it. Nothing here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from syncgate.documents import JsonValue, Node, Place

Emptiness = Literal["absent", "text", "keep"]
Charset = Literal["utf-8", "gbk", "gb18030", "big5", "ascii", "latin-1"]
Rounding = Literal["error", "half_up"]
NumberForm = Literal["integer", "number", "text"]
Fold = Literal["error", "earlier", "later"]


@dataclass(frozen=True, slots=True)
class Options:
    """What every expression may say about absence and comparison.

    `empty_as`: absent (an empty text, list or object counts as absent), text (whatever is empty or absent
    becomes ""), keep (an empty value is a value). `absent_as`: the values that mean nothing, such as `N/A`.
    """

    is_optional: bool = False
    when_absent: Expression | None = None
    absent_as: tuple[JsonValue, ...] = ()
    empty_as: Emptiness = "keep"
    is_compared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expression:
    place: Place
    options: Options = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(_Expression):
    """A place in the case, the part, the record or the current item: a root and the keys below it."""

    root: str
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.root, *self.keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(_Expression):
    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(_Expression):
    """A code table applied to a value. `otherwise`: what becomes of anything that the table does not have."""

    table: str
    of: Expression
    otherwise: Const | Literal["error", "keep"] = "error"
    is_reversed: bool = False
    is_lossy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(_Expression):
    """A column of the row of a site table that holds for a key at a time."""

    table: str
    key: Expression
    column: str
    at: Expression | None = None
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Time(_Expression):
    """An RFC 3339 time written in a format and zone; without a format RFC 3339 in that zone."""

    of: Expression
    format: str | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseTime(_Expression):
    """A local time text read by the first format that fits, as RFC 3339 with the zone's offset.

    `fold`: which one is meant where the zone has a local time twice.
    """

    of: Expression
    formats: tuple[str, ...]
    zone: str
    fold: Fold = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(_Expression):
    of: Expression
    form: NumberForm
    decimals: int | None = None
    rounding: Rounding = "error"
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseNumber(_Expression):
    of: Expression
    form: NumberForm
    unit: str = ""
    thousands: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One text operation with its constant arguments."""

    name: str
    arguments: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a text may be, and what to do beyond it."""

    most: int
    unit: Literal["bytes", "chars"]
    charset: Charset | None
    beyond: Literal["error", "cut"]
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(_Expression):
    """A text through its steps, then checked against a charset, then measured.

    `unencodable`: the name of a code table that replaces what the charset lacks, or None (a fault).
    """

    of: Expression
    steps: tuple[Step, ...] = ()
    charset: Charset | None = None
    unencodable: str | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(_Expression):
    """Texts in a row with a separator between: of several expressions, or of one that gives a list."""

    of: Expression | tuple[Expression, ...]
    separator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(_Expression):
    of: Expression
    on: str


@dataclass(frozen=True, slots=True)
class Branch:
    when: Condition
    then: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(_Expression):
    """The first branch whose condition holds; without one `otherwise`, and without that absence."""

    branches: tuple[Branch, ...]
    otherwise: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class First(_Expression):
    """The first of several that is present."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(_Expression):
    """A list with one value per item of another; inside, `it` is the item.

    `is_one_listed`: what is no list is a list of one.
    """

    of: Expression
    do: Expression
    where: Condition | None = None
    is_one_listed: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object by the target's own name."""

    place: Place
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Object(_Expression):
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class List(_Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRef(_Expression):
    """What another system called what we delivered to it."""

    system: str
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRef(_Expression):
    """What another system calls the case."""

    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextValue(_Expression):
    name: str
    format: str | None = None
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Expression):
    """A registered function with its arguments by name."""

    function: str
    arguments: tuple[tuple[str, Expression], ...]


Expression = (
    Path
    | Const
    | Lookup
    | Row
    | Time
    | ParseTime
    | Number
    | ParseNumber
    | Text
    | Join
    | Split
    | Choose
    | First
    | Each
    | Object
    | List
    | RemoteRef
    | CaseRef
    | ContextValue
    | Call
)

Operand = Path | Const | ContextValue


@dataclass(frozen=True, slots=True)
class Present:
    place: Place
    of: Operand


@dataclass(frozen=True, slots=True)
class Equals:
    place: Place
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    place: Place
    of: Operand
    among: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    place: Place
    of: Operand
    bound: Operand


@dataclass(frozen=True, slots=True)
class AtMost:
    place: Place
    of: Operand
    bound: Operand


@dataclass(frozen=True, slots=True)
class Not:
    place: Place
    of: Condition


@dataclass(frozen=True, slots=True)
class All:
    place: Place
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    place: Place
    of: tuple[Condition, ...]


Condition = Present | Equals | In | AtLeast | AtMost | Not | All | Any


@dataclass(frozen=True, slots=True)
class Example:
    """A case with what the mapping makes of it, as written; exactly one of the three expectations is set."""

    place: Place
    name: str
    case: JsonValue = None
    case_file: str | None = None
    part: str | None = None
    context: tuple[tuple[str, JsonValue], ...] = ()
    remote_refs: tuple[tuple[tuple[str, str | None], str], ...] = ()
    case_refs: tuple[tuple[str, str], ...] = ()
    gives: JsonValue = None
    fails: tuple[tuple[str, str], ...] | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A whole mapping as written."""

    place: Place
    name: str
    direction: Literal["out", "in"]
    reads: Literal["case", "stage", "material", "leg", "record"]
    payload: Object
    examples: tuple[Example, ...] = ()
    node: Node | None = field(default=None, repr=False, compare=False)

    @property
    def system(self) -> str:
        """The system or source that the mapping belongs to: `taipei1999` of `sources/taipei1999/case`."""
        return self.name.rpartition("/")[0].rpartition("/")[2]

    @property
    def message(self) -> str:
        """The last part of its name."""
        return self.name.rsplit("/", 1)[-1]
