"""A run is only a figure where everything was accepted and arrived, and its ratios come first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench import load, trial
from tests.bench.comparison import WrongRun
from tests.bench.measured import Measured, percentile, ratios, table
from tests.bench.sending import Job, Sent, send
from tests.bench.targets import Targets
from tests.bench.trial import refuse_refusals, until


@pytest.fixture(scope="module")
def running() -> Iterator[Targets]:
    targets = Targets()
    yield targets
    targets.close()


@pytest.fixture
def targets(running: Targets) -> Targets:
    running.forget()
    return running


def to_archive(targets: Targets, numbers: range, **more: float) -> Sent:
    port = targets.ports["archive"]
    return send(Job(port=port, path="/cases", headers={}, numbers=numbers, connections=4, **more))  # type: ignore[arg-type]


def test_a_target_keeps_every_record_as_it_came_doubles_included(targets: Targets) -> None:
    for _ in range(2):
        sent = to_archive(targets, range(30))
        assert sorted(sent.accepted) == list(range(30)) and not sent.refused
        assert len(sent.waits) == len(sent.acknowledged_at) == 30
    held = targets.contents()
    assert sorted(held["archive"]) == sorted(2 * [load.body(no) for no in range(30)])
    assert held["licence"] == held["oversight"] == []


def test_a_target_keeps_nothing_that_it_refused(targets: Targets) -> None:
    targets.behave("archive", busy_every=3)
    sent = to_archive(targets, range(30))
    assert sent.refused == {503: 10} and len(sent.accepted) == 20
    assert sorted(targets.contents()["archive"]) == sorted(load.body(no) for no in sent.accepted)
    with pytest.raises(WrongRun, match="10 answers 503"):
        refuse_refusals(sent)
    targets.behave("archive", status=422, busy_every=0)
    assert to_archive(targets, range(5)).refused == {422: 5}


def test_a_paced_job_posts_each_case_once(targets: Targets) -> None:
    sent = to_archive(targets, range(20), rate=500.0)
    assert sorted(sent.accepted) == list(range(20)) and targets.count() == 20


def test_a_count_that_stands_still_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "QUIET_FOR", 0.0)
    with pytest.raises(WrongRun, match="expected 3 records, got 2 and nothing more; why"):
        until(lambda: 2, 3, what="records", told=lambda: "why")


def test_ratios_are_taken_within_rounds_and_come_first() -> None:
    rounds = [
        {"a": Measured(per_second=200.0), "b": Measured(per_second=100.0)},
        {"a": Measured(per_second=30.0), "b": Measured(per_second=10.0)},
        {"b": Measured(per_second=10.0)},
    ]
    assert ratios(rounds, "a", "b") == [2.0, 3.0]
    first, *_ = table(rounds, (("a", "b"), ("a", "c"))).splitlines()
    assert first.split() == ["2.50", "x", "a", "/", "b", "(2.00", "to", "3.00,", "2", "rounds)"]


def test_a_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert percentile(range(100), 0.99) == 99
