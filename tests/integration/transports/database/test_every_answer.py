"""The behavioural suite of the database transport: every kind of answer, on every engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from syncgate.domain.outcome import Answer, Found, Outcome
from syncgate.ports import Request
from syncgate.transports.database import DatabaseTransport
from tests.integration.transports.database.fronts import (
    KEYS,
    NOW,
    PASSWORD,
    READ,
    REQUEST,
    Front,
    with_keys,
    with_payload,
)


def test_accepted(front: Front) -> None:
    answer = front.send()
    assert (answer.outcome, answer.rule, answer.reason) == (Outcome.QUEUED_THERE, "queued", "")
    assert answer.remote_ref == KEYS["slot_key"]
    rows = front.run(
        "SELECT row_guid, project_no, applyer_name, task_version, opinion, is_sync, cd_operation, cd_batch"
        " FROM up_pro_accept"
    )
    batch = KEYS["send_key"].replace("-", "")
    assert rows == [(KEYS["slot_key"], "9901-0001", "张示例", 3, None, 0, "I", batch)]
    assert [str(value) for value in front.run("SELECT area, accept_date, cd_time FROM up_pro_accept")[0]][1:] == [
        "2026-04-30 09:31:00",
        NOW.astimezone().strftime("2026-04-30 23:58:42"),
    ]
    assert front.count("up_pro_material") == 2


def test_what_left_and_what_came_is_kept_as_evidence(front: Front) -> None:
    evidence = front.send().evidence
    assert evidence.request_line == "INSERT up_pro_accept"
    assert evidence.sent is not None and evidence.received is not None
    main, first, second = orjson.loads(evidence.sent)
    assert (main["table"], main["row"]["applyer_name"]) == ("up_pro_accept", "张示例")
    assert [row["row"]["material_name"] for row in (first, second)] == ["申请书", "身份证"]
    assert orjson.loads(evidence.received)["result"] == "committed"
    assert evidence.note == ""


def test_accepted_twice_is_a_duplicate_and_one_row(front: Front) -> None:
    first, second = front.sends(REQUEST, REQUEST)
    assert (first.outcome, second.outcome) == (Outcome.QUEUED_THERE, Outcome.DUPLICATE)
    assert second.rule == "duplicate"
    assert front.count() == 1
    assert front.count("up_pro_material") == 2


def test_a_message_whose_last_row_is_refused_leaves_no_row(front: Front) -> None:
    front.run(f"INSERT INTO up_pro_material VALUES ('{KEYS['slot_key']}', '身份证', '9')")
    assert front.send().outcome is Outcome.DUPLICATE
    assert front.count() == 0
    assert front.count("up_pro_material") == 1


REFUSED = [
    (
        {"applyer_name": "张" * 101},
        "value_too_long",
        "source",
        "/applyer_name: expected at most 100 characters, got 101",
    ),
    ({"applyer_name": None}, "value_missing", "source", "/applyer_name: expected a value, got null"),
    ({"task_version": "3"}, "value_of_wrong_type", "mapping", "/task_version: expected a whole number"),
    ({"task_version": 2**31}, "value_out_of_range", "mapping", "/task_version"),
    ({"area": "1.234"}, "value_imprecise", "mapping", "/area: expected 2 decimal places, got 3"),
    ({"accept_date": "2026-02-30 00:00:00"}, "value_of_wrong_type", "mapping", "/accept_date"),
    ({"applyer_name": "\0"}, "unencodable", "source", "/applyer_name: expected characters of utf8mb4, got U+0000"),
    ({"nobody": 1}, "column_unknown", "mapping", "/nobody: expected a column of up_pro_accept, got another"),
    ({"is_sync": 1}, "column_twice", "mapping", "/is_sync"),
    ({"materials": [{"material_name": "证" * 21, "get_type": "1"}]}, "value_too_long", "source", "/materials/0"),
]


@pytest.mark.parametrize(
    ("fields", "reason", "actor", "note"), REFUSED, ids=[f"{r[1]}-{next(iter(r[0]))}" for r in REFUSED]
)
def test_refused_before_anything_is_sent(
    sqlite: Front, fields: dict[str, Any], reason: str, actor: str, note: str
) -> None:
    answer = sqlite.send(with_payload(REQUEST, **fields))
    assert (answer.outcome, answer.rule, answer.reason, answer.actor) == (Outcome.REFUSED, "not_sent", reason, actor)
    assert note in answer.evidence.note
    assert answer.evidence.sent is None
    assert "张" not in answer.evidence.note
    assert sqlite.count() == 0


def test_everything_that_is_wrong_is_told_at_once(sqlite: Front) -> None:
    answer = sqlite.send(with_payload(REQUEST, applyer_name=None, area="1", task_version=True))
    assert [part.split(":")[0] for part in answer.evidence.note.split("; ")] == [
        "/applyer_name",
        "/area",
        "/task_version",
    ]


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_narrower_column_than_declared_is_refused_by_the_engine(name: str, request: pytest.FixtureRequest) -> None:
    front: Front = request.getfixturevalue(name)
    front.run(
        "ALTER TABLE up_pro_accept ALTER COLUMN applyer_name TYPE varchar(2)"
        if name == "postgresql"
        else "ALTER TABLE up_pro_accept MODIFY applyer_name varchar(2) NOT NULL"
    )
    answer = front.send()
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.REFUSED, "value_too_long", "source")
    assert answer.evidence.sent is not None
    assert "张" not in answer.evidence.note
    assert front.count() == 0


def test_spaces_at_the_end_that_an_engine_drops_without_a_word_are_refused(remote: Front) -> None:
    """Both engines cut spaces beyond a column's length without an error, strict or not."""
    remote.run(
        "ALTER TABLE up_pro_accept ALTER COLUMN applyer_name TYPE varchar(3)"
        if remote.engine == "postgresql"
        else "ALTER TABLE up_pro_accept MODIFY applyer_name varchar(3) NOT NULL"
    )
    answer = remote.send(with_payload(REQUEST, applyer_name="张示例 "))
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "value_too_long") or (
        answer.rule,
        answer.reason,
    ) == ("not_kept", "value_not_kept")
    assert remote.count() == 0


