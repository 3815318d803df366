"""A check says what the same post then does, and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, InvalidCase, RequestError, StaleRevision
from syncgate.flows.accepting.check import CheckedCase, Expected, check_case
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.gate import Accepted
from syncgate.ports import CaseFilter
from syncgate.sandbox.city.build import build_city
from syncgate.storage import SqlStore
from syncgate.storage.migrations import migrate
from tests.integration.flows.altered import altered, rewritten
from tests.integration.flows.worksite import KEYRING, Worksite, activate, call, caller, worksite
from tests.support.cases import a_hotline_case, a_stage, an_application
from tests.support.rows import SetClock

UNMAPPED = {
    "主体业态": "7",
    "经营项目": ["热食类食品制售"],
    "经营场所": "东示区示例路1号",
    "经营面积": 120,
    "从业人数": 12,
}


def check(site: Worksite, document: Any, *, source: str = "window", if_match: int | None = None) -> CheckedCase:
    asked = call(document, if_match=if_match)
    return site.run(check_case(site.gate, caller(source), document, asked))


def stored(site: Worksite) -> Any:
    """All that a post or a claim could have written."""

    def read(tx: Any) -> Any:
        cases = tx.list_cases(CaseFilter(), after=None, limit=1000)
        ids = [case.case_id for case in cases]
        rows = [(tx.list_submissions(i), tx.lanes(i), tx.deliveries(i)) for i in ids]
        return cases, rows, tx.counters(), tx.systems(), tx.list_refusals(limit=10)

    return site.store.read(read)


def slot(checked: CheckedCase, system: str, message: str, part: str = "") -> Expected:
    (found,) = [d for d in checked.deliveries if (d.system, d.message, d.part) == (system, message, part)]
    return found


def test_of_a_new_case_it_tells_every_slot_and_stores_nothing(site: Worksite) -> None:
    before = stored(site)
    checked = check(site, an_application(stages=[a_stage("s1", "accepted")]))
    assert stored(site) == before
    assert (checked.case_id, checked.revision, checked.is_unchanged, checked.is_joining) == (None, 1, False, False)
    assert {d.system for d in checked.deliveries} == {"food", "province"}
    assert all(d.is_changed for d in checked.deliveries)
    assert slot(checked, "food", "application").phase is Phase.PENDING


def test_what_would_park_is_told_with_field_and_rule_and_no_value(site: Worksite) -> None:
    checked = check(site, an_application(form=UNMAPPED))
    parked = slot(checked, "food", "application")
    assert (parked.phase, parked.reason, parked.actor) == (Phase.PARKED, "unmapped_code", "table")
    assert "unmapped_code" in {fault.rule for fault in parked.faults}
    assert all(fault.field and fault.path for fault in parked.faults if fault.rule == "unmapped_code")
    assert "张示例" not in repr(checked)


def test_what_waits_for_another_systems_number_says_for_which(site: Worksite) -> None:
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {case_ref: hall}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    waiting = slot(check(site, an_application()), "province", "basic_info")
    assert (waiting.phase, waiting.waits_for) == (Phase.PENDING, "hall")
    free = slot(check(site, an_application(references={"hall": "H1"})), "province", "basic_info")
    assert (free.phase, free.waits_for) == (Phase.PENDING, None)


def test_of_a_known_case_it_tells_what_would_change(site: Worksite) -> None:
    posted = site.post(an_application())
    site.run_dry("food")
    same = check(site, an_application())
    assert (same.case_id, same.revision, same.is_unchanged) == (posted.case_id, 1, True)
    assert not any(d.is_changed for d in same.deliveries)
    assert slot(same, "food", "application").phase is Phase.DELIVERED
    changed = check(site, an_application(title="关于张示例的另一申请", channel="app"))
    assert (changed.revision, changed.is_unchanged) == (2, False)


def test_a_correction_that_a_system_does_not_take_is_told_before_it_is_posted(site: Worksite) -> None:
    site.post(an_application())
    site.run_dry("food")
    site.run_dry("province")
    checked = check(site, an_application(title="关于张示例的另一申请"))
    told = [d for d in checked.deliveries if (d.system, d.message, d.is_changed) == ("province", "basic_info", True)]
    assert [(d.phase, d.reason, d.actor) for d in told] == [(Phase.PARKED, "correction_not_taken", "operator")]


def test_a_reference_tells_that_the_post_would_join(site: Worksite) -> None:
    posted = site.post(an_application())
    joining = an_application("HALL-1", references={"window": "QX2026000001"})
    checked = check(site, joining, source="hall")
    assert (checked.case_id, checked.is_joining) == (posted.case_id, True)
    site.post(joining, source="hall")
    assert check(site, joining, source="hall").is_joining is False


def test_what_a_post_is_refused_for_a_check_is_refused_for(site: Worksite) -> None:
    site.post(an_application(references={"hall": "H1"}))
    with pytest.raises(InvalidCase):
        check(site, an_application(channel="fax"))
    with pytest.raises(InvalidCase):
        check(site, an_application(references={"nowhere": "1"}))
    with pytest.raises(Conflict):
        check(site, an_application(references={"hall": "H2"}))
    with pytest.raises(StaleRevision):
        check(site, an_application(channel="app"), if_match=7)


def test_a_pause_and_an_open_breaker_change_nothing_of_what_is_told(site: Worksite) -> None:
    free = check(site, an_application()).deliveries
    for system in ("food", "province"):
        row = replace(site.row(system), is_paused=True)
        site.write(lambda tx, row=row: tx.save_system(row))  # type: ignore[misc]
    assert check(site, an_application()).deliveries == free


def test_of_a_system_in_shadow_mode_it_tells_whether_it_could_be_sent(site: Worksite) -> None:
    site.run(activate(site.gate, [altered(site, "workorders", mode="shadow")]))
    told = check(site, a_hotline_case()).deliveries
    assert [(d.phase, d.reason) for d in told if d.system == "workorders"] == [(Phase.PENDING, "")]


def test_a_check_uses_up_no_grant(site: Worksite, handed: list[Any]) -> None:
    site.post(an_application("A"))
    site.run_dry("food")
    site.grant("food", limit=1)
    check(site, an_application("B"))
    assert site.gate.hand_over.drain("food") == 1
    assert handed == []


def test_a_rehearsal_refuses_what_it_does_not_know(site: Worksite) -> None:
    rehearsal = site.store.read(Rehearsal)
    with pytest.raises(AttributeError):
        rehearsal.tx.save_principal  # noqa: B018


# what is told is what then happens


@contextmanager
def a_site(folders: pytest.TempPathFactory) -> Iterator[Worksite]:
    """A worksite on a store of its own."""
    url = f"sqlite:///{folders.mktemp('check') / 'gate.db'}"
    migrate(url)
    clock = SetClock()
    store = SqlStore(url, keyring=KEYRING, clock=clock)
    try:
        yield worksite(store, clock)
    finally:
        store.close()


def outcome(act: Any) -> Any:
    try:
        return act()
    except RequestError as error:
        return (error.code, [(each.pointer, each.rule) for each in error.errors])


def agree(site: Worksite, document: Any, *, source: str) -> None:
    """Checks, posts, sends all that can be sent, and holds the three against each other."""
    before = stored(site)
    told = outcome(lambda: check(site, document, source=source))
    assert stored(site) == before
    done = outcome(lambda: site.post(document, source=source))
    if not isinstance(done, Accepted):
        assert told == done
        return
    assert isinstance(told, CheckedCase)
    assert (told.case_no, told.revision, told.is_unchanged) == (done.case_no, done.revision, done.is_unchanged)
    assert told.warnings == done.warnings
    assert told.case_id in (None, done.case_id)
    assert [_told(d) for d in told.deliveries] == [(d.system, d.message, d.part) for d in done.deliveries]
    for system in site.gate.active:
        site.run_dry(system)
    for expected, placed in zip(told.deliveries, done.deliveries, strict=True):
        now = site.store.read(lambda tx, placed=placed: tx.delivery(placed.delivery_id))  # type: ignore[misc]
        if now.phase is Phase.PENDING:
            assert expected.phase in (Phase.PENDING, Phase.PARKED)  # something before it is parked
        elif expected.phase is Phase.PENDING and expected.waits_for is None:
            assert now.phase is Phase.DELIVERED
        elif expected.waits_for is None:
            assert (now.phase, now.reason or "") == (expected.phase, expected.reason)


def _told(expected: Expected) -> tuple[str, str, str]:
    return (expected.system, expected.message, expected.part)


FORMS = st.sampled_from([an_application()["form"], UNMAPPED, {}])
APPLICATIONS = st.fixed_dictionaries(
    {
        "form": FORMS,
        "channel": st.sampled_from(["window", "app", "fax"]),
        "title": st.sampled_from(["关于张示例的食品经营许可", "另一个标题", "𠀀" * 20, "长" * 400]),
    },
    optional={
        "stages": st.lists(st.sampled_from(["applied", "accepted", "step", "finished"]), max_size=3, unique=True).map(
            lambda kinds: [a_stage(f"s-{kind}", kind) for kind in kinds]
        ),
        "references": st.sampled_from([{"window": "N0"}, {"hall": "N1"}, {"food": "F1"}, {"food": "F2", "hall": "N0"}]),
        "contact": st.sampled_from([{"name": "王样本", "mobile": "15400000002"}, {"name": "\U0001f600"}]),
    },
)
POSTS = st.lists(
    st.tuples(st.sampled_from(["window", "hall", "food"]), st.sampled_from(["N0", "N1"]), APPLICATIONS), max_size=5
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(POSTS)
def test_what_is_told_is_what_then_happens(tmp_path_factory: pytest.TempPathFactory, posts: Any) -> None:
    with a_site(tmp_path_factory) as site:
        for source, number, changes in posts:
            agree(site, an_application(number, **changes), source=source)


def test_it_tells_truly_of_the_whole_city(tmp_path_factory: pytest.TempPathFactory) -> None:
    city = build_city(case_count=25, hotline_count=5)
    with a_site(tmp_path_factory) as site:
        for life in city.lives:
            for each in life.calls:
                if each.method == "POST" and each.path == "/v1/cases":
                    agree(site, each.body, source="window")
        agree(site, a_hotline_case(), source="window")
