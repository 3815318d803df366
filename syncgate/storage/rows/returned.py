"""Which rows of lists of returns were imported: a second import of one changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import insert, select

from syncgate.domain.errors import Conflict
from syncgate.storage.statement import Statement, given
from syncgate.storage.tables import returned_rows
from syncgate.storage.work import Work

_columns = returned_rows.c
RETURNED_ROW = Statement(
    select(_columns.row_mac, _columns.delivery_id).where(
        _columns.system == given("system", _columns.system), _columns.row_mac == given("row_mac", _columns.row_mac)
    )
)
INSERT_RETURNED_ROW = Statement(
    insert(returned_rows).values({column.name: given(column.name, column) for column in _columns})
)


class ReturnedRows:
    """Imported rows of one transaction."""

    _work: Work

    def returned_rows(self, system: str, macs: Collection[bytes]) -> dict[bytes, UUID]:
        found = self._work.each(RETURNED_ROW, [{"system": system, "row_mac": mac} for mac in macs]) if macs else []
        return {mac: delivery_id for records in found for mac, delivery_id in records}

    def insert_returned_row(self, system: str, row_mac: bytes, delivery_id: UUID) -> None:
        row = {"system": system, "row_mac": row_mac, "delivery_id": delivery_id, "imported_at": self._work.now}
        self._work.run(INSERT_RETURNED_ROW, row, breaks=Conflict)
