"""Characters that a target's charset lacks are found before sending, and never replaced or cut by the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from syncgate.domain.outcome import Found, Outcome
from syncgate.transports.database.charsets import Charset, byte_count, first_beyond
from tests.integration.transports.database.fronts import REQUEST, Front, mariadb_front, with_payload
from tests.support.mariadb import MariaDBServer

COLUMN = {"gbk": "gbk", "utf8mb3": "utf8mb3", "utf8mb4": "utf8mb4", "big5": "big5", "latin1": "latin1"}
"""Charsets of MariaDB by ours; it has no gb18030."""


@pytest.fixture
def gbk(mariadb_server: MariaDBServer) -> Iterator[Front]:
    with mariadb_front(mariadb_server, "gbk") as front:
        yield front


@pytest.fixture
def utf8mb3(mariadb_server: MariaDBServer) -> Iterator[Front]:
    with mariadb_front(mariadb_server, "utf8mb3") as front:
        yield front


def test_a_name_that_gbk_lacks_is_refused_before_sending_by_its_code_point(gbk: Front) -> None:
    answer = gbk.send(with_payload(REQUEST, applyer_name="李䶮"), charset="gbk")
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.REFUSED, "unencodable", "source")
    assert answer.evidence.note == "/applyer_name: expected characters of gbk, got U+4DAE"
    assert answer.evidence.sent is None
    assert gbk.count() == 0


def test_a_name_that_gbk_holds_is_held_by_a_table_in_gbk(gbk: Front) -> None:
    assert gbk.send(with_payload(REQUEST, applyer_name="刘龑·张示例"), charset="gbk").outcome is Outcome.QUEUED_THERE
    assert gbk.run("SELECT applyer_name FROM up_pro_accept") == [("刘龑·张示例",)]
    reading = gbk.look_up(charset="gbk")
    assert (reading.found, reading.record["applyer_name"]) == (Found.RECORD, "刘龑·张示例")


def test_a_character_of_four_bytes_is_refused_before_a_three_byte_table_sees_it(utf8mb3: Front) -> None:
    answer = utf8mb3.send(with_payload(REQUEST, applyer_name="𬱖"), charset="utf8mb3")
    assert (answer.reason, answer.evidence.sent) == ("unencodable", None)


@pytest.mark.parametrize(("charset", "text"), [("gbk", "李䶮"), ("utf8mb3", "𬱖"), ("latin1", "张")])
def test_a_table_that_holds_less_than_declared_refuses_and_replaces_nothing(
    mariadb_server: MariaDBServer, charset: str, text: str
) -> None:
    """The adapter says utf8mb4, the table is narrower: without a strict session it would hold question marks."""
    with mariadb_front(mariadb_server, charset) as front:
        answer = front.send(with_payload(REQUEST, applyer_name=text, materials=[]))
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "unencodable")
        assert text not in answer.evidence.note
        assert front.count() == 0


def test_a_server_that_is_not_strict_by_itself_is_strict_with_us(mariadb_server: MariaDBServer) -> None:
    before = mariadb_server.run("SELECT @@GLOBAL.sql_mode")[0][0]
    mariadb_server.run("SET GLOBAL sql_mode = ''")
    try:
        with mariadb_front(mariadb_server) as front:
            front.run("ALTER TABLE up_pro_accept MODIFY applyer_name varchar(2) NOT NULL")
            answer = front.send()
            assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "value_too_long")
            assert front.count() == 0
    finally:
        mariadb_server.run(f"SET GLOBAL sql_mode = '{before}'")


@pytest.mark.parametrize("charset", COLUMN)
def test_every_character_that_we_believe_a_charset_holds_comes_back_from_it(
    mariadb_server: MariaDBServer, charset: Charset
) -> None:
    chars = [char for char in map(chr, range(0x20, 0x20000)) if _is_kept(char, charset)]
    assert len(chars) > 100
    with mariadb_server.fresh_database() as name, mariadb_server.connect(name) as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
        cursor.execute(f"CREATE TABLE held (n int PRIMARY KEY, c varchar(2) CHARACTER SET {COLUMN[charset]})")
        refused = _refused(cursor, chars)
        cursor.execute("SELECT n, c FROM held")
        changed = [chr(n) for n, c in cursor.fetchall() if c != chr(n)]
    assert (refused, changed) == ([], [])


def _is_kept(char: str, charset: Charset) -> bool:
    return not 0xD800 <= ord(char) < 0xE000 and first_beyond(char, charset) is None


def _refused(cursor: pymysql.cursors.Cursor, chars: list[str]) -> list[str]:
    """Inserted together, and one by one where that fails."""
    found = []
    for at in range(0, len(chars), 4000):
        rows = [(ord(char), char) for char in chars[at : at + 4000]]
        try:
            cursor.executemany("INSERT INTO held VALUES (%s, %s)", rows)
        except pymysql.err.Error:
            for row in rows:
                try:
                    cursor.execute("REPLACE INTO held VALUES (%s, %s)", row)
                except pymysql.err.Error:
                    found.append(row[1])
    return found


@pytest.mark.parametrize(
    ("text", "charset", "count"),
    [("张示例", "gbk", 6), ("张示例", "utf8mb4", 9), ("a张", "utf8mb3", 4), ("𬱖", "utf8mb4", 4)],
)
def test_bytes_are_counted_in_the_targets_charset(text: str, charset: Charset, count: int) -> None:
    assert byte_count(text, charset) == count


def test_a_length_in_bytes_is_checked_in_the_targets_charset(gbk: Front) -> None:
    """34 characters are 68 bytes in GBK and 102 in UTF-8."""
    request = with_payload(REQUEST, applyer_name="张" * 34, materials=[])
    assert gbk.send(request, charset="gbk", lengths_in="bytes").outcome is Outcome.QUEUED_THERE
    answer = gbk.send(request, charset="utf8mb4", lengths_in="bytes")
    assert answer.evidence.note == "/applyer_name: expected at most 100 bytes, got 102"
