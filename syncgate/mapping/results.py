"""What goes into a mapping and what comes out: values, never exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from syncgate.documents import JsonValue

MISSING = "missing"
UNMAPPED_CODE = "unmapped_code"
UNENCODABLE = "unencodable"
TOO_LONG = "too_long"
NOT_A_NUMBER = "not_a_number"
NOT_AN_INTEGER = "not_an_integer"
TOO_PRECISE = "too_precise"
NOT_A_TIME = "not_a_time"
WRONG_TYPE = "wrong_type"
NO_ROW = "no_row"
FUNCTION_FAILED = "function_failed"

RULES = (
    MISSING,
    UNMAPPED_CODE,
    UNENCODABLE,
    TOO_LONG,
    NOT_A_NUMBER,
    NOT_AN_INTEGER,
    TOO_PRECISE,
    NOT_A_TIME,
    WRONG_TYPE,
    NO_ROW,
    FUNCTION_FAILED,
)
"""Every rule that a fault can name."""

WAITS = "waits"
"""Not a fault: another system's id is not there yet."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a mapping may know beside the case or record. `sent_at` is aware.

    Inward: `batch` is the name of what the record came in (a file without its folders), `record_no` a number
    made of the batch and the record, for a source that gives none. Outward: `is_withheld` says that the case is
    confidential and that its system does not receive who called.
    """

    case_id: str = ""
    revision: int = 1
    slot_key: str = ""
    send_key: str = ""
    version_no: int = 1
    ordinal: int = 1
    sent_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    system: str = ""
    message: str = ""
    batch: str | None = None
    record_no: str | None = None
    is_withheld: bool = False


OUTWARD_CONTEXT = (
    "case_id",
    "revision",
    "slot_key",
    "send_key",
    "version_no",
    "ordinal",
    "sent_at",
    "system",
    "message",
    "is_withheld",
)
INWARD_CONTEXT = ("record_no", "batch")
CONTEXT_NAMES = (*OUTWARD_CONTEXT, *INWARD_CONTEXT)
VOLATILE = frozenset({"revision", "send_key", "version_no", "sent_at"})
"""What may differ from send to send of the same content, and is therefore never compared."""


@dataclass(frozen=True, slots=True)
class Refs:
    """What other systems call things: `remote_ref` by (system, message or None), `case_ref` by system."""

    remote_ref: Mapping[tuple[str, str | None], str] = field(default_factory=dict)
    case_ref: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inputs:
    """A canonical case (inbound: a system's record) with its part, context and references."""

    case: JsonValue = field(repr=False)
    part: JsonValue = field(default=None, repr=False)
    context: Context = Context()
    refs: Refs = Refs()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an expression has no value. Held in place of the value; knows nothing of the field that it ends in.

    `rule` is WAITS where nothing is wrong and only another system's id is missing; `path` is then the system.
    """

    rule: str
    path: str
    detail: str
    facts: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a field has no value. Neither `detail` nor `facts` ever hold what was read.

    `field` is the place in the payload, steps divided by `/` (`materials/0/name`); `path` is the place in the
    case. `facts` are the numbers and names of `detail` for a message in another language.
    """

    field: str
    rule: str
    path: str
    detail: str
    facts: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """The payload, complete."""

    payload: JsonValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unmappable:
    """Everything that keeps the payload from being made."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """Nothing is wrong; the payload needs what this system has not answered yet."""

    system: str


Result = Mapped | Unmappable | WaitsFor