def test_a_value_that_a_trigger_changes_is_refused_with_the_column_and_not_committed(front: Front) -> None:
    front.run(*CHANGING[front.engine])
    answer = front.send()
    assert (answer.outcome, answer.rule, answer.reason) == (Outcome.REFUSED, "not_kept", "value_not_kept")
    assert answer.evidence.note == "not kept as it was sent, nothing committed: opinion"
    assert front.count() == 0


CHANGING = {
    "sqlite": (
        "CREATE TRIGGER changing AFTER INSERT ON up_pro_accept BEGIN UPDATE up_pro_accept SET opinion = '改'; END",
    ),
    "postgresql": (
        "CREATE FUNCTION changing() RETURNS trigger AS $$ BEGIN NEW.opinion := '改'; RETURN NEW; END $$"
        " LANGUAGE plpgsql",
        "CREATE TRIGGER changing BEFORE INSERT ON up_pro_accept FOR EACH ROW EXECUTE FUNCTION changing()",
    ),
    "mariadb": ("CREATE TRIGGER changing BEFORE INSERT ON up_pro_accept FOR EACH ROW SET NEW.opinion = '改'",),
}


def test_a_table_that_is_missing_is_denied_so_that_nothing_else_runs_into_it(front: Front) -> None:
    front.run("DROP TABLE up_pro_accept")
    answer = front.send()
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.DENIED, "table_missing", "operations")


def test_a_column_that_is_missing_is_denied(front: Front) -> None:
    front.run("ALTER TABLE up_pro_accept DROP COLUMN opinion")
    assert front.send().reason == "column_missing"


def test_a_rule_of_the_adapter_comes_before_what_a_fault_means_by_itself(front: Front) -> None:
    from syncgate.transports.answers import load_rules
    from tests.integration.transports.database import fronts

    rule = {"name": "mine", "when": {"body": {"/kind": "duplicate"}}, "outcome": "refused", "actor": "system"}
    before = fronts.RULES
    fronts.RULES = load_rules([rule]) + before
    try:
        answer = front.sends(REQUEST, REQUEST)[1]
    finally:
        fronts.RULES = before
    assert (answer.outcome, answer.rule, answer.actor) == (Outcome.REFUSED, "mine", "system")


