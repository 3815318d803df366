"""The model of an adapter's `reconciliation`: how what a system holds is read back, compared and mended."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from syncgate.documents import unknown
from syncgate.domain.reconciliation.comparison import Owner
from syncgate.domain.reconciliation.kinds import Action, Kind, Level
from syncgate.records.settings import CsvSettings, JsonSettings, NdjsonSettings, XlsxSettings, XmlSettings
from syncgate.transports.answers import AnswerCondition, BodyExpectation, Pointer
from syncgate.values import Duration, Model, Name, Wait

PageSize = Annotated[StrictInt, Field(ge=1, le=100_000)]

_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)%")
_TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def share(text: Any) -> float:
    """The share that a text such as `5%` names, from 0 to 1."""
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError("expected a share such as 5%, got something else")
    return float(found[1]) / 100


def _time_of_day(text: str) -> str:
    if _TIME_OF_DAY.fullmatch(text) is None:
        raise ValueError("expected a time of the day such as 02:30, quoted, got another text")
    return text


def _named(enum: type[StrEnum], what: str) -> BeforeValidator:
    def checked(name: Any) -> Any:
        if isinstance(name, str) and name not in {*enum}:
            raise ValueError(unknown(what, name, [one.value for one in enum]))
        return name

    return BeforeValidator(checked)


def _some_tolerance(tolerance: float) -> float:
    if not 0 < tolerance < float("inf"):
        raise ValueError("expected a tolerance above 0, got another number")
    return tolerance


Share = Annotated[float, BeforeValidator(share)]
"""A part of the whole, written as `5%`."""
TimeOfDay = Annotated[StrictStr, AfterValidator(_time_of_day)]
Tolerance = Annotated[float, Field(strict=True), AfterValidator(_some_tolerance)]
LevelName = Annotated[Level, _named(Level, "level")]
KindName = Annotated[Kind, _named(Kind, "class")]
ActionName = Annotated[Action, _named(Action, "action")]
Operation = Annotated[StrictStr, Field(min_length=1, max_length=100)]
KeyPointers = Annotated[tuple[Pointer, ...], Field(min_length=1)]
KeyText = Annotated[StrictStr, Field(min_length=1, max_length=500)]
"""A text with placeholders: the keys of a request, and fields of the payload by JSON Pointer."""
Rules = tuple[Any, ...]
"""Comparison rules; they are read where their place in the file is known."""


class ByPage(Model):
    """`next: {by: page}`: pages are numbered.

    Attributes:
        first: number of the first page.
        size: records that a full page has; a shorter one is the last. Left out: an empty page is the last.
    """

    by: Literal["page"]
    first: Annotated[StrictInt, Field(ge=0, le=1)] = 1
    size: PageSize | None = None


class ByCursor(Model):
    """`next: {by: cursor}`: each answer names the next page; one that names none is the last.

    Attributes:
        at: JSON Pointer of that name within the answer.
        size: records that are asked for at once.
    """

    by: Literal["cursor"]
    at: Pointer
    size: PageSize | None = None


class ByKeyset(Model):
    """`next: {by: keyset}`: the next page begins after the last record of this one.

    Attributes:
        at: JSON Pointer, within a record, of what the pages are ordered by; left out where the operation says it.
        size: records that a full page has; a shorter one is the last. Left out: an empty page is the last.
    """

    by: Literal["keyset"]
    at: Pointer | None = None
    size: PageSize | None = None


class OnePage(Model):
    """`next: {by: none}`: there is one page."""

    by: Literal["none"]


Next = Annotated[ByPage | ByCursor | ByKeyset | OnePage, Field(discriminator="by")]


class Listed(Model):
    """How the records are listed.

    Attributes:
        operation: the operation that gives a page of them.
        records: JSON Pointer of the list of records in its answer; left out: the answer is the list.
        total: where the answer says how many there are in all; left out: it does not.
        next: how one page leads to the next; left out: there is one page, or the operation says it.
    """

    operation: Operation
    records: Pointer = ""
    total: Pointer | None = None
    next: Next | None = None


class ReadSingly(Model):
    """How one record is read.

    Attributes:
        operation: the operation that reads it.
        record: JSON Pointer of the record within its answer; left out: the whole answer.
        absent: the answer that means "we hold no such record"; left out: none does.
    """

    operation: Operation
    record: Pointer = ""
    absent: AnswerCondition | None = None


class Counted(Model):
    """How records are counted by range of their keys.

    Attributes:
        operation: the operation that counts those whose key is at least `{low}` and below `{high}`.
        count: JSON Pointer of the number within its answer; left out: the answer is the number.
    """

    operation: Operation
    count: Pointer = ""


ExportFile = Annotated[StrictStr, Field(min_length=1, max_length=500)]


class CsvExport(CsvSettings):
    """An export as CSV. file: see `Export`."""

    format: Literal["csv"]
    file: ExportFile | None = None


class XlsxExport(XlsxSettings):
    """An export as an Excel workbook. file: see `Export`."""

    format: Literal["xlsx"]
    file: ExportFile | None = None


class NdjsonExport(NdjsonSettings):
    """An export as one JSON object a line. file: see `Export`."""

    format: Literal["ndjson"]
    file: ExportFile | None = None


class JsonExport(JsonSettings):
    """An export as one JSON document. file: see `Export`."""

    format: Literal["json"]
    file: ExportFile | None = None


class XmlExport(XmlSettings):
    """An export as XML. file: see `Export`."""

    format: Literal["xml"]
    file: ExportFile | None = None


Exported = Annotated[
    CsvExport | XlsxExport | NdjsonExport | JsonExport | XmlExport,
    Field(discriminator="format"),
]


class Scope(Model):
    """Which of the records are ours.

    Attributes:
        body: what a record shows at JSON Pointers, as in an answer rule.
    """

    body: Annotated[dict[Pointer, BodyExpectation], Field(min_length=1)]


class Shown(Model):
    """How much of a masked value a system shows.

    Attributes:
        first, last: how many characters at its beginning and at its end.
    """

    first: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    last: Annotated[StrictInt, Field(ge=0, le=100)] = 0


class FieldRules(Model):
    """How one field is compared.

    Attributes:
        compared: whether it is.
        at: where a record shows it; left out: under its own name.
        same: rules under which two values say the same; left out: the listing's.
        tolerance: by how much two numbers may differ.
        masked: whether the system shows it masked, and how much it shows; true: as of a telephone number, three
            characters and four.
        owner: whose word counts: `ours`, or that of the `system`'s own people.
        repair: what is done where it was edited there; left out: as the listing says.
    """

    compared: StrictBool = True
    at: Pointer | None = None
    same: Rules | None = None
    tolerance: Tolerance | None = None
    masked: StrictBool | Shown = False
    owner: Owner | None = None
    repair: ActionName | None = None

    @model_validator(mode="after")
    def _says_nothing_of_what_is_not_compared(self) -> Self:
        if not self.compared and self.model_fields_set != {"compared"}:
            raise ValueError("expected nothing else beside compared: false, got more")
        if self.masked is not False and self.tolerance is not None:
            raise ValueError("expected one of masked, tolerance, got both")
        return self


class FieldDefaults(Model):
    """How every field is compared that says nothing else.

    Attributes:
        same: rules under which two values say the same.
        owner: whose word counts.
    """

    same: Rules = ()
    owner: Owner = "ours"


class Adopt(Model):
    """How a record that was typed there by hand is known for one of ours.

    Attributes:
        key: JSON Pointers in the record.
        ours: the same of what was, or would be, sent.
    """

    key: KeyPointers
    ours: KeyText


class ReadListingRules(Model):
    """One collection of records at the system.

    Attributes:
        name: unique within the adapter.
        messages: the messages, and retractions with a payload, whose records it has.
        level: how much of it can be read back: `fields`, `ids`, `counts` or `none`.
        list: how its records are listed.
        read: how one of them is read.
        count: how they are counted.
        export: a file that the system's people bring, or lay down, in place of a listing.
        key: JSON Pointers in the record, joined with `|`: the reference by which it is known as ours.
        ours: the same of what was sent: `{case_id}`, `{slot_key}`, or a field of the payload such as `{/orgbusno}`.
        remote_ref: JSON Pointer of the system's own id of a record.
        scope: what is ours; left out: what bears a key.
        retracted: whether a record that was taken back is `kept` there, or `removed`.
        default: how every field is compared that says nothing else.
        fields: how single fields are compared, by their names in the payload.
        repair: what is done about each class of discrepancy; left out: what is done by default.
        accept: the inbound mapping that makes a change of the case of a record, by message.
        adopt: how what was typed there by hand is known; left out: it is not.
    """

    name: Name
    messages: Annotated[tuple[Name, ...], Field(min_length=1)]
    level: LevelName
    list: Listed | None = None
    read: ReadSingly | None = None
    count: Counted | None = None
    export: Exported | None = None
    key: KeyPointers | None = None
    ours: KeyText | None = None
    remote_ref: Pointer | None = None
    scope: Scope | None = None
    retracted: Literal["kept", "removed"] = "kept"
    default: FieldDefaults | None = None
    fields: dict[Annotated[StrictStr, Field(min_length=1)], FieldRules] = Field(default_factory=dict)
    repair: dict[KindName, ActionName] = Field(default_factory=dict)
    accept: dict[Name, Name] = Field(default_factory=dict)
    adopt: Adopt | None = None


class Reconciliation(Model):
    """How a system is reconciled.

    Attributes:
        every: how often; left out: only when a person asks.
        at: the site's local time of the day, with `every` of whole days.
        window: how far back a listing goes that is asked by window; left out: all there is.
        grace: what changed later than so long before a run began is not judged by it.
        mends: whether a run by itself mends as the policy says; else it only lists.
        cap: sends that one run may cause.
        missing_at_most: the share of what should be there that may be missing before a run is not believed.
        listings: the collections of records that the system holds.
    """

    every: Wait | None = None
    at: TimeOfDay | None = None
    window: Wait | None = None
    grace: Duration = timedelta(minutes=10)
    mends: StrictBool = False
    cap: Annotated[StrictInt, Field(ge=0, le=1_000_000)] = 100
    missing_at_most: Share = 0.05
    listings: Annotated[tuple[ReadListingRules, ...], Field(min_length=1)]
