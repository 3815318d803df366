"""Names that insurance cannot write: what is left behind for them says which column and which character (story 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from syncgate.sandbox.city import Life
from syncgate.sandbox.city.identities import is_in_gbk
from syncgate.sandbox.play.site import DemoError

SYSTEM, REASON, COLUMN = "insurance", "unencodable", "aac003"


def named(lives: Iterable[Life], left: Iterable[Mapping[str, Any]], case_no_by_id: Mapping[str, str]) -> list[str]:
    """The characters that were named, one per case. Raises DemoError where another one is, or none."""
    name_by_case_no = {life.case_no: life.calls[0].body.get("applicant", {}).get("name", "") for life in lives}
    found = []
    for delivery in left:
        if (delivery["system"], delivery["reason"]) != (SYSTEM, REASON):
            continue
        case_no = case_no_by_id[delivery["case_id"]]
        point = f"U+{ord(lacked(name_by_case_no[case_no])):04X}"
        # In the site's language.
        if not re.fullmatch(rf"{COLUMN}[:：].*{re.escape(point)}", delivery["detail"]):
            raise DemoError(f"expected {case_no} to name {COLUMN} and {point}, got {delivery['detail']}")
        found.append(point)
    return sorted(found)


def lacked(name: str) -> str:
    """The first character of a name that GBK lacks. Raises DemoError where it has them all."""
    for character in name:
        if not is_in_gbk(character):
            return character
    raise DemoError("expected a name that GBK lacks a character of, got one that it can write")


def tell(points: Iterable[str], say: Callable[[str], None] = print) -> None:
    """What a reader of the demo is told."""
    say(f"names that insurance cannot write, each parked with column and character: {', '.join(points)}")
