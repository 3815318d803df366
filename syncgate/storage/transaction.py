"""What a step holds in its hands: `Tx`, joined from the rows of every noun."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from syncgate.ports.store import Keyring, Tx
from syncgate.storage.audit import AuditCheck, verify_audit
from syncgate.storage.rows.alerts import AlertRows
from syncgate.storage.rows.arrivals import ArrivalRows
from syncgate.storage.rows.cases import CaseRows
from syncgate.storage.rows.changes import ChangeRows
from syncgate.storage.rows.deliveries import DeliveryRows
from syncgate.storage.rows.discrepancies import DiscrepancyRows
from syncgate.storage.rows.evidence import EvidenceRows
from syncgate.storage.rows.holds import HoldRows
from syncgate.storage.rows.lanes import LaneRows
from syncgate.storage.rows.likenesses import LikenessRows
from syncgate.storage.rows.materials import MaterialRows
from syncgate.storage.rows.people import PeopleRows
from syncgate.storage.rows.returned import ReturnedRows
from syncgate.storage.rows.runs import RunRows
from syncgate.storage.rows.sides import SideRows
from syncgate.storage.rows.systems import SystemRows
from syncgate.storage.work import Work

T = TypeVar("T")


class SqlTx(
    SystemRows,
    HoldRows,
    CaseRows,
    LaneRows,
    LikenessRows,
    DeliveryRows,
    EvidenceRows,
    ChangeRows,
    ReturnedRows,
    MaterialRows,
    PeopleRows,
    RunRows,
    DiscrepancyRows,
    AlertRows,
    ArrivalRows,
    SideRows,
):
    """A transaction as a step sees it."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def now(self) -> datetime:
        return self._work.now

    def apart(self, act: Callable[[], T]) -> T | Exception:
        return self._work.apart(act)

    def verify_audit(self, keyring: Keyring) -> AuditCheck:
        """What a walk over all chains of the audit finds."""
        return verify_audit(self._work, keyring)


def _is_a_tx(tx: SqlTx) -> Tx:
    """Lets the type checker compare the two, method by method."""
    return tx
