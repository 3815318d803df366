"""`db restored` wants the store alone: whoever writes to it shares a lock that the command takes for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.storage import SiteKeyring, SqlStore
from tests.support.rows import stored_case

OpenStore = Callable[..., SqlStore]


def alone(url: str, keyring: SiteKeyring) -> SqlStore:
    return SqlStore(url, keyring=keyring, is_exclusive=True)


def written(store: SqlStore) -> Any:
    return store.write([stored_case("food")[1]])


def test_nobody_else_may_write_while_it_works(postgres_url: str, open_store: OpenStore, keyring: SiteKeyring) -> None:
    mine = alone(postgres_url, keyring)
    assert written(mine) == [None]
    with pytest.raises(StoreUnavailable, match="expected nobody else"):
        written(open_store(postgres_url))
    mine.close()
    assert written(open_store(postgres_url)) == [None]


def test_it_is_refused_while_others_write_and_names_them(
    postgres_url: str, open_store: OpenStore, keyring: SiteKeyring
) -> None:
    other = open_store(postgres_url)
    written(other)
    mine = alone(postgres_url, keyring)
    with pytest.raises(StoreUnavailable, match=r"got the sessions \d+"):
        written(mine)
    other.close()
    assert written(mine) == [None]
    mine.close()


def test_those_who_only_write_share_it(postgres_url: str, open_store: OpenStore) -> None:
    assert [written(open_store(postgres_url)) for _ in range(3)] == [[None]] * 3
