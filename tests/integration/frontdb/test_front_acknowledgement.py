"""What a front database says of what lies there, and what the gate makes of it: SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from syncgate.sandbox.systems.frontdb_engines import copied
from tests.integration.frontdb.worlds import Play
from tests.unit.sandbox_city.front_lives import insurance

_numbers = itertools.count(1)
ADAPTER = "adapters/frontdb/adapter.yaml"
NAMED = "质检不通过：阿依古丽·示例 990101200111080048"


def an_insurance(play: Play, **fields: Any) -> dict[str, Any]:
    """A case of item C: an acceptance, a material, a result."""
    body = insurance(f"9901-ack-{play.world.engine[:2]}-{next(_numbers)}").calls[0].body
    return {**body, **fields}


def promised_too_early(play: Play) -> dict[str, Any]:
    """A case that the consumer does not take: it was to be done before it was accepted."""
    body = an_insurance(play, applied_at="2026-03-02T08:00:00+08:00", promised_at="2026-03-02T08:30:00+08:00")
    return {**body, "stages": body["stages"][1:]}


@contextmanager
def standing_still(play: Play) -> Iterator[None]:
    """The consumer looks at nothing meanwhile."""
    play.world.front.switch_on({"mode": "consumer_stopped"})
    play.wait(lambda: play.world.front.is_stopped)
    try:
        yield
    finally:
        play.world.front.switch_off("consumer_stopped")


def give_back(play: Play, number: str, words: str, table: str = "up_pro_accept") -> None:
    """A check of theirs moves what is there of a case, and says why."""
    names = ", ".join(copied(table))
    play.world.run(
        f"INSERT INTO {table}_unqbak (recordtime, error_msg, {names}) "
        f"SELECT '2026-03-03 09:00:00', '{words}', {names} FROM {table} WHERE project_no = '{number}'"
    )
    play.world.run(f"DELETE FROM {table} WHERE project_no = '{number}'")


def of_message(play: Play, number: str, message: str) -> dict[str, Any]:
    """The newest delivery of a message, with its attempts."""
    found = next(each for each in play.deliveries(number) if each["message"] == message)
    return play.delivery(found["delivery_id"])


def outcomes(delivery: dict[str, Any]) -> list[tuple[str, str]]:
    """What every entry of a delivery came to."""
    return [(entry["kind"], entry["outcome"]) for entry in delivery["attempts"]]


def test_what_lies_there_is_awaited_and_delivered_once_its_flag_flips(play: Play) -> None:
    with standing_still(play):
        number = play.post(an_insurance(play))
        play.wait(lambda: play.phases(number).get("result") == ["awaiting"], lambda: play.deliveries(number))
        assert play.phases(number) == {"accept": ["awaiting"], "material": ["awaiting"], "result": ["awaiting"]}
        assert set(play.world.rows(number)) == {("I", 0)}
    play.wait_done(number)
    assert outcomes(of_message(play, number, "accept"))[-1] == ("poll", "taken")
    assert play.world.inserted(number) == 3


def test_what_is_rejected_at_once_parks_with_its_reason_and_what_needs_it_as_well(play: Play) -> None:
    number = play.post(promised_too_early(play))
    play.wait(lambda: len(play.parked(number)) == 2, lambda: play.deliveries(number))
    assert sorted(play.parked(number)) == [("accept", "rejected_there"), ("result", "case_unknown_there")]
    assert play.world.rejects(number) == [("承诺办结时间早于受理时间",)]
    play.patch(number, {"promised_at": "2026-03-09T17:00:00+08:00"})
    play.wait(lambda: play.phases(number)["accept"] == ["delivered"], lambda: play.deliveries(number))
    play.requeue(number)
    play.wait_done(number)
    assert play.world.rows(number) == [("U", 1)]
    assert play.world.rows(number, "up_pro_result") == [("U", 1)]


def test_a_reject_that_names_the_citizen_is_shown_nowhere(play: Play) -> None:
    """Promise 10: the words of a reject are sealed evidence."""
    with standing_still(play):
        number = play.post(an_insurance(play))
        play.wait(lambda: play.phases(number).get("accept") == ["awaiting"], lambda: play.deliveries(number))
        give_back(play, number, NAMED)
        play.wait(lambda: ("accept", "rejected_there") in play.parked(number), lambda: play.deliveries(number))
    shown = f"{play.deliveries(number)} {of_message(play, number, 'accept')}"
    assert "阿依古丽" not in shown and "990101200111080048" not in shown
    logs = "".join(play.gate.log(process) for process in play.gate.processes)
    assert "阿依古丽" not in logs and "990101200111080048" not in logs


def test_what_is_given_back_the_next_morning_is_parked_as_returned_and_goes_again_once_requeued(play: Play) -> None:
    number = play.post(an_insurance(play))
    play.wait_done(number)
    give_back(play, number, "质检不通过：事项版本已停用")
    play.wait(lambda: play.parked(number) == [("accept", "returned")], lambda: play.deliveries(number))
    accept = of_message(play, number, "accept")
    assert outcomes(accept)[-1] == ("poll", "returned")
    assert play.phases(number)["result"] == ["delivered"]
    play.requeue(number)
    play.wait_done(number)
    assert play.world.rows(number) == [("U", 1)]
    assert play.world.inserted(number) == 4


@pytest.fixture
def hurried(play: Play) -> Iterator[Play]:
    """Nobody waits longer than a moment for a flag."""
    play.gate.edit(ADAPTER, "final_after: 24h", "final_after: 2s")
    assert play.gate.run("deploy").code == 0
    yield play
    play.gate.edit(ADAPTER, "final_after: 2s", "final_after: 24h")
    assert play.gate.run("deploy").code == 0


def test_a_consumer_that_stands_still_too_long_leads_to_a_look_up_and_then_takes_it(hurried: Play) -> None:
    with standing_still(hurried):
        number = hurried.post(an_insurance(hurried))
        hurried.wait_done(number)
        assert set(hurried.world.rows(number)) == {("I", 0)}
        said = [outcome for kind, outcome in outcomes(of_message(hurried, number, "accept")) if kind != "poll"]
        assert said == ["queued_there", "overdue", "found"]
    hurried.wait(lambda: hurried.world.rows(number) == [("I", 1)])
    assert hurried.is_done(number) and hurried.world.inserted(number) == 3


def test_a_row_that_vanished_without_a_word_is_left_to_a_person_and_not_sent_again(play: Play) -> None:
    """Promise 4: it was there, and whoever took it away may have taken it over."""
    with standing_still(play):
        number = play.post(an_insurance(play))
        play.wait(lambda: play.phases(number).get("result") == ["awaiting"], lambda: play.deliveries(number))
        play.world.run(f"DELETE FROM up_pro_accept WHERE project_no = '{number}'")
        play.wait(
            lambda: "vanished_there" in [each["reason"] for each in play.deliveries(number)],
            lambda: play.deliveries(number),
        )
        assert play.phases(number)["accept"] == ["unconfirmed"]
    assert play.world.rows(number) == []
    assert play.world.inserted(number) == 3


def test_a_lost_answer_to_what_is_rejected_before_it_is_looked_up_is_not_sent_again(play: Play) -> None:
    """Crash point: after COMMIT, before its answer arrives, and the consumer moves the row. Promise 4."""
    if play.world.proxy is None:
        pytest.skip("SQLite has no connection to lose")
    play.world.strikes_next_commit("cut_answer")
    number = play.post(promised_too_early(play))
    play.wait(lambda: ("accept", "rejected_there") in play.parked(number), lambda: play.deliveries(number))
    assert play.world.proxy.struck_count == 1
    accept = of_message(play, number, "accept")
    assert [outcome for _, outcome in outcomes(accept)] == ["unknown", "refused"]
    assert play.world.rejects(number) == [("承诺办结时间早于受理时间",)]
    assert play.world.inserted(number) == 1


def test_a_withdrawn_case_is_closed_as_void_once_and_that_is_asked_about_too(play: Play) -> None:
    body = an_insurance(play)
    number = play.post({**body, "stages": body["stages"][:2]})
    play.wait_done(number)
    play.withdraw(number, "申请人不再参保")
    play.wait(lambda: play.world.rows(number, "up_pro_result") == [("I", 1)], lambda: play.deliveries(number))
    play.wait_done(number)
    told = play.world.run(f"SELECT result_type, result_explain FROM up_pro_result WHERE project_no = '{number}'")
    assert told == [("2", "申请人不再参保")]
    taken_back = [each for each in play.deliveries(number) if each["change"] == "retract"]
    assert [outcomes(play.delivery(each["delivery_id"]))[-1] for each in taken_back] == [("poll", "taken")]


@pytest.mark.parametrize("is_rejected", [False, True])
def test_a_withdrawn_case_of_which_nothing_was_accepted_is_not_closed(play: Play, is_rejected: bool) -> None:
    body = (
        promised_too_early(play)
        if is_rejected
        else an_insurance(play, contact={"name": "赵", "mobile": "010-00000005转8"})
    )
    number = play.post(
        {**body, "stages": [each for each in body["stages"] if each["kind"] == "accepted"], "materials": []}
    )
    play.wait(lambda: [message for message, _ in play.parked(number)] == ["accept"], lambda: play.deliveries(number))
    play.withdraw(number, "申请人不再参保")
    play.wait(lambda: play.phases(number) == {"accept": ["cancelled"]}, lambda: play.deliveries(number))
    assert play.world.inserted(number) == int(is_rejected)
    assert play.world.rows(number, "up_pro_result") == []
