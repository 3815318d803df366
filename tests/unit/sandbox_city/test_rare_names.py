"""Story 2 is told only where the gate names the column and the very character that GBK lacks."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.play import rare
from syncgate.sandbox.play.site import DemoError

LIFE = golden_life(golden_documents()["insurance_rare"])


def parked(detail: str, *, system: str = "insurance") -> dict[str, Any]:
    return {"system": system, "reason": "unencodable", "case_id": "c1", "detail": detail}


@pytest.mark.parametrize("detail", ["aac003: expected characters of gbk, got U+4DAE", "aac003：gbk 没有字符 U+4DAE"])
def test_the_character_is_named_in_either_language(detail: str) -> None:
    left = [parked(detail), parked("applyer_name: …", system="frontdb")]
    assert rare.named([LIFE], left, {"c1": LIFE.case_no}) == ["U+4DAE"]


@pytest.mark.parametrize(
    "detail", ["aae011: expected characters of gbk, got U+4DAE", "aac003: expected characters of gbk, got U+2CC56", ""]
)
def test_another_column_or_character_is_told(detail: str) -> None:
    with pytest.raises(DemoError, match="to name aac003 and U\\+4DAE"):
        rare.named([LIFE], [parked(detail)], {"c1": LIFE.case_no})
