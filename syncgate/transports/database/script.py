"""What is asked of a database in one transaction: statements in order, and what each of them must bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable

Document = dict[str, Any]
"""What came of a transaction, as the answer rules see it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement brought: rows of a SELECT, else how many it struck, and the number that it generated.

    Of a statement in bulk the rows are `values`, as the driver gives them, in the order of its columns.
    """

    rows: tuple[dict[str, Any], ...] = ()
    values: Sequence[Sequence[Any]] = ()
    count: int = 0
    generated: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        sql: with its values bound; or what makes it of what the statements before brought, None: not needed.
        check: what speaks against committing, given what it brought; None: nothing.
        is_bulk: whether it is a SELECT of many rows.
    """

    sql: Executable | Callable[[Sequence[Result]], Executable | None]
    check: Callable[[Result], Document | None] = lambda _: None
    is_bulk: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """One transaction.

    Attributes:
        request_line: verb and table.
        statements: in order; the first whose check objects ends it.
        conclude: the document, given what every statement brought.
        is_write: whether it is committed; otherwise it is rolled back.
        sent: the rows that leave, as JSON; evidence.
    """

    request_line: str
    statements: Sequence[Statement]
    conclude: Callable[[Sequence[Result]], Document]
    is_write: bool
    sent: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """A transaction that came to its end: `document` is what came of it; rolled back where a check objected."""

    document: Document
