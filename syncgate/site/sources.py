"""Who posts cases, and how its own records are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncgate.config import CsvSettings

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source.

    Attributes:
        name: its name.
        title: by language (`zh`, `en`).
        mapping: its inbound mapping, record to canonical case; None where it posts canonical cases.
        csv: how its CSV files are written; None where it has none.
    """

    name: str
    title: Mapping[str, str]
    mapping: FieldMapping | None = field(repr=False)
    csv: CsvSettings | None
