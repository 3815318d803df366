"""Parameters that several lists take."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

Names = Annotated[list[str] | None, Query(description="May come several times.")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries of a page.")]

_BEGINNING: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:")


_MOMENT: Final = TypeAdapter(AwareDatetime)


def _moment(written: Any) -> datetime:
    """The time that a text says.

    A bare number would count as seconds since 1970: `20260401` as a day in August of that year. And at either end of
    the calendar an offset may lead out of it.
    """
    if isinstance(written, str) and _BEGINNING.match(written):
        try:
            time = _MOMENT.validate_python(written)
            time.astimezone(UTC)
        except (ValidationError, OverflowError):
            pass
        else:
            return time
    raise PydanticCustomError("timezone_aware", "no time with offset")


Time = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time that says its offset."""
