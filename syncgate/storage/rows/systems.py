"""Systems, and the grants that processes take ahead of their sends."""

from __future__ import annotations

from sqlalchemy import delete, select

from syncgate.domain.rows import Grant, SystemRow
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import grants, systems
from syncgate.storage.upsert import insert_or_replace
from syncgate.storage.work import Work

SYSTEM = Shape(systems, SystemRow)
GRANT = Shape(grants, Grant)

_by_name = select(systems).where(systems.c.system == given("system", systems.c.system))
SYSTEM_BY_NAME = Statement(_by_name)
SYSTEM_LOCKED = Statement(_by_name.with_for_update(key_share=True))
SYSTEMS = Statement(select(systems).order_by(systems.c.system))
SAVE_SYSTEM = insert_or_replace(systems, keys=("system",))
_of_system = grants.c.system == given("system", grants.c.system)
GRANTS = Statement(
    select(grants).where(_of_system, grants.c.until > given("now", grants.c.until)).order_by(grants.c.process)
)
SAVE_GRANT = insert_or_replace(grants, keys=("system", "process"))
DELETE_GRANT = Statement(delete(grants).where(_of_system, grants.c.process == given("process", grants.c.process)))


class SystemRows:
    """Systems and grants of one transaction."""

    _work: Work

    def system(self, system: str, *, lock: bool = False) -> SystemRow | None:
        if lock or system in self._work.moved_systems:
            return self._system(SYSTEM_LOCKED if lock else SYSTEM_BY_NAME, system)
        known = self._work.known_systems
        if system not in known:
            known[system] = self._system(SYSTEM_BY_NAME, system)
        return known[system]

    def _system(self, statement: Statement, system: str) -> SystemRow | None:
        record = self._work.one(statement, system=system)
        return None if record is None else SYSTEM.row(record)

    def systems(self) -> list[SystemRow]:
        return SYSTEM.rows(self._work.all(SYSTEMS))

    def save_system(self, row: SystemRow) -> None:
        self._work.moved_systems.add(row.system)
        self._work.run(SAVE_SYSTEM, SYSTEM.params(row))

    def announce(self, system: str) -> None:
        self._work.note_changed(system)

    def grants(self, system: str) -> list[Grant]:
        return GRANT.rows(self._work.all(GRANTS, system=system, now=self._work.now))

    def save_grant(self, grant: Grant) -> None:
        if grant.sends_count > 0:
            self._work.run(SAVE_GRANT, GRANT.params(grant))
        else:
            self._work.run(DELETE_GRANT, {"system": grant.system, "process": grant.process})