def test_a_full_table_is_unavailable(remote: Front) -> None:
    remote.fills_up()
    answer = remote.send()
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "full")
    assert remote.count() == 0


def test_locked_rows_are_unavailable_and_nothing_comes_later(front: Front) -> None:
    with front.locked():
        answer = front.send()
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "busy") or answer.rule == "lost_before_commit"
    assert answer.outcome is Outcome.UNAVAILABLE
    assert front.count() == 0


def test_a_slow_statement_is_given_up_and_nothing_comes_later(front: Front) -> None:
    front.is_slow()
    answer = front.send()
    assert answer.outcome is Outcome.UNAVAILABLE
    assert answer.rule in ("busy", "lost_before_commit")
    assert front.count() == 0


def test_a_connection_that_the_server_ended_meanwhile_costs_no_try(remote: Front) -> None:
    """Front databases end what is idle; a send would fail for nothing, and open the breaker."""

    async def scenario(transport: Any) -> list[Any]:
        first = await transport.send(REQUEST)
        await asyncio.to_thread(remote.extra["ends_all"])
        return [first, await transport.send(with_keys(REQUEST, slot_key="s-2"))]

    answers = remote.ask(scenario)
    assert [answer.outcome for answer in answers] == [Outcome.QUEUED_THERE] * 2


@pytest.mark.parametrize("what", ["hang", "hang_answer"])
def test_a_server_that_falls_silent_before_the_commit_is_given_up(remote: Front, what: Any) -> None:
    """Crash point: the network swallows the INSERT or its answer, and nobody closes. Promise 4: surely not there."""
    assert remote.proxy is not None
    remote.proxy.strikes(b"INSERT INTO", what)
    answer = remote.send(url=remote.proxied)
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "lost_before_commit")
    assert "time-out" in answer.evidence.note
    assert remote.count() == 0


def test_wrong_credentials_are_denied_and_the_password_shows_nowhere(mariadb: Front) -> None:
    mariadb.password = "wrong-never-shown"
    answer = mariadb.send()
    assert (answer.outcome, answer.reason) == (Outcome.DENIED, "credentials_refused")
    assert answer.evidence.sent is None
    shown = repr(answer) + repr(mariadb.transport()) + repr(mariadb.transport()._client)
    assert "never-shown" not in shown


def test_an_unknown_user_is_denied(postgresql: Front) -> None:
    answer = postgresql.send(url=postgresql.url.replace("tester@", "nobody@"))
    assert (answer.outcome, answer.reason) == (Outcome.DENIED, "credentials_refused")


def test_a_right_that_is_missing_is_denied(mariadb: Front) -> None:
    server, user, name = (mariadb.extra[key] for key in ("server", "user", "name"))
    server.run(f"REVOKE INSERT ON {name}.* FROM {user}@'%'")
    assert mariadb.send().reason == "permission_denied"


def test_an_unknown_database_is_denied(mariadb: Front) -> None:
    answer = mariadb.send(url=mariadb.url + "x")
    assert (answer.outcome, answer.reason) == (Outcome.DENIED, "permission_denied")


def test_nobody_there_is_unavailable(remote: Front) -> None:
    address = "mysql://u@127.0.0.1:1/x" if remote.engine == "mariadb" else "postgresql://u@127.0.0.1:1/x"
    answer = remote.send(url=address)
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "not_connected")
    assert answer.evidence.sent is None


def test_a_file_that_is_not_there_is_unavailable_and_not_made(sqlite: Front, tmp_path: Any) -> None:
    answer = sqlite.send(url=f"sqlite:///{tmp_path}/nobody.db")
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "not_connected")
    assert not (tmp_path / "nobody.db").exists()


