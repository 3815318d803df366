"""The breaker on a system's row: what opens it, what closes it, and how many sends it lets out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.breaker import ANSWERED_AS_ITSELF, BreakerPolicy, after_outcome, begin_probe, close, sends_admitted
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState, SystemRow
from tests.unit.domain.samples import NOW

POLICY = BreakerPolicy(failures=3, probe_after=timedelta(seconds=5))
PROBE_AT = NOW + POLICY.probe_after
TICK = timedelta(microseconds=1)
CLOSED = SystemRow(system="food")
OPEN = replace(CLOSED, breaker=BreakerState.OPEN, breaker_until=PROBE_AT, breaker_reason="denied", failures_count=4)
OTHERS = [Outcome.THROTTLED, Outcome.UNKNOWN]


def after(row: SystemRow, *outcomes: Outcome, reason: str = "") -> SystemRow:
    for outcome in outcomes:
        row = after_outcome(row, outcome, now=NOW, policy=POLICY, reason=reason)
    return row


class TestAClosedBreaker:
    def test_lets_out_all_that_are_wanted(self) -> None:
        assert sends_admitted(CLOSED, now=NOW, wanted=64) == 64

    def test_opens_at_one_denied(self) -> None:
        row = after(CLOSED, Outcome.DENIED, reason="token_refused")
        assert (row.breaker, row.breaker_until, row.breaker_reason) == (BreakerState.OPEN, PROBE_AT, "token_refused")

    def test_opens_at_the_declared_number_of_unavailable_in_a_row(self) -> None:
        almost = after(CLOSED, *[Outcome.UNAVAILABLE] * 2)
        assert (almost.breaker, almost.failures_count) == (BreakerState.CLOSED, 2)
        row = after(almost, Outcome.UNAVAILABLE)
        assert (row.breaker, row.breaker_until, row.breaker_reason) == (BreakerState.OPEN, PROBE_AT, "unavailable")

    @pytest.mark.parametrize("outcome", sorted(ANSWERED_AS_ITSELF))
    def test_counts_anew_after_an_answer_of_the_system_itself(self, outcome: Outcome) -> None:
        row = after(CLOSED, *[Outcome.UNAVAILABLE] * 2, outcome, *[Outcome.UNAVAILABLE] * 2)
        assert (row.breaker, row.failures_count) == (BreakerState.CLOSED, 2)

    @pytest.mark.parametrize("outcome", OTHERS)
    def test_is_not_moved_by_what_says_nothing_of_the_system(self, outcome: Outcome) -> None:
        row = after(CLOSED, Outcome.UNAVAILABLE)
        assert after(row, outcome) == row

    def test_says_denied_where_no_reason_is_known(self) -> None:
        assert after(CLOSED, Outcome.DENIED).breaker_reason == "denied"

    def test_keeps_the_reason_that_comes_with_unavailable(self) -> None:
        assert after(CLOSED, *[Outcome.UNAVAILABLE] * 3, reason="status_503").breaker_reason == "status_503"


class TestAnOpenBreaker:
    def test_lets_nothing_out_before_its_time(self) -> None:
        assert sends_admitted(OPEN, now=PROBE_AT - TICK, wanted=64) == 0

    def test_lets_out_one_probe_when_its_time_is_up(self) -> None:
        assert sends_admitted(OPEN, now=PROBE_AT, wanted=64) == 1
        assert sends_admitted(OPEN, now=PROBE_AT, wanted=0) == 0

    def test_lets_out_one_probe_where_it_has_no_time(self) -> None:
        assert sends_admitted(replace(OPEN, breaker_until=None), now=NOW, wanted=64) == 1
        assert sends_admitted(replace(OPEN, breaker_until=None, is_probing=True), now=NOW, wanted=64) == 1

    def test_lets_no_second_probe_out_until_the_first_is_settled_or_its_lease_is_over(self) -> None:
        lease = timedelta(seconds=30)
        row = begin_probe(OPEN, now=PROBE_AT, policy=POLICY, lease=lease)
        assert row.is_probing
        assert sends_admitted(row, now=PROBE_AT + lease - TICK, wanted=64) == 0
        assert sends_admitted(row, now=PROBE_AT + lease, wanted=64) == 1

    def test_waits_between_probes_at_least_as_long_as_declared(self) -> None:
        row = begin_probe(OPEN, now=PROBE_AT, policy=POLICY, lease=timedelta(seconds=1))
        assert row.breaker_until == PROBE_AT + POLICY.probe_after

    @pytest.mark.parametrize("outcome", sorted(ANSWERED_AS_ITSELF))
    def test_closes_at_any_answer_of_the_system_itself(self, outcome: Outcome) -> None:
        row = after(begin_probe(OPEN, now=NOW, policy=POLICY, lease=timedelta(1)), outcome)
        took = outcome in (Outcome.TAKEN, Outcome.QUEUED_THERE)
        assert row == replace(CLOSED, last_taken_at=NOW if took else CLOSED.last_taken_at)
        assert sends_admitted(row, now=NOW, wanted=64) == 64

    @pytest.mark.parametrize("outcome", OTHERS)
    def test_stays_open_for_another_wait_after_a_probe_that_says_nothing(self, outcome: Outcome) -> None:
        probing = begin_probe(OPEN, now=NOW, policy=POLICY, lease=timedelta(hours=1))
        assert after(probing, outcome) == replace(OPEN, breaker_until=PROBE_AT, is_probing=False)

    def test_stays_open_at_the_first_unavailable_however_many_are_declared(self) -> None:
        denied = replace(OPEN, failures_count=0, is_probing=True, breaker_until=NOW)
        row = after(denied, Outcome.UNAVAILABLE)
        assert (row.breaker, row.breaker_until, row.is_probing) == (BreakerState.OPEN, PROBE_AT, False)
        assert (row.failures_count, row.breaker_reason) == (1, "unavailable")


@pytest.mark.parametrize("row", [OPEN, replace(CLOSED, failures_count=2)])
def test_closing_leaves_all_else_on_the_row(row: SystemRow) -> None:
    told = replace(row, is_paused=True, active_bundle="b" * 64, rate_tokens=3.0)
    assert close(told) == replace(CLOSED, is_paused=True, active_bundle="b" * 64, rate_tokens=3.0)


@given(st.lists(st.sampled_from(Outcome), max_size=12), st.integers(1, 4))
def test_it_is_open_exactly_after_a_denial_or_enough_failures_since_the_last_answer(
    outcomes: list[Outcome], failures: int
) -> None:
    policy = BreakerPolicy(failures=failures, probe_after=timedelta(seconds=5))
    row = CLOSED
    for outcome in outcomes:
        row = after_outcome(row, outcome, now=NOW, policy=policy, reason="")
    last = max((no for no, each in enumerate(outcomes, 1) if each in ANSWERED_AS_ITSELF), default=0)
    since = outcomes[last:]
    is_open = Outcome.DENIED in since or since.count(Outcome.UNAVAILABLE) >= failures
    assert (row.breaker is BreakerState.OPEN) == is_open
    assert (row.breaker_until is not None) == (row.breaker_reason != "") == is_open


def test_what_counts_as_answered_is_a_closed_list() -> None:
    assert {*ANSWERED_AS_ITSELF} == {"taken", "queued_there", "duplicate", "refused"}
