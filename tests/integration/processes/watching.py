"""A reconciliation run as the store shows it to somebody else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

EVERY = 0.002


@dataclass
class WatchedRun:
    """The runs of one system in a store. url: of the store."""

    url: str
    system: str
    _engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self._engine = create_engine(self.url)

    @property
    def is_shared(self) -> bool:
        """Whether several processes may work on the store, so that nobody knows which of them live."""
        return not self.url.startswith("sqlite")

    def close(self) -> None:
        """Lets go of the store."""
        self._engine.dispose()

    def state(self) -> dict[str, Any]:
        """What the newest run says of itself; empty where there is none, or nobody can tell just now."""
        found = self._asked("SELECT detail FROM runs WHERE job = :job ORDER BY claimed_at DESC LIMIT 1")
        if not found:
            return {}
        detail = found[0][0]
        state: dict[str, Any] = json.loads(detail) if isinstance(detail, str) else detail
        return state

    def repaired_count(self) -> int:
        """How many discrepancies have their repair, or were ended."""
        said = "SELECT count(*) FROM discrepancies WHERE delivery_id IS NOT NULL OR closed_at IS NOT NULL"
        found = self._asked(said)
        return int(found[0][0]) if found else 0

    def runs_count(self) -> int:
        """How many runs there are of the system."""
        found = self._asked("SELECT count(*) FROM runs WHERE job = :job")
        return int(found[0][0]) if found else 0

    def let_lapse(self) -> None:
        """Ends the lease of whoever was killed, as a minute does: nobody waits for it here."""
        said = "UPDATE runs SET lease_until = claimed_at WHERE job = :job AND ended_at IS NULL"
        with self._engine.begin() as connection:
            connection.execute(text(said), {"job": f"reconcile:{self.system}"})

    def comes_true(self, claim: Callable[[], bool], *, within: float) -> bool:
        """Whether a claim comes true before the run has ended."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and self.state().get("stage") != "ended":
            if claim():
                return True
            time.sleep(EVERY)
        return False

    def _asked(self, sql: str) -> list[Any]:
        values = {"job": f"reconcile:{self.system}"} if ":job" in sql else {}
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(text(sql), values))
        except OperationalError:
            return []