def test_a_connection_cut_at_the_insert_is_unavailable_and_leaves_nothing(remote: Front) -> None:
    """Crash point: the INSERT never arrives. Promise 4: surely not there, so it may be sent again."""
    assert remote.proxy is not None
    remote.proxy.strikes(b"INSERT INTO", "cut")
    answer = remote.send(url=remote.proxied)
    assert remote.proxy.struck_count == 1
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "lost_before_commit")
    assert remote.count() == 0


def test_an_insert_whose_answer_is_lost_is_unavailable_and_leaves_nothing(remote: Front) -> None:
    """Crash point: after the INSERT, before COMMIT. Promise 4: the engine rolls back what nobody committed."""
    assert remote.proxy is not None
    remote.proxy.strikes(b"INSERT INTO", "cut_answer")
    answer = remote.send(url=remote.proxied)
    assert remote.proxy.struck_count == 1
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "lost_before_commit")
    assert remote.count() == 0


@pytest.mark.parametrize("what", ["cut", "hang"])
def test_a_commit_that_never_arrives_is_unknown_and_not_there(remote: Front, what: Any) -> None:
    """Crash point: exactly the COMMIT packet, lost. Promise 4: nobody can tell, so it is never guessed."""
    assert remote.proxy is not None
    remote.proxy.strikes(remote.commit, what)
    answer = remote.send(url=remote.proxied)
    assert remote.proxy.struck_count == 1
    assert (answer.outcome, answer.rule) == (Outcome.UNKNOWN, "lost_at_commit")
    assert answer.evidence.sent is not None
    assert remote.count() == 0
    assert remote.look_up().found is Found.ABSENT


@pytest.mark.parametrize("what", ["cut_answer", "hang_answer", "garble"])
def test_a_commit_whose_answer_is_lost_is_unknown_and_there(remote: Front, what: Any) -> None:
    """Crash point: after the commit, before its answer. Promise 4: unknown, and the look-up finds it."""
    assert remote.proxy is not None
    remote.proxy.strikes(remote.commit, what)
    answer = remote.send(url=remote.proxied)
    assert remote.proxy.struck_count == 1
    assert (answer.outcome, answer.rule) == (Outcome.UNKNOWN, "lost_at_commit")
    assert remote.count() == 1
    assert remote.look_up().found is Found.RECORD


def test_garbage_instead_of_an_answer_is_unavailable_before_the_commit(remote: Front) -> None:
    assert remote.proxy is not None
    remote.proxy.strikes(b"INSERT INTO", "garble")
    answer = remote.send(url=remote.proxied)
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "lost_before_commit")
    assert remote.count() == 0


def test_after_a_cut_the_next_send_connects_anew(remote: Front) -> None:
    assert remote.proxy is not None
    remote.proxy.strikes(b"INSERT INTO", "cut")
    first, second = remote.sends(REQUEST, REQUEST, url=remote.proxied)
    assert (first.outcome, second.outcome) == (Outcome.UNAVAILABLE, Outcome.QUEUED_THERE)


