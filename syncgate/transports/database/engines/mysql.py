"""MySQL and MariaDB, through PyMySQL."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, Final

import pymysql
from pymysql.constants import CR, ER
from sqlalchemy.engine import URL

from syncgate.transports.database.engines.driver import Reach, Times, shut
from syncgate.transports.database.faults import FaultKind as K
from syncgate.transports.database.faults import Said

STRICT: Final = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"
"""Without it an over-long text is cut and a character that the charset lacks becomes a question mark."""

IDLE: Final = 60
"""Seconds after which MySQL ends a connection that is not used; the pool makes another."""

_ERRNOS: Final[dict[K, tuple[int, ...]]] = {
    K.DUPLICATE: (ER.DUP_ENTRY, ER.DUP_KEY, 1169, 1586, 1761, 1762),
    K.VALUE_TOO_LONG: (ER.DATA_TOO_LONG, 1153),
    K.VALUE_MISSING: (ER.BAD_NULL_ERROR, ER.NO_DEFAULT_FOR_FIELD, 1263),
    K.VALUE_OF_WRONG_TYPE: (
        *(ER.TRUNCATED_WRONG_VALUE_FOR_FIELD, ER.WARN_DATA_TRUNCATED, ER.TRUNCATED_WRONG_VALUE),
        *(1411, 3140),
    ),
    K.VALUE_OUT_OF_RANGE: (ER.WARN_DATA_OUT_OF_RANGE, 1690, 1365),
    K.UNENCODABLE: (1267, 1300, 1977, 3854, 3988),
    K.CHECK_VIOLATED: (ER.CONSTRAINT_FAILED, 3819, 1369, 1644),
    K.REFERENCE_MISSING: (
        *(ER.NO_REFERENCED_ROW, ER.NO_REFERENCED_ROW_2, ER.ROW_IS_REFERENCED, ER.ROW_IS_REFERENCED_2),
        ER.CANNOT_ADD_FOREIGN,
    ),
    K.TABLE_MISSING: (
        *(ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR, ER.BAD_TABLE_ERROR, ER.UNKNOWN_TABLE, ER.NO_DB_ERROR),
        *(ER.WRONG_DB_NAME, ER.WRONG_TABLE_NAME, ER.FILE_NOT_FOUND, 1356, 1932),
    ),
    K.COLUMN_MISSING: (
        *(ER.BAD_FIELD_ERROR, ER.WRONG_COLUMN_NAME, ER.FIELD_SPECIFIED_TWICE, ER.WRONG_VALUE_COUNT_ON_ROW),
    ),
    K.DEFINITION_DIFFERS: (1471, 1288, 3105, 1906),
    K.PERMISSION_DENIED: (
        *(ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR),
        *(ER.SPECIFIC_ACCESS_DENIED_ERROR, 1370, 1419),
    ),
    K.CREDENTIALS_REFUSED: (
        *(ER.ACCESS_DENIED_ERROR, ER.HOST_IS_BLOCKED, ER.HOST_NOT_PRIVILEGED),
        *(1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 4151),
    ),
    K.READ_ONLY: (ER.OPTION_PREVENTS_STATEMENT, ER.OPEN_AS_READONLY, 1792, 1836, 3100, 3101),
    K.BUSY: (
        *(ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.LOCK_TABLE_FULL, ER.QUERY_INTERRUPTED),
        *(1020, 1047, 1180, 1969, 3024, 3058, 3572),
    ),
    K.FULL: (
        *(ER.RECORD_FILE_FULL, ER.DISK_FULL, ER.OUTOFMEMORY, ER.OUT_OF_SORTMEMORY, ER.OUT_OF_RESOURCES),
        *(1030, 1712),
    ),
    K.TOO_MANY_CONNECTIONS: (ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, 1226),
    K.STOPPING: (ER.SERVER_SHUTDOWN, ER.FORCING_CLOSE, ER.NORMAL_SHUTDOWN, 1927, 4031),
    K.LOST: (
        *(CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST, CR.CR_SERVER_GONE_ERROR),
        *(CR.CR_SERVER_LOST, CR.CR_SERVER_LOST_EXTENDED, CR.CR_SERVER_HANDSHAKE_ERR, CR.CR_SSL_CONNECTION_ERROR),
        *(ER.HANDSHAKE_ERROR, 1152, 1158, 1159, 1160, 1161, 1184),
    ),
    # Known, and nothing that a row or a table explains.
    K.FAILED: (
        *(ER.SYNTAX_ERROR, ER.PARSE_ERROR, ER.CANT_DO_THIS_DURING_AN_TRANSACTION, ER.DB_CREATE_EXISTS),
        *(ER.TABLE_EXISTS_ERROR, ER.INVALID_GROUP_FUNC_USE, ER.UNSUPPORTED_EXTENSION, ER.TABLE_MUST_HAVE_COLUMNS),
        *(ER.WARNING_NOT_COMPLETE_ROLLBACK, ER.FEATURE_DISABLED, ER.NOT_SUPPORTED_YET, ER.UNKNOWN_STORAGE_ENGINE),
        *(1171, 1230, 1367, 1441),
    ),
    K.UNREADABLE: (CR.CR_COMMANDS_OUT_OF_SYNC, CR.CR_MALFORMED_PACKET, 1835),
}

KINDS: Final = {errno: kind for kind, errnos in _ERRNOS.items() for errno in errnos}
"""What an errno means, whatever the class of its exception; any other means what its class does."""

_OUR_SIDE: Final = range(2000, 3000)
"""Errnos of the client itself: the server said nothing."""

ROLLED_BACK: Final = frozenset({ER.LOCK_DEADLOCK})
"""The answers to COMMIT after which nothing is committed: a cluster lets the later of two writers go."""

CLASSES: Final[dict[type[BaseException], K]] = {
    pymysql.err.InterfaceError: K.LOST,
    pymysql.err.DataError: K.VALUE_OF_WRONG_TYPE,
    pymysql.err.IntegrityError: K.CHECK_VIOLATED,
    pymysql.err.NotSupportedError: K.FAILED,
    pymysql.err.ProgrammingError: K.FAILED,
    pymysql.err.OperationalError: K.FAILED,
    pymysql.err.InternalError: K.FAILED,
    pymysql.err.DatabaseError: K.FAILED,
    pymysql.err.Error: K.FAILED,
}
"""What an exception means whose errno is in no table."""


class MySQL:
    """A `Driver` for MySQL and MariaDB."""

    def reach(self, url: URL, times: Times) -> Reach:
        """Over TCP or a local socket. Texts travel as utf8mb4, whatever the target's columns hold."""
        arguments = {
            "charset": "utf8mb4",
            "connect_timeout": max(1, round(times.connect)),
            "read_timeout": times.total,
            "write_timeout": times.total,
            "local_infile": False,
        }
        return Reach(url.set(drivername="mysql+pymysql"), arguments)

    def set_up(self, connection: Any, times: Times) -> None:
        """Strict, with time-outs of the engine's own."""
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = %s", (STRICT,))
            cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", (max(1, int(times.engine)),))
            if "MariaDB" in connection.get_server_info():
                cursor.execute("SET SESSION max_statement_time = %s", (times.engine,))
                cursor.execute("SET SESSION idle_transaction_timeout = %s", (math.ceil(times.total),))
            else:
                # It knows no time-out of idle transactions: a connection that was lost on the way would keep its
                # rows locked for the server's eight hours.
                cursor.execute("SET SESSION wait_timeout = %s", (IDLE,))
                with suppress(pymysql.err.OperationalError):
                    cursor.execute("SET SESSION max_execution_time = %s", (int(times.engine * 1000),))

    def begin(self, connection: Any, *, is_write: bool) -> None:
        """Nothing: the session does not commit by itself."""

    def cut(self, connection: Any) -> None:
        """Ends the connection's socket."""
        sock = getattr(connection, "_sock", None)
        if sock is not None:
            shut(sock.fileno())

    def read(self, error: BaseException) -> Said | None:
        """By errno, else by class."""
        if not isinstance(error, pymysql.err.Error):
            return None
        errno = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        message = str(error.args[1]) if len(error.args) > 1 else ""
        if errno == 0:
            kind = K.UNREADABLE if isinstance(error, pymysql.err.InternalError) else _by_class(error)
            return Said(kind)
        kind = KINDS.get(errno) or (K.LOST if errno in _OUR_SIDE else _by_class(error))
        if errno == ER.TRUNCATED_WRONG_VALUE_FOR_FIELD and message.startswith("Incorrect string value"):
            kind = K.UNENCODABLE
        return Said(kind, code=str(errno), message=message, is_rolled_back=errno in ROLLED_BACK)


def _by_class(error: BaseException) -> K:
    return next(CLASSES[kind] for kind in type(error).__mro__ if kind in CLASSES)
