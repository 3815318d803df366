"""What an adapter says of lists in which its system returns what it had taken: their columns, and their causes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StrictStr, model_validator

from syncgate.documents import Node, Place, Problem, node_at, unknown
from syncgate.domain.returns import CauseRule, folded
from syncgate.transports.answers import Actor
from syncgate.values import Model, Name, Title

if TYPE_CHECKING:
    from syncgate.site.adapter import Adapter

Header = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Headers = tuple[Header, ...]
Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]
KEYS: Final = ("case_no", "slot_key", "batch")
"""What tells which delivery a row is about."""
_TIMES: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_DAYS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")


class ReturnColumns(Model):
    """The columns of the lists, each by every header that it is known to come under.

    Attributes:
        case_no: the case's number, ours or a source's.
        slot_key: our key of the slot, as the operation's `{slot_key}`, with or without hyphens.
        batch: our key of one sending, as the operation's `{send_key}`, with or without hyphens.
        reason: why it is given back.
        returned_at: when that was found; left out of a list: not told.
        message: which message is meant, in words that `messages` knows.
    """

    case_no: Headers = ()
    slot_key: Headers = ()
    batch: Headers = ()
    reason: Annotated[Headers, Field(min_length=1)]
    returned_at: Headers = ()
    message: Headers = ()

    @model_validator(mode="after")
    def _can_be_matched(self) -> Self:
        if not (self.case_no or self.slot_key or self.batch):
            raise ValueError("expected headers for case_no, slot_key or batch, got none: no row could be matched")
        return self


class ReturnCause(Model):
    """One cause, told by the text that the system wrote.

    Attributes:
        name: its code.
        title: what people call it.
        contains: texts one of which the system's text contains.
        pattern: or a pattern that is found in it.
        actor: who must act; `source` puts what is returned for it into the worklist of its source at once.
    """

    name: Name
    title: Title | None = None
    contains: tuple[Text, ...] = ()
    pattern: Annotated[StrictStr, Field(min_length=1, max_length=300)] | None = None
    actor: Actor = "operations"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.contains) == (self.pattern is not None):
            raise ValueError("expected one of contains, pattern, got both or none")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error:
                raise ValueError("expected a regular expression, got another text") from None
        return self


class Returns(Model):
    """Lists of returns.

    Attributes:
        columns: which column is what.
        messages: the messages by the words of the column `message`.
        meant: the messages that a row means which names none; left out: all of the system.
        causes: in the order of judging; a text that none fits is counted with those that say the same.
    """

    columns: ReturnColumns
    messages: dict[Text, Name] = Field(default_factory=dict)
    meant: tuple[Name, ...] = ()
    causes: tuple[ReturnCause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRules:
    """How lists of returns are read, compiled.

    Attributes:
        column_by_header: what a column is, by its header as `header_key` writes it.
        headers: the headers of each column as declared, for what messages name.
        message_by_word: by the word, folded.
        meant: messages that a row means which names none.
        causes: in the order of judging; titles: of them, by name and language.
        zone: of times, which say none.
    """

    column_by_header: Mapping[str, str]
    headers: Mapping[str, Headers]
    message_by_word: Mapping[str, str]
    meant: frozenset[str]
    causes: tuple[CauseRule, ...]
    titles: Mapping[str, Mapping[str, str]]
    zone: ZoneInfo

    def time(self, text: str) -> datetime | None:
        """The last moment that a time in a cell may mean; None where it is no time."""
        plain = folded(text)
        for form in _TIMES:
            try:
                return datetime.strptime(plain.partition(".")[0], form).replace(tzinfo=self.zone)
            except ValueError:
                continue
        for form in _DAYS:
            try:
                day = datetime.strptime(plain, form).date()  # noqa: DTZ007  its zone is the site's
            except ValueError:
                continue
            return datetime.combine(day, time.max, self.zone)
        return None


def header_key(header: str) -> str:
    """A header as it is compared: whatever its width, its spaces and its case."""
    return folded(header).replace(" ", "").casefold()


def compile_returns(adapter: Adapter, zone: str) -> ReturnRules | None:
    """How a system's lists of returns are read; None where it brings none."""
    declared = adapter.returns
    if declared is None:
        return None
    headers = {name: getattr(declared.columns, name) for name in ReturnColumns.model_fields}
    return ReturnRules(
        column_by_header=MappingProxyType({header_key(h): name for name, known in headers.items() for h in known}),
        headers=MappingProxyType(headers),
        message_by_word=MappingProxyType({folded(word): name for word, name in declared.messages.items()}),
        meant=frozenset(declared.meant),
        causes=tuple(_rule(cause) for cause in declared.causes),
        titles=MappingProxyType({c.name: c.title.model_dump() for c in declared.causes if c.title is not None}),
        zone=ZoneInfo(zone),
    )


def _rule(cause: ReturnCause) -> CauseRule:
    pattern = None if cause.pattern is None else re.compile(cause.pattern)
    return CauseRule(name=cause.name, contains=cause.contains, pattern=pattern, actor=cause.actor)


def check_returns(adapter: Adapter, node: Node) -> Iterator[Problem]:
    """Everything that is wrong with how lists of returns are declared."""
    declared = adapter.returns
    if declared is None:
        return
    yield from _repeated_headers(declared, node)
    names = {message.name for message in adapter.messages}
    for word, name in declared.messages.items():
        if name not in names:
            yield Problem(_place(node, "messages", word), unknown("message", name, names), "unknown")
    for position, name in enumerate(declared.meant):
        if name not in names:
            yield Problem(_place(node, "meant", position), unknown("message", name, names), "unknown")
    if declared.columns.message and not declared.messages:
        words = "expected 'messages' for the words of the column 'message', got none"
        yield Problem(_place(node, "columns", "message"), words, "returns")
    counts = Counter(cause.name for cause in declared.causes)
    for position, cause in enumerate(declared.causes):
        if counts[cause.name] > 1:
            words = f"expected each cause once, got {cause.name!r} twice"
            yield Problem(_place(node, "causes", position, "name"), words, "returns")


def _repeated_headers(declared: Returns, node: Node) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in ReturnColumns.model_fields:
        for position, header in enumerate(getattr(declared.columns, name)):
            key = header_key(header)
            if key in seen:
                words = f"expected each header for one column, got {header!r} for {seen[key]} and {name}"
                yield Problem(_place(node, "columns", name, position), words, "returns")
            seen[key] = name


def _place(node: Node, *path: str | int) -> Place:
    return node_at(node, ("returns", *path)).place
