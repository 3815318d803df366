"""A writer whose first step of one kind is overtaken by another process, between its look-up and its write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from syncgate.ports import Step, Tx
from syncgate.storage import SqlStore
from syncgate.storage.writer import GroupWriter

IsReached = Callable[[str, dict[str, Any]], bool]


class Overtaken(GroupWriter):
    """Lets the other one commit just before the first call of a transaction that `is_reached` names."""

    def __init__(self, store: SqlStore, overtake: Callable[[], object], *, is_reached: IsReached) -> None:
        super().__init__(store)
        self._overtakes, self._is_reached = [overtake], is_reached

    async def write(self, step: Step[Any]) -> Any:
        return await super().write(lambda tx: step(cast(Tx, _Overtaken(tx, self._overtakes, self._is_reached))))


class _Overtaken:
    def __init__(self, tx: Tx, overtakes: list[Callable[[], object]], is_reached: IsReached) -> None:
        self._tx, self._overtakes, self._is_reached = tx, overtakes, is_reached

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if not callable(found):
            return found

        def called(*args: Any, **named: Any) -> Any:
            if self._overtakes and self._is_reached(name, named):
                self._overtakes.pop()()
            return found(*args, **named)

        return called


def before_insert(name: str, _: dict[str, Any]) -> bool:
    """After the look-up, before a new case is inserted."""
    return name == "insert_case"


def before_lock(name: str, named: dict[str, Any]) -> bool:
    """After the look-up, before the case is locked."""
    return name == "case" and bool(named.get("lock"))