def test_a_greeting_that_never_comes_is_unavailable() -> None:
    """A port that accepts and says nothing, as behind a network gap."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for address in (f"mysql://u@127.0.0.1:{port}/x", f"postgresql://u@127.0.0.1:{port}/x"):
            answer = Front("any", address, lambda: []).send()
            assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "not_connected")


def test_a_send_that_is_cancelled_commits_nothing_afterwards(remote: Front) -> None:
    """Crash point: the gate stops while the row is under way. Promise 9."""
    remote.is_slow()

    async def scenario(transport: Any) -> None:
        task = asyncio.create_task(transport.send(REQUEST))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    remote.ask(scenario)
    assert remote.count() == 0


def test_many_at_a_time_are_all_there_once(front: Front) -> None:
    keys = [f"0190a0a0-0000-8000-8000-{number:012}" for number in range(24)]
    requests = [with_keys(REQUEST, slot_key=key, send_key=key) for key in keys]

    async def scenario(transport: Any) -> list[Any]:
        return await asyncio.gather(*(transport.send(request) for request in requests))

    answers = front.ask(scenario, limits=Patient())
    assert {answer.outcome for answer in answers} == {Outcome.QUEUED_THERE}
    assert front.count() == len(keys)


class Patient:
    connect_timeout = 10.0
    timeout = 20.0


def test_a_record_is_read_back_as_it_was_sent(front: Front) -> None:
    front.send()
    reading = front.look_up()
    assert reading.found is Found.RECORD
    expected = {name: value for name, value in (REQUEST.payload or {}).items() if name != "materials"}
    assert {name: reading.record[name] for name in expected} == expected


def test_a_record_that_is_not_there_is_absent(front: Front) -> None:
    assert front.look_up().found is Found.ABSENT


def test_a_look_up_of_a_system_that_is_down_decides_nothing(remote: Front) -> None:
    address = "mysql://u@127.0.0.1:1/x" if remote.engine == "mariadb" else "postgresql://u@127.0.0.1:1/x"
    reading = remote.look_up(url=address)
    assert (reading.found, reading.outcome) == (Found.UNDECIDED, Outcome.UNAVAILABLE)


def test_a_look_up_without_a_table_is_denied_and_never_absent(front: Front) -> None:
    front.run("DROP TABLE up_pro_accept")
    assert front.look_up().found is Found.DENIED


def test_two_rows_under_one_key_decide_nothing(front: Front) -> None:
    for number in (1, 2):
        front.run(f"INSERT INTO pre_apasinfo (projid, dataver, datastate) VALUES ('9901-0001', {number}, 1)")
    operations = {"op": {"do": "read", "table": "pre_apasinfo", "where": {"projid": "{case_no}"}}}
    reading = front.look_up(replace(READ, operation="op"), operations=operations_with(**operations))
    assert reading.found is Found.UNDECIDED
    latest = front.look_up(replace(READ, operation="read_version"))
    assert (latest.found, latest.record["dataver"]) == (Found.RECORD, 2)


def operations_with(**more: Any) -> dict[str, Any]:
    from tests.integration.transports.database.fronts import OPTIONS

    return {**OPTIONS["operations"], **more}


def test_a_row_that_only_the_collation_takes_for_ours_is_not_ours(mariadb: Front) -> None:
    """To most collations of MySQL "ab-1" is "AB-1": another case's row must not be found, nor changed."""
    request = with_keys(REQUEST, slot_key="AB-1")
    assert mariadb.send(request).outcome is Outcome.QUEUED_THERE
    assert mariadb.look_up(with_keys(READ, slot_key="ab-1")).found is Found.ABSENT
    withdraw = Request(operation="withdraw", keys={**KEYS, "slot_key": "ab-1"})
    answer = mariadb.send(withdraw)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "row_ambiguous")
    assert mariadb.run("SELECT cd_operation FROM up_pro_accept") == [("I",)]


def test_an_update_replaces_one_row_and_says_so_in_its_columns(front: Front) -> None:
    correct = replace(
        REQUEST, operation="correct", payload={"applyer_name": "李示例"}, keys={**KEYS, "send_key": "s-2"}
    )
    first, second = front.sends(REQUEST, correct)
    assert (first.outcome, second.outcome) == (Outcome.QUEUED_THERE, Outcome.QUEUED_THERE)
    assert front.run("SELECT applyer_name, project_no, cd_operation FROM up_pro_accept") == [
        ("李示例", "9901-0001", "U")
    ]


def test_the_same_update_again_changes_nothing_and_is_taken(front: Front) -> None:
    """MySQL counts changed rows unless asked to count found ones."""
    correct = replace(REQUEST, operation="correct", payload={"applyer_name": "李示例"})
    assert [answer.outcome for answer in front.sends(REQUEST, correct, correct)][2] is Outcome.QUEUED_THERE


def test_an_update_of_a_row_that_is_gone_is_refused(front: Front) -> None:
    correct = replace(REQUEST, operation="correct", payload={"applyer_name": "李示例"})
    answer = front.send(correct)
    assert (answer.outcome, answer.rule, answer.reason) == (Outcome.REFUSED, "no_row", "row_missing")


def test_a_mark_writes_what_the_adapter_says_and_nothing_else(front: Front) -> None:
    withdraw = Request(operation="withdraw", keys=KEYS)
    assert front.sends(REQUEST, withdraw)[1].outcome is Outcome.QUEUED_THERE
    assert front.run("SELECT cd_operation, applyer_name FROM up_pro_accept") == [("D", "张示例")]


