"""PostgreSQL, through psycopg."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import psycopg
from sqlalchemy.engine import URL

from syncgate.transports.database.engines.driver import Reach, Times, shut
from syncgate.transports.database.faults import FaultKind as K
from syncgate.transports.database.faults import Said

KINDS: Final[dict[str, K]] = {
    "22001": K.VALUE_TOO_LONG,
    "22003": K.VALUE_OUT_OF_RANGE,
    "22004": K.VALUE_MISSING,
    "22008": K.VALUE_OUT_OF_RANGE,
    "22021": K.UNENCODABLE,
    "22P05": K.UNENCODABLE,
    "23502": K.VALUE_MISSING,
    "23503": K.REFERENCE_MISSING,
    "23001": K.REFERENCE_MISSING,
    "23505": K.DUPLICATE,
    "23P01": K.DUPLICATE,
    "25006": K.READ_ONLY,
    "25P03": K.STOPPING,
    "25P04": K.BUSY,
    "42501": K.PERMISSION_DENIED,
    "42P01": K.TABLE_MISSING,
    "42703": K.COLUMN_MISSING,
    "42804": K.DEFINITION_DIFFERS,
    "42809": K.DEFINITION_DIFFERS,
    "42846": K.DEFINITION_DIFFERS,
    "42883": K.DEFINITION_DIFFERS,
    "428C9": K.DEFINITION_DIFFERS,
    "53300": K.TOO_MANY_CONNECTIONS,
    "57014": K.BUSY,
    "57P05": K.STOPPING,
}
"""What a SQLSTATE means."""

CLASSES: Final[dict[str, K]] = {
    "08": K.LOST,
    "22": K.VALUE_OF_WRONG_TYPE,
    "23": K.CHECK_VIOLATED,
    "28": K.CREDENTIALS_REFUSED,
    "3D": K.TABLE_MISSING,
    "3F": K.TABLE_MISSING,
    "40": K.BUSY,
    "44": K.CHECK_VIOLATED,
    "53": K.FULL,
    "54": K.VALUE_TOO_LONG,
    "55": K.BUSY,
    "57": K.STOPPING,
    "P0": K.CHECK_VIOLATED,
    **dict.fromkeys(("02", "03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21"), K.FAILED),
    **dict.fromkeys(("24", "25", "26", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "42"), K.FAILED),
    **dict.fromkeys(("58", "72", "F0", "HV", "XX"), K.FAILED),
}
"""What the class of a SQLSTATE means, its first two characters."""

_ROLLED_BACK: Final = ("23", "40001", "40P01", "40002", "P0")
"""Answers to COMMIT after which nothing is committed: constraints that are checked late, and deadlocks."""

_AT_THE_DOOR: Final = (
    # What the server says before there is a session comes without its SQLSTATE.
    (re.compile(r"too many|remaining connection slots"), K.TOO_MANY_CONNECTIONS),
    (re.compile(r"starting up|shutting down|not yet accepting|in recovery"), K.STOPPING),
    (re.compile(r"database \"[^\"]*\" does not exist"), K.TABLE_MISSING),
    (
        re.compile(r"authentication failed|pg_hba\.conf|role \"[^\"]*\" |no password supplied|认证失败|口令"),
        K.CREDENTIALS_REFUSED,
    ),
)


class PostgreSQL:
    """A `Driver` for PostgreSQL."""

    def reach(self, url: URL, times: Times) -> Reach:
        """Over TCP or a local socket. Statements are not prepared, so that a pooler may stand between."""
        arguments = {
            "connect_timeout": max(2, math.ceil(times.connect)),
            "client_encoding": "utf8",
            "prepare_threshold": None,
        }
        return Reach(url.set(drivername="postgresql+psycopg"), arguments)

    def set_up(self, connection: Any, times: Times) -> None:
        """Time-outs of the engine's own. It is strict by itself."""
        working = max(1, int(times.engine * 1000))
        # Ours comes first; this is for a connection that was lost on the way and would keep its rows locked.
        idle = int(times.total * 1000) + 1000
        settings = {"statement_timeout": working, "lock_timeout": working, "idle_in_transaction_session_timeout": idle}
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name, milliseconds in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (name, str(milliseconds)))
        connection.autocommit = False

    def begin(self, connection: Any, *, is_write: bool) -> None:
        """Nothing: the driver begins by itself."""

    def cut(self, connection: Any) -> None:
        """Ends the connection's socket."""
        if not connection.closed:
            shut(connection.fileno())

    def read(self, error: BaseException) -> Said | None:
        """By SQLSTATE; without one the server said nothing, or refused the connection."""
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        message = error.diag.message_primary or str(error)
        if not state:
            return Said(_without_state(error, message), message=message)
        kind = KINDS.get(state) or CLASSES.get(state[:2], K.FAILED)
        return Said(kind, code=state, message=message, is_rolled_back=state.startswith(_ROLLED_BACK))


def _without_state(error: psycopg.Error, message: str) -> K:
    if isinstance(error, psycopg.OperationalError):
        return next((kind for pattern, kind in _AT_THE_DOOR if pattern.search(message)), K.LOST)
    if isinstance(error, psycopg.DataError):
        return K.VALUE_OF_WRONG_TYPE
    return K.LOST if isinstance(error, psycopg.InterfaceError) else K.FAILED
