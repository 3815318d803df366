"""What a number format makes of a number: the plain number, a date, a time, or something that it does not hold.

Source: ECMA-376 part 1 §18.8.30 numFmt, §18.8.31 numFmts.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final


class Shown(Enum):
    """How a cell shows its number."""

    PLAIN = "plain"
    DATE = "date"
    MOMENT = "moment"
    CLOCK = "clock"
    ELSE = "else"
    """With other digits or another meaning than the number has: padding zeros, percent, fractions, powers."""


_EAST_ASIAN_DATES: Final = (*range(27, 32), 36, *range(50, 55), 57, 58)
BUILT_IN: Final = {
    "0": "General", "1": "0", "2": "0.00", "3": "#,##0", "4": "#,##0.00", "9": "0%", "10": "0.00%",
    "11": "0.00E+00", "12": "# ?/?", "13": "# ??/??", "14": "mm-dd-yy", "15": "d-mmm-yy", "16": "d-mmm",
    "17": "mmm-yy", "18": "h:mm AM/PM", "19": "h:mm:ss AM/PM", "20": "h:mm", "21": "h:mm:ss",
    "22": "m/d/yy h:mm", "37": "#,##0", "38": "#,##0", "39": "#,##0.00", "40": "#,##0.00",
    "45": "mm:ss", "46": "[h]:mm:ss", "47": "mmss.0", "48": "##0.0E+0", "49": "@",
    **{str(no): "yyyy-m-d" for no in _EAST_ASIAN_DATES},
    **{str(no): "h:mm:ss" for no in (32, 33, 34, 35, 55, 56)},
}  # fmt: skip
"""The formats that a workbook names by number alone; those of East Asian Excels by what they show."""

_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?:\$[^\]]*|[A-Za-z]+\d*|Color\s*\d+|[<>=][^\]]*)\]')
_PLAIN: Final = re.compile(r"General|@|#?,?#*0(?:\.0+)?|#,##0(?:\.0+)?|#+(?:\.#+)?|0\.#+|#,##0\.#+", re.IGNORECASE)


@lru_cache(maxsize=4096)
def shown_by(code: str) -> Shown:
    """How a format code shows positive numbers."""
    if re.match(r"\[(?:h+|m+|s+)\]", code, re.IGNORECASE):
        return Shown.ELSE
    literal = any(piece[0] in '"\\' and piece.strip('"\\ ') for piece in _QUOTED.findall(code.partition(";")[0]))
    section = _QUOTED.sub("", code).partition(";")[0].strip()
    if _PLAIN.fullmatch(section):
        return Shown.ELSE if literal else Shown.PLAIN
    lowered = re.sub(r"am/pm|a/p|上午/下午", "h", section.lower())
    if not re.fullmatch(r"[ymdhsge年月日时時分秒aeb/.,:;\- 0]*", lowered):
        return Shown.ELSE
    has_day, has_clock = bool(re.search("[yd年日]", lowered)), bool(re.search("[hs时時秒]", lowered))
    if has_day and has_clock:
        return Shown.MOMENT
    if has_day or (lowered.strip() and "m" in lowered and not has_clock):
        return Shown.DATE
    return Shown.CLOCK if has_clock else Shown.ELSE
