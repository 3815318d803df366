"""Parameters that several lists take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

from syncgate.domain.errors import FieldError
from syncgate.web.problems import InvalidRequest

Names = Annotated[list[str] | None, Query(description="May come several times.")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries of a page.")]


def _is_in_utc(time: datetime) -> bool:
    """Whether it is a time in UTC too: at either end of the calendar an offset may lead out of it."""
    try:
        time.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _kept(time: datetime) -> datetime:
    if not _is_in_utc(time):
        raise PydanticCustomError("timezone_aware", "no time in UTC")
    return time


Time = Annotated[AwareDatetime, AfterValidator(_kept)]
"""A time in a body: it says its offset."""


def aware(time: datetime | None, name: str, *, within: str = "/query") -> datetime | None:
    """The time, if it says its offset. Raises InvalidRequest where it does not."""
    if time is not None and (time.tzinfo is None or not _is_in_utc(time)):
        errors = [FieldError(f"{within}/{name}", "format", "date-time with offset")]
        raise InvalidRequest("expected a time with offset, got one without", errors=errors)
    return time
