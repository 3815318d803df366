"""The gate and a front database with its consumer, end to end, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.integration.frontdb.worlds import Play
from tests.unit.sandbox_city.front_lives import insurance, road_works

_numbers = itertools.count(1)


def a_number(play: Play) -> str:
    return f"9901-{play.world.engine[:2]}-{next(_numbers)}"


def an_insurance(play: Play, **fields: Any) -> dict[str, Any]:
    """A case of item C: an acceptance, a material, a result."""
    body = insurance(a_number(play)).calls[0].body
    return {**body, **fields}


def test_every_row_of_a_case_is_taken_in_its_order(play: Play) -> None:
    life = road_works(a_number(play))
    body = dict(life.calls[0].body)
    body["stages"] = body["stages"] + life.calls[1].body["stages"]
    number = play.post(body)
    play.wait_done(number)
    counts = {table: len(play.world.rows(number, table)) for table in ("up_pro_accept", "up_pro_process")}
    assert counts == {"up_pro_accept": 1, "up_pro_process": 3}
    for table in ("up_pro_accept", "up_pro_process", "up_pro_special_procedure", "up_pro_material", "up_pro_result"):
        assert set(play.world.rows(number, table)) == {("I", 1)}, table
    assert play.world.inserted(number) == 7
    sequence = [e.tab for e in play.world.front.effects() if e.verb == "insert" and e.row["project_no"] == number]
    assert (sequence[0], sequence[-1]) == ("up_pro_accept", "up_pro_result") or "up_pro_material" in sequence[-1:]
    assert sequence.index("up_pro_accept") == 0
    assert max(at for at, tab in enumerate(sequence) if tab == "up_pro_process") < sequence.index("up_pro_result")


def test_a_change_is_a_row_more_under_the_same_guid(play: Play) -> None:
    number = play.post(an_insurance(play))
    play.wait_done(number)
    play.patch(number, {"contact": {"mobile": "15400000008"}})
    play.wait(lambda: len(play.world.rows(number)) == 2)
    play.wait_done(number)
    assert play.world.rows(number) == [("I", 1), ("U", 1)]
    assert len(set(play.world.run(f"SELECT row_guid FROM up_pro_accept WHERE project_no = '{number}'"))) == 1


RARE = {"type": "natural_person", "name": "李䶮", "id_type": "111", "id_no": "990102198506200135"}
LANDLINE = {"name": "赵示例", "mobile": "010-00000005转8"}


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [({"applicant": RARE}, "unencodable", "applyer_name"), ({"contact": LANDLINE}, "too_long", "contact_mobile")],
)
def test_what_cannot_be_written_parks_by_field_and_rule_and_delays_no_other(
    play: Play, fields: dict[str, Any], reason: str, field: str
) -> None:
    """Story 2: 李䶮 waits for a person, with the field and the character named."""
    stuck = play.post(an_insurance(play, **fields))
    others = [play.post(an_insurance(play)) for _ in range(5)]
    for other in others:
        play.wait_done(other)
    assert play.parked(stuck) == [("accept", reason)]
    shown = str(play.deliveries(stuck))
    assert field in shown and ("U+4DAE" in shown or reason == "too_long")
    assert "李䶮" not in shown and "转8" not in shown
    assert play.world.inserted(stuck) == 0
    assert play.phases(stuck) == {"accept": ["parked"], "material": ["pending"], "result": ["pending"]}


def test_a_lock_delays_and_loses_nothing(play: Play) -> None:
    play.world.front.switch_on({"mode": "locked", "delay": 1.5, "count": 2})
    numbers = [play.post(an_insurance(play)) for _ in range(4)]
    for number in numbers:
        play.wait_done(number)
    play.world.front.switch_off("locked")
    assert [play.world.inserted(number) for number in numbers] == [3] * 4


def test_a_full_table_is_waited_for(play: Play) -> None:
    before = play.world.front.counts()["faults"].get("full", 0)
    play.world.front.switch_on({"mode": "full"})
    play.wait(lambda: play.world.run("SELECT tab FROM sandbox_full"))
    number = play.post(an_insurance(play))
    play.wait(lambda: play.world.front.counts()["faults"].get("full", 0) > before)
    assert play.phases(number)["accept"][0] in ("pending", "in_flight")
    play.world.front.switch_off("full")
    play.wait_done(number)
    assert play.world.inserted(number) == 3


def test_a_connection_lost_before_commit_is_sent_again(play: Play) -> None:
    """Crash point: before COMMIT reaches the database. Promise 4: nothing doubled, promise 3: nothing lost."""
    if play.world.proxy is None:
        pytest.skip("SQLite has no connection to lose")
    play.world.strikes_next_commit("cut")
    number = play.post(an_insurance(play))
    play.wait_done(number)
    assert play.world.proxy.struck_count == 1
    assert play.world.inserted(number) == 3


def test_a_connection_lost_after_commit_is_looked_up_and_nothing_is_doubled(play: Play) -> None:
    """Crash point: after COMMIT, before its answer arrives. Promise 4: the row is found, and not sent again."""
    if play.world.proxy is None:
        pytest.skip("SQLite has no connection to lose")
    play.world.strikes_next_commit("cut_answer")
    number = play.post(an_insurance(play))
    play.wait_done(number)
    assert play.world.proxy.struck_count == 1
    assert play.world.inserted(number) == 3
    assert play.world.rows(number) == [("I", 1)]
