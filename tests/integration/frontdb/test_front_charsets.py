"""What the charset of a front database lacks is found before anything is sent, and nothing is replaced."""

from __future__ import annotations

import asyncio
from pathlib import Path

from syncgate.domain.outcome import Answer, Outcome
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.ports import Request
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from syncgate.transports import kinds
from tests.integration.frontdb.worlds import PASSWORD, World, mariadb_world
from tests.integration.transports.database.fronts import KEYS, FixedClock, NoEntropy, ShortLimits
from tests.support.mariadb import MariaDBServer
from tests.unit.sandbox.test_frontdb import wait_for
from tests.unit.sandbox_city.front_lives import insurance

ROOT = Path(__file__).parents[3]


class OnePassword:
    def get(self, name: str) -> str:
        return PASSWORD


def bundle(charset: str) -> Bundle:
    """The example site's bundle for a front database in another charset."""
    folders = ("adapters/frontdb", "mappings/frontdb", "mappings/tables", "schemas/frontdb")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}
    adapter = "adapters/frontdb/adapter.yaml"
    password = f"  charset: {charset}\n  password: {{secret: front_password}}\n"
    files[adapter] = files[adapter].replace("  charset: gbk\n", password).replace("in: bytes", "in: characters")
    return compile_bundle("frontdb", {path: text.encode() for path, text in files.items()}, mac=lambda _: b"")


def send(world: World, name: str, *, charset: str = "utf8mb3") -> Answer:
    """What comes of an acceptance whose applicant has this name."""
    found = bundle(charset)
    body = insurance().calls[0].body
    stage = next(each for each in body["stages"] if each["kind"] == "accepted")
    outcome = found.specs["accept"].mapping.apply(Inputs(case=body, part=stage, context=Context(version_no=1)))
    assert isinstance(outcome, Mapped)
    request = Request(operation="accept", keys=KEYS, payload={**outcome.payload, "applyer_name": name})

    async def scenario() -> Answer:
        kind = kinds()["database"]
        transport = kind.build(
            found.options, found.adapter.answers, limits=ShortLimits(), secrets=OnePassword(), clock=FixedClock(),
            entropy=NoEntropy(), address=world.address,
        )  # fmt: skip
        try:
            return await transport.send(request)
        finally:
            await transport.aclose()

    return asyncio.run(scenario())


def test_three_bytes_hold_what_gbk_lacks_and_no_more(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    with mariadb_world(tmp_path, mariadb_server, charset="utf8mb3") as world:
        # The consumer knows GBK alone, and would send back what the table holds.
        world.front.switch_on({"mode": "consumer_stopped"})
        wait_for(lambda: world.front.is_stopped)
        refused = send(world, "张𬱖")
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "unencodable")
        assert "U+2CC56" in refused.evidence.note and refused.evidence.sent is None
        assert world.run("SELECT count(*) FROM up_pro_accept") == [(0,)]
        assert send(world, "李䶮").outcome is Outcome.QUEUED_THERE
        assert world.run("SELECT applyer_name FROM up_pro_accept") == [("李䶮",)]


def test_what_was_declared_too_wide_is_refused_by_the_engine(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    with mariadb_world(tmp_path, mariadb_server, charset="utf8mb3") as world:
        refused = send(world, "张𬱖", charset="utf8mb4")
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "unencodable")
        assert world.run("SELECT count(*) FROM up_pro_accept") == [(0,)]


def test_a_real_gbk_table_refuses_what_was_declared_utf8(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    with mariadb_world(tmp_path, mariadb_server, charset="gbk") as world:
        refused = send(world, "李䶮", charset="utf8mb4")
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "unencodable")
        assert world.run("SELECT count(*) FROM up_pro_accept") == [(0,)]
