"""Opening a site's store and keys, in one process at a time where the store is SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from syncgate.bootstrap.machine import process_name
from syncgate.bootstrap.place import SitePlace
from syncgate.config import Config, SiteSecrets
from syncgate.domain.errors import SiteInvalid, StoreUnavailable
from syncgate.ports import CaseFilter, Tx
from syncgate.storage.file import require_whole
from syncgate.storage.lock import store_lock
from syncgate.storage.migrations import migrate
from syncgate.storage.sealing import SealBroken, SiteKeyring, create_master, load_master
from syncgate.storage.store import SqlStore

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A site's store and keys.

    is_alone: no other process can have it open, because it is SQLite. chain: this process's name as a writer.
    folder: what lies beside the store.
    """

    store: SqlStore
    keyring: SiteKeyring
    config: Config
    url: str = field(repr=False)
    is_alone: bool
    chain: str
    folder: Path


@contextmanager
def open_store(
    place: SitePlace, config: Config, *, writer: str = "serve", is_exclusive: bool = False
) -> Iterator[OpenStore]:
    """Opens the site's store, migrated to this version.

    Args:
        place: where the site is.
        config: its configuration.
        writer: name of this process's chain in the audit; on PostgreSQL the process is named too.
        is_exclusive: whether it writes only while no other process can.

    Raises:
        StoreUnavailable: another process holds the SQLite file, or the store where it is wanted alone.
        SiteInvalid: the master key is missing or unusable.
    """
    url, file = store_url(place.root, config)
    is_new = file is not None and not file.exists()
    with ExitStack() as stack:
        with _said_where_files_fail(data_folder(place.root, config)):
            keyring = SiteKeyring(_master_key(place.root, config, may_create=is_new))
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(store_lock(file))
                if not is_new:
                    require_whole(file)
        chain = writer if file is not None else f"{writer}:{process_name()}"
        store = SqlStore(url, keyring=keyring, writer=chain, is_exclusive=is_exclusive)
        stack.callback(store.close)
        with _said_in_one_sentence(file, is_new=is_new):
            migrate(url)
            store.read(lambda tx: _check_key(tx, keyring))
        folder = data_folder(place.root, config)
        yield OpenStore(store, keyring, config, url, is_alone=file is not None, chain=chain, folder=folder)


@contextmanager
def _said_where_files_fail(folder: Path) -> Iterator[None]:
    """A disk that is full, or a folder that is not ours, as what an operator can act on. Raises StoreUnavailable."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StoreUnavailable(
            "expected room and leave to write in {folder}, got: {why}", folder=folder, why=why
        ) from None


@contextmanager
def _said_in_one_sentence(file: Path | None, *, is_new: bool) -> Iterator[None]:
    """A store that is no store of ours, as what an operator can act on. Raises StoreUnavailable.

    is_new: the file was made just now: where that failed, as for want of room, nothing is left of it.
    """
    try:
        yield
    except (sqlite3.Error, DBAPIError, OSError) as error:
        if file is not None and is_new:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{file}{suffix}").unlink(missing_ok=True)
        cause = getattr(error, "orig", error) or error
        raise StoreUnavailable(
            "expected a store of this version in {place}, got {error}; see how to back up and restore",
            place=file or "the database",
            error=getattr(cause, "sqlite_errorname", None) or type(cause).__name__,
        ) from None


def _check_key(tx: Tx, keyring: SiteKeyring) -> None:
    """Refuses a key that did not seal what the store holds: new cases would be sealed apart. Raises SiteInvalid."""
    wrong = SiteInvalid("expected the master key that sealed this store, got another")
    newest = tx.list_cases(CaseFilter(), after=None, limit=1)
    if not newest or not newest[0].wrapped_key:
        if not tx.verify_audit(keyring).is_whole:
            raise wrong
        return
    try:
        keyring.seal(newest[0].wrapped_key, b"", bound_to="check")
    except SealBroken:
        raise wrong from None


def store_url(root: Path, config: Config) -> tuple[str, Path | None]:
    """The store's absolute URL, and its file where it is SQLite. Raises SiteInvalid on a missing password."""
    url = config.store.url
    if url.startswith(SQLITE):
        file = root / url.removeprefix(SQLITE)
        return f"{SQLITE}{file.resolve()}", file
    if config.store.password is None:
        return url, None
    name = config.store.password
    secret = SiteSecrets.load(config.secret_refs, root=root, needed=[name]).get(name)
    return make_url(url).set(password=secret).render_as_string(hide_password=False), None


def data_folder(root: Path, config: Config) -> Path:
    """Where a site keeps what is not in its store: beside the SQLite file, else in its `data` folder."""
    url = config.store.url
    return (root / url.removeprefix(SQLITE)).parent if url.startswith(SQLITE) else root / "data"


def _master_key(root: Path, config: Config, *, may_create: bool) -> bytes:
    """The site's master key; a new site without a store yet gets a new one. Raises SiteInvalid."""
    ref = config.master_key
    if ref.env is not None:
        return load_master(env=ref.env)
    file = root / str(ref.file)
    if may_create and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        return create_master(file)
    return load_master(file=file)
