"""Migrations make exactly the tables that the statements are written for, from inside the package."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import SiteInvalid
from syncgate.domain.rows import AttemptKind
from syncgate.storage import SqlStore, migrate
from syncgate.storage.migrations import MONTHS_AHEAD
from syncgate.storage.tables import metadata
from tests.conftest import OpenStore
from tests.support.postgres import PostgresServer
from tests.support.rows import START, a_delivery, an_attempt, stored_case

MIGRATIONS = Path(__file__).parents[3] / "syncgate" / "storage" / "migrations"

POSTGRES_SCHEMA = (
    "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default"
    " FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'attempts_%'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'attempts_%'",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'attempts_%'",
    "SELECT partrelid::regclass::text, pg_get_partkeydef(partrelid) FROM pg_partitioned_table",
)


def sqlite_schema(path: Path) -> set[tuple[str, str]]:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {(row.name, in_one_order(row.sql)) for row in rows if row.name != "alembic_version"}


def in_one_order(statement: str) -> str:
    """The statement with its parts sorted: constraints may be written in any order."""
    added_on_lines = re.sub(r", (\w+ (?:INTEGER|TEXT|BLOB))(?=[,)\n])", r"\n\1", re.sub(r"[ \t]+", " ", statement))
    lines = added_on_lines.replace(", \n", "\n").replace(",\n", "\n").splitlines()
    return "\n".join(sorted(line.strip() for line in lines if line.strip()))


def postgres_schema(url: str) -> list[set[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        found = [set(connection.execute(query.encode()).fetchall()) for query in POSTGRES_SCHEMA]
    return [{row for row in rows if "alembic_version" not in str(row[0])} for rows in found]


def test_the_migrated_sqlite_schema_is_that_of_the_tables(sqlite_url: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'tables.sqlite'}", poolclass=NullPool)
    metadata.create_all(engine)
    migrated = sqlite_schema(Path(make_url(sqlite_url).database or ""))
    assert {name for name, _ in migrated if name.startswith("alembic")} == set()
    assert migrated - sqlite_schema(tmp_path / "tables.sqlite") == set()
    assert sqlite_schema(tmp_path / "tables.sqlite") - migrated == set()


def test_the_migrated_postgres_schema_is_that_of_the_tables(postgres: PostgresServer, postgres_url: str) -> None:
    with postgres.fresh_database(is_migrated=False) as url:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
        metadata.create_all(engine)
        for migrated, expected in zip(postgres_schema(postgres_url), postgres_schema(url), strict=True):
            unnamed = [{row for row in rows if "alembic_version" not in str(row)} for rows in (migrated, expected)]
            assert unnamed[0] ^ unnamed[1] == set()


def test_migrating_again_changes_nothing(store_url: str, open_store: OpenStore) -> None:
    store = open_store(store_url)
    case_id, step = stored_case("food")
    store.write([step])
    migrate(store_url)
    assert store.read(lambda tx: tx.case(case_id)) is not None


def test_a_database_of_a_newer_version_is_refused(store_url: str) -> None:
    address = make_url(store_url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    with create_engine(address, poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SiteInvalid, match="newer"):
        migrate(store_url)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_another_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(SiteInvalid, match="expected"):
        migrate(url)


def test_the_versions_are_one_line_without_branches() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    migrate(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600


def test_attempts_go_to_the_partition_of_their_deliverys_month(postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        made = connection.execute("SELECT create_attempts_partitions(%s, 2)", (date(2031, 11, 30),)).fetchone()
        again = connection.execute("SELECT create_attempts_partitions(%s, 2)", (date(2031, 11, 2),)).fetchone()
    assert (made, again) == ((2,), (0,))
    case_id, step = stored_case("food")
    edges = [
        datetime(2031, 11, 1, tzinfo=UTC),
        datetime(2031, 11, 30, 23, 59, 59, 999000, tzinfo=UTC),
        datetime(2031, 12, 1, tzinfo=UTC),
        datetime(2032, 1, 1, tzinfo=UTC),
    ]
    deliveries = [a_delivery(case_id, phase=Phase.DELIVERED, delivery_id=uuid7_at(at)) for at in edges]
    attempts = [an_attempt(delivery.delivery_id) for delivery in deliveries]
    assert store.write(
        [step, lambda tx: tx.insert_deliveries(deliveries), lambda tx: tx.insert_attempts(attempts)]
    ) == [None, None, None]
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT tableoid::regclass::text, count(*) FROM attempts GROUP BY 1 ORDER BY 1")
        assert rows.fetchall() == [("attempts_2031_11", 2), ("attempts_2031_12", 1), ("attempts_default", 1)]


def test_a_month_whose_rows_came_unprepared_stays_in_the_default_partition(
    postgres_url: str, open_store: OpenStore
) -> None:
    store: SqlStore = open_store(postgres_url)
    case_id, step = stored_case("food")
    delivery = a_delivery(case_id, delivery_id=uuid7_at(datetime(2031, 5, 20, tzinfo=UTC)))
    store.write([step, lambda tx: tx.insert_deliveries([delivery])])
    store.write([lambda tx: tx.insert_attempts([an_attempt(delivery.delivery_id)])])
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        made = connection.execute("SELECT create_attempts_partitions(%s, 2)", (date(2031, 5, 1),)).fetchone()
    assert made == (1,)
    assert len(store.read(lambda tx: tx.attempts(delivery.delivery_id))) == 1


def test_migrating_prepares_the_coming_months(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'attempts'::regclass").fetchone()
    assert rows == (MONTHS_AHEAD + 1,)


def uuid7_at(at: datetime) -> UUID:
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 1)


def test_a_history_written_before_sources_had_words_is_kept(store_url: str, open_store: OpenStore) -> None:
    """Version 2 makes the table of attempts anew on SQLite, and changes its rule on PostgreSQL."""
    store = open_store(store_url)
    case_id, step = stored_case("food")
    delivery = a_delivery(case_id, phase=Phase.DELIVERED)
    entries = [an_attempt(delivery.delivery_id, entry_no=no, detail={"status": 200}) for no in (1, 2)]
    store.write([step, lambda tx: tx.insert_deliveries([delivery]), lambda tx: tx.insert_attempts(entries)])
    store.close()
    _go_back_to_version_1(store_url)
    migrate(store_url)
    again = open_store(store_url)
    assert again.read(lambda tx: tx.attempts(delivery.delivery_id)) == entries
    spoken = an_attempt(delivery.delivery_id, entry_no=3, kind=AttemptKind.SOURCE)
    assert again.write([lambda tx: tx.insert_attempts([spoken])]) == [None]


def _go_back_to_version_1(url: str) -> None:
    """As the database was: none of the later tables and columns, and the version's number; an older rule refuses what
    nobody wrote."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    with create_engine(address, poolclass=NullPool).begin() as connection:
        for table in (
            "words",
            "materials",
            "file_chunks",
            "files",
            "alerts",
            "returned_rows",
            "changes",
            "feeds",
            "posts",
            "arrivals",
            "likenesses",
            "told_apart",
        ):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("DROP INDEX ix_cases_merged_into"))
        connection.execute(text("DROP INDEX ix_deliveries_part_ref"))
        connection.execute(text("ALTER TABLE cases DROP COLUMN merged_into"))
        _drop_polls(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def _drop_polls(connection: Connection) -> None:
    for index, column in (("ix_lanes_polled", "poll_at"), ("ix_lanes_ranked", "rank_at")):
        connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text(f"ALTER TABLE lanes DROP COLUMN {column}"))
    for table, column in (("systems", "maintenance"), ("systems", "restored_at"), ("deliveries", "restored_at")):
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    later = ("held_key", "held_mac", "observed", "observed_at", "sent_refs")
    for name in ("queued_at", "poll_at", "polled_at", "watched_until", "given_back_no", *later):
        connection.execute(text(f"ALTER TABLE deliveries DROP COLUMN {name}"))


def test_what_lay_in_a_systems_queue_before_polls_is_known_since_when(store_url: str, open_store: OpenStore) -> None:
    """Version 5 makes what was awaiting known by the time of its sending."""
    store = open_store(store_url)
    case_id, step = stored_case("food")
    delivery = a_delivery(case_id, phase=Phase.AWAITING, sent_at=START, due_at=START)
    store.write([step, lambda tx: tx.insert_deliveries([delivery])])
    store.close()
    _go_back_to_version_1(store_url)
    migrate(store_url)
    again = open_store(store_url)
    found = again.read(lambda tx: tx.delivery(delivery.delivery_id))
    assert found == replace(delivery, queued_at=START)
