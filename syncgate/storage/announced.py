"""How a system's announced maintenance is stored: as JSON text on its row, nothing where there is none."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from syncgate.domain.rows import Maintenance
from syncgate.storage.types import Convert


class Announced(TypeDecorator[tuple[Maintenance, ...]]):
    """A tuple of maintenance; NULL where there is none."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _text_of

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _of_text


def _text_of(announced: tuple[Maintenance, ...]) -> str | None:
    return orjson.dumps(announced, option=orjson.OPT_SORT_KEYS).decode() if announced else None


def _of_text(text: str) -> tuple[Maintenance, ...]:
    return tuple(_maintenance(one) for one in orjson.loads(text))


def _maintenance(one: dict[str, Any]) -> Maintenance:
    times = {name: datetime.fromisoformat(one[name]) for name in ("starts_at", "until", "created_at")}
    return Maintenance(**(one | times | {"maintenance_id": UUID(one["maintenance_id"])}))
