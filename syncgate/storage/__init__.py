"""The store on SQLite or PostgreSQL: tables, migrations, group commit, sealing, audit."""

from syncgate.storage.audit import AuditCheck
from syncgate.storage.lock import store_lock
from syncgate.storage.migrations import migrate
from syncgate.storage.sealing import SealBroken, SiteKeyring, create_master, load_master
from syncgate.storage.store import SqlStore
from syncgate.storage.work import Unstorable
from syncgate.storage.writer import GroupWriter

__all__ = [
    "AuditCheck",
    "GroupWriter",
    "SealBroken",
    "SiteKeyring",
    "SqlStore",
    "Unstorable",
    "create_master",
    "load_master",
    "migrate",
    "store_lock",
]
