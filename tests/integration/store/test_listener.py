"""What other processes tell is heard, and what could not be heard is asked for."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from sqlalchemy.engine import make_url

from syncgate.storage.engine import CHANNEL, PostgresEngine, engine_for
from syncgate.storage.listener import EVERYTHING, Listener
from syncgate.storage.notice import Notice
from tests.conftest import OpenStore
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.rows import SetClock, a_case, a_lane, new_id

WAIT = 60


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(url: str, *, asked_every: float = 3.0) -> AsyncIterator[tuple[Listener, list[Notice]]]:
    """A listener named `me`, once it hears, and all that it passed on."""
    heard: list[Notice] = []
    listener = Listener(url, name="me", on_notice=heard.append, asked_every=asked_every)
    task = asyncio.create_task(listener.run())
    try:
        await until(lambda: listener.is_listening)
        yield listener, heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def tell(url: str, *notices: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for notice in notices:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, notice))


def end_listeners(url: str) -> int:
    """Ends the sessions that listen. Gives how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(ended.fetchall())


def test_the_first_thing_is_a_look_at_everything_and_then_what_others_tell(postgres_url: str) -> None:
    """What was told before it listened is not lost; its own notices are left out."""
    food, hall = Notice(due=frozenset({"food"})), Notice(changed=frozenset({"hall"}))

    async def history() -> list[Notice]:
        async with listening(postgres_url) as (_, heard):
            tell(postgres_url, food.packed("other"), food.packed("me"), hall.packed("other"))
            await until(lambda: len(heard) == 3)
            return heard

    heard = asyncio.run(history())
    assert heard[0] == EVERYTHING
    assert [(notice.due, notice.changed, notice.by) for notice in heard[1:]] == [
        ({"food"}, frozenset(), "other"),
        (frozenset(), {"hall"}, "other"),
    ]


def test_a_number_that_came_wakes_the_systems_that_waited_and_no_other(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """Every number that a system gives would else make every worker look at every system."""
    store, case_id = open_store(postgres_url, clock=clock), new_id()
    store.write([lambda tx: tx.insert_case(a_case(case_id))])
    store.write([lambda tx: tx.insert_lanes([a_lane(case_id, "province", waits_for="food"), a_lane(case_id, "hall")])])

    async def history() -> Notice:
        async with listening(postgres_url) as (_, heard):
            await asyncio.to_thread(store.write, [lambda tx: tx.wake(case_id, waits_for="food")])
            await until(lambda: len(heard) == 2)
            return heard[1]

    assert asyncio.run(history()).due == {"province"}


def test_nothing_told_while_the_connection_is_asked_is_lost(postgres_url: str) -> None:
    """Race: a notice comes with the answer to the question whether the other end is there."""
    names = [f"s{number}" for number in range(300)]

    async def history() -> set[str]:
        async with listening(postgres_url, asked_every=0.001) as (_, heard):
            told = (Notice(due=frozenset({name})).packed("other") for name in names)
            await asyncio.to_thread(tell, postgres_url, *told)
            await until(lambda: len(heard) >= len(names) + 1)
            assert heard.count(EVERYTHING) == 1
            return {name for notice in heard[1:] for name in notice.due}

    assert asyncio.run(history()) == set(names)


def test_a_listener_whose_session_was_ended_comes_back_and_looks_at_everything(postgres_url: str) -> None:
    """At the loss, so that the short poll begins at once, and again when it hears."""

    async def history() -> int:
        async with listening(postgres_url) as (listener, heard):
            for turn in range(1, 4):
                assert await asyncio.to_thread(end_listeners, postgres_url) == 1
                await until(lambda turn=turn: heard.count(EVERYTHING) == 2 * turn + 1)  # type: ignore[misc]
                await until(lambda: listener.is_listening)
            return len(heard)

    assert asyncio.run(history()) == 7


@pytest.fixture
def proxied(postgres_url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """A proxy before the database, and the address through it."""
    address = make_url(postgres_url)
    folder = address.query.get("host")
    upstream = f"{folder}/.s.PGSQL.5432" if folder else (str(address.host), address.port or 5432)
    with cutting_proxy(upstream) as proxy:
        through = address.set(host="127.0.0.1", port=proxy.port, query={})
        yield proxy, through.render_as_string(hide_password=False)


def test_a_connection_that_is_silently_dead_is_given_up(proxied: tuple[CuttingProxy, str]) -> None:
    """Nobody says goodbye: a firewall that forgot the connection. What is told meanwhile would never be heard."""
    assert asyncio.run(_silenced(*proxied)) == 3


async def _silenced(proxy: CuttingProxy, url: str) -> int:
    async with listening(url, asked_every=0.2) as (listener, heard):
        proxy.strikes(b"SELECT 1", "hang")
        await until(lambda: len(heard) >= 3)  # at the start, at the loss, and after it is back, which may be at once
        assert proxy.struck_count == 1
        assert listener.is_listening
        return heard.count(EVERYTHING)


def test_every_connection_finds_a_server_that_vanished(proxied: tuple[CuttingProxy, str]) -> None:
    """Two hours is what the system would wait, with every case behind it."""
    engine = engine_for(proxied[1])
    assert isinstance(engine, PostgresEngine)
    with engine.connect(is_reader=False) as connection, socket.socket(fileno=os.dup(connection.fileno())) as seen:
        assert seen.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert seen.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
