"""How province and food write times, regions and absent things."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

_EAST_8 = timezone(timedelta(hours=8))


def local_time(instant: str) -> str:
    """`yyyy-MM-dd HH:mm:ss` as a clock in Shanghai or Taipei shows it."""
    return _at_home(instant).strftime("%Y-%m-%d %H:%M:%S")


def local_date_and_time(instant: str) -> tuple[str, str]:
    """`yyyyMMdd` and `HHmmss`."""
    at = _at_home(instant)
    return at.strftime("%Y%m%d"), at.strftime("%H%M%S")


def region_12(code: str) -> str:
    """The division code with all its zeros."""
    return (code + "000000")[:12]


def without_none(record: dict[str, Any]) -> dict[str, Any]:
    """The record without the fields that are left out."""
    return {key: value for key, value in record.items() if value is not None}


def _at_home(instant: str) -> datetime:
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(_EAST_8)
