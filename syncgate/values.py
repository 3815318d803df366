"""What config.yaml and adapter.yaml share: names, titles, modes, and quantities as a person writes them.

Durations (`30s`), rates (`100/s`) and sizes (`1MiB`) carry their unit.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST: Final = 36500 * 86400.0
"""A century: what is much longer leads out of the calendar as soon as it is added to a time."""
_BYTES: Final = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_AMOUNT: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(/?[A-Za-z]+)", re.ASCII)


def duration(text: Any) -> timedelta:
    """The duration that a text such as `250ms`, `30s`, `5m`, `2h` or `1d` names."""
    if isinstance(text, timedelta):
        return text
    amount, unit = _amount(text, "a duration with a unit such as 30s or 5m")
    if unit not in _SECONDS:
        raise ValueError(f"expected a duration in one of {', '.join(_SECONDS)}, got the unit {unit!r}")
    seconds = amount * _SECONDS[unit]
    if seconds > _LONGEST:
        raise ValueError("expected a duration of at most 36500d, got a longer one")
    return timedelta(seconds=seconds)


def rate(text: Any) -> float:
    """How many a second a text such as `100/s`, `600/m` or `1000/h` allows."""
    amount, unit = _amount(text, "a rate such as 100/s or 600/m")
    per = unit.removeprefix("/")
    if not unit.startswith("/") or per not in _SECONDS or per == "ms":
        raise ValueError(f"expected a rate per s, m, h or d such as 100/s, got the unit {unit!r}")
    if amount <= 0:
        raise ValueError("expected a rate above 0, got 0; to send nothing, pause the system")
    return amount / _SECONDS[per]


def size(text: Any) -> int:
    """How many bytes a text such as `64KiB` or `1MiB` names."""
    amount, unit = _amount(text, "a size with a unit such as 64KiB or 1MiB")
    if unit not in _BYTES:
        raise ValueError(f"expected a size in one of {', '.join(_BYTES)}, got the unit {unit!r}")
    return int(amount * _BYTES[unit])


def _amount(text: Any, wanted: str) -> tuple[float, str]:
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        got = repr(text) if isinstance(text, str | int | float) and len(str(text)) <= 40 else "something else"
        raise ValueError(f"expected {wanted}, got {got}")
    return float(found[1]), found[2]


def _some(length: timedelta) -> timedelta:
    if length <= timedelta(0):
        raise ValueError("expected a duration above 0, got 0")
    return length


Duration = Annotated[timedelta, BeforeValidator(duration)]
"""A length of time, written with its unit."""
Wait = Annotated[timedelta, BeforeValidator(duration), AfterValidator(_some)]
"""A length of time above 0."""
Rate = Annotated[float, BeforeValidator(rate)]
"""Sends a second, written as `100/s`."""
Size = Annotated[int, BeforeValidator(size)]
"""Bytes, written with their unit."""
Mode = Literal["draft", "shadow", "live", "manual", "retired"]
Name = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name of ours: lower-case letters, digits and underscores."""


class Model(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(Model):
    """What people call it.

    Attributes:
        zh: in Chinese.
        en: in English.
    """

    zh: Annotated[StrictStr, Field(min_length=1, max_length=100)]
    en: Annotated[StrictStr, Field(min_length=1, max_length=100)]