def test_a_new_version_is_a_row_of_its_own_and_voids_the_older_ones(front: Front) -> None:
    versions = [
        Request(
            operation="version",
            keys=KEYS,
            payload={"dataver": number, "projectname": f"关于第{number}版"},
            remote_ref_at={"body": "/generated"},
        )
        for number in (1, 2)
    ]
    answers = front.sends(*versions)
    assert [answer.outcome for answer in answers] == [Outcome.QUEUED_THERE] * 2
    rows = front.run("SELECT id, dataver, datastate FROM pre_apasinfo ORDER BY dataver")
    assert [row[1:] for row in rows] == [(1, 0), (2, 1)]
    assert [answer.remote_ref for answer in answers] == [str(row[0]) for row in rows]


def test_the_same_version_again_is_a_duplicate_and_voids_nothing(front: Front) -> None:
    version = Request(operation="version", keys=KEYS, payload={"dataver": 1, "projectname": "甲"})
    assert front.sends(version, version)[1].outcome is Outcome.DUPLICATE
    assert front.run("SELECT datastate FROM pre_apasinfo") == [(1,)]


POLL = Request(operation="poll", keys=KEYS)
BATCH = KEYS["send_key"].replace("-", "")


@pytest.mark.parametrize(
    ("flag", "outcome", "rule"),
    [
        ("0", Outcome.QUEUED_THERE, "waiting"),
        ("1", Outcome.TAKEN, "taken"),
        ("2", Outcome.REFUSED, "refused"),
        ("7", Outcome.UNKNOWN, "unclear"),
        ("NULL", Outcome.UNKNOWN, "unclear"),
    ],
)
def test_the_flag_says_what_became_of_a_row(front: Front, flag: str, outcome: Outcome, rule: str) -> None:
    front.send()
    front.run(f"UPDATE up_pro_accept SET is_sync = {flag}")
    answer = front.send(POLL)
    assert (answer.outcome, answer.rule) == (outcome, rule)
    assert answer.evidence.sent is None


def test_a_row_that_vanished_is_unknown_and_never_guessed(front: Front) -> None:
    answer = front.send(POLL)
    assert (answer.outcome, answer.rule) == (Outcome.UNKNOWN, "vanished")


def test_a_reject_counts_even_after_the_flag_was_flipped_and_its_words_stay_evidence(front: Front) -> None:
    """The quality check comes the next morning, and its message may hold a name."""
    front.send()
    front.run(
        "UPDATE up_pro_accept SET is_sync = 1",
        f"INSERT INTO up_pro_accept_unqbak VALUES ('2026-05-01 06:00:00', '{BATCH}', '张示例：受理时间早于申请时间')",
    )
    answer = front.send(POLL)
    assert (answer.outcome, answer.rule) == (Outcome.REFUSED, "times")
    assert (answer.reason, answer.actor) == ("accepted_before_applied", "source")
    assert "张示例" not in answer.evidence.note + answer.reason
    assert answer.evidence.received is not None and "张示例" in answer.evidence.received.decode()


def test_a_reject_in_words_that_no_rule_knows_is_refused_all_the_same(front: Front) -> None:
    front.send()
    front.run(f"INSERT INTO up_pro_accept_unqbak VALUES ('2026-05-01 06:00:00', '{BATCH}', '其他')")
    answer = front.send(POLL)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "rejected_there")


def test_a_reject_of_an_earlier_version_says_nothing_of_this_one(front: Front) -> None:
    front.send()
    front.run("INSERT INTO up_pro_accept_unqbak VALUES ('2026-05-01 06:00:00', 'another', '其他')")
    assert front.send(POLL).rule == "waiting"


def asked_about(no: int) -> Request:
    """The question about the no-th of several rows."""
    keys = KEYS | {"slot_key": KEYS["slot_key"][:-3] + f"{no:03}", "send_key": KEYS["send_key"][:-3] + f"{no:03}"}
    return Request(operation="poll", keys=keys)


