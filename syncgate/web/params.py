"""Parameters that several lists take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from syncgate.domain.errors import FieldError
from syncgate.web.problems import InvalidRequest

Names = Annotated[list[str] | None, Query(description="May come several times.")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries of a page.")]


def aware(time: datetime | None, name: str, *, within: str = "/query") -> datetime | None:
    """The time, if it says its offset. Raises InvalidRequest where it does not."""
    if time is not None and time.tzinfo is None:
        errors = [FieldError(f"{within}/{name}", "format", "date-time with offset")]
        raise InvalidRequest("expected a time with offset, got one without", errors=errors)
    return time