def polled(front: Front, *requests: Request) -> list[Answer]:
    async def call(transport: DatabaseTransport) -> list[Answer]:
        return list(await transport.poll(requests))

    return front.ask(call)


def test_many_rows_are_asked_about_at_once_and_each_gets_its_own_answer(front: Front) -> None:
    """One SELECT a table; what became of one says nothing of another."""
    asked = [asked_about(no) for no in range(1, 9)]
    front.sends(*(replace(REQUEST, keys=one.keys) for one in asked[:6]))
    for no, flag in ((1, "0"), (2, "1"), (3, "2"), (4, "7"), (5, "1"), (6, "1")):
        front.run(f"UPDATE up_pro_accept SET is_sync = {flag} WHERE row_guid = '{asked[no - 1].keys['slot_key']}'")
    for no in (5, 7):
        batch = asked[no - 1].keys["send_key"].replace("-", "")
        front.run(f"INSERT INTO up_pro_accept_unqbak VALUES ('2026-05-01 06:00:00', '{batch}', '张示例')")
    answers = polled(front, *asked)
    rules = ["waiting", "taken", "refused", "unclear", "refused", "taken", "refused", "vanished"]
    assert [answer.rule for answer in answers] == rules
    assert [answer.outcome for answer in answers] == [front.send(one).outcome for one in asked]
    assert [b"\xe5\xbc\xa0" in (answer.evidence.received or b"") for answer in answers].count(True) == 2


def test_a_row_that_cannot_be_asked_about_fails_alone(front: Front) -> None:
    front.sends(replace(REQUEST, keys=asked_about(1).keys))
    lacking = Request(operation="poll", keys={"case_id": KEYS["case_id"]})
    first, second = polled(front, lacking, asked_about(1))
    assert (first.outcome, first.reason, first.evidence.received) == (Outcome.REFUSED, "key_missing", None)
    assert second.rule == "waiting"


def test_a_database_that_lacks_the_table_answers_no_question(front: Front) -> None:
    front.run("DROP TABLE up_pro_accept_unqbak")
    assert {answer.outcome for answer in polled(front, asked_about(1), asked_about(2))} == {Outcome.DENIED}


NAUGHTY = [
    "'; DROP TABLE up_pro_accept; --",
    "\\",
    "\\'",
    '"',
    "%s %(x)s :x ?",
    "`a`",
    "👩‍👩‍👧 𬱖",
    "\u202e右",
    "null",
    "a\nb\r\n\tc",
    "\x7f\x1b",
]


@pytest.mark.parametrize("text", NAUGHTY)
def test_a_naughty_text_is_a_value_and_nothing_else(front: Front, text: str) -> None:
    assert front.send(with_payload(REQUEST, applyer_name=text)).outcome is Outcome.QUEUED_THERE
    assert front.run("SELECT applyer_name FROM up_pro_accept") == [(text,)]


@pytest.mark.parametrize(("mode", "stored"), [("keep", ""), ("null", None)])
def test_an_empty_text_is_what_the_adapter_says(front: Front, mode: str, stored: str | None) -> None:
    answer = front.send(with_payload(REQUEST, opinion=""), empty_text=mode)
    assert answer.outcome is Outcome.QUEUED_THERE
    assert front.run("SELECT opinion FROM up_pro_accept") == [(stored,)]


def test_an_empty_text_is_refused_where_the_adapter_says_so(sqlite: Front) -> None:
    answer = sqlite.send(with_payload(REQUEST, opinion=""), empty_text="refused")
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "value_empty")


def test_a_missing_password_is_denied_and_nothing_is_asked(mariadb: Front) -> None:
    transport = mariadb.transport()
    from tests.integration.transports.database.fronts import GivenSecrets

    transport._secrets = GivenSecrets(None)

    async def scenario() -> Any:
        answer = await transport.send(REQUEST)
        await transport.aclose()
        return answer

    answer = asyncio.run(scenario())
    assert (answer.outcome, answer.reason, answer.rule) == (Outcome.DENIED, "secret_missing", "not_sent")
    assert PASSWORD not in repr(answer)
