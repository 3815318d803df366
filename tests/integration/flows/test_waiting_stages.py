"""A stage before its case (story 6): it is kept, and joins the case once, in order, whichever name the case comes by.

food calls the case SP9, the window calls it QX1.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from syncgate.domain.arrivals import Arrival
from syncgate.domain.errors import (
    CaseWithdrawn,
    Conflict,
    InvalidCase,
    KeyReused,
    NotFound,
    NotHeld,
    RequestError,
)
from syncgate.domain.rows import CaseState
from syncgate.flows.accepting.intake import append_stages, post_case
from syncgate.flows.accepting.waiting import AWAITS_CASE, join_come
from syncgate.flows.accepting.withdrawal import withdraw_case, withdrawal_in
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Accepted, CaseRef, Gate, Waiting
from syncgate.flows.taking_in import held
from syncgate.ports import Step
from syncgate.storage import GroupWriter, SqlStore
from tests.conftest import OpenStore
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.test_join_races import Chance, two_processes
from tests.integration.flows.worksite import Worksite, call, caller
from tests.support.cases import a_stage, an_application
from tests.support.rows import SetClock

FIRST = a_stage("s1", "accepted")
SECOND = a_stage("s2", "step", "2026-03-02T11:00:00+08:00")
CORRECTION = a_stage("c1", "corrected", "2026-03-02T12:00:00+08:00", corrects="s1", reason="误录")
ADMIN = replace(OPERATOR, role="operator", sources=())


def says(site: Worksite, *stages: Any, number: str = "SP9", key: str | None = None) -> Accepted | Waiting:
    """What food gets for stages of its own number."""
    ref = CaseRef(system="food", number=number)
    return site.run(append_stages(site.gate, caller("food"), ref, list(stages), call([number, *stages], key=key)))


def withdraws(site: Worksite, reason: str = "申请人不再办理", *, number: str = "SP9") -> Accepted | Waiting:
    ref, body = CaseRef(system="food", number=number), {"reason": reason}
    return site.run(withdraw_case(site.gate, caller("food"), ref, withdrawal_in(body), call([number, body])))


def joined_case(number: str = "QX1", own: str = "SP9") -> Any:
    return an_application(number, references={"food": own})


def arrivals(site: Worksite, *, states: Iterable[str] | None = None) -> list[Arrival]:
    found = site.store.read(
        lambda tx: tx.list_arrivals(sources=None, states=None, after=None, limit=500, is_oldest_first=True)
    )
    return [one for one in found if states is None or one.state.value in states]


def stages(site: Worksite, number: str = "SP9") -> list[str]:
    """The stages of food's case, in order."""
    case_id = site.store.read(lambda tx: tx.case_id_by_ref("food", number))
    assert case_id is not None
    return [stage["id"] for stage in site.document(case_id).get("stages", ())]


def held_codes(site: Worksite) -> list[str]:
    return [one.code for one in arrivals(site, states=("held",))]


class TestWhileItsCaseIsNotKnown:
    def test_it_is_kept_and_its_source_is_told_where_it_waits(self, site: Worksite) -> None:
        kept = says(site, FIRST)
        assert isinstance(kept, Waiting)
        (arrival,) = arrivals(site)
        assert (kept.arrival_id, kept.source, kept.number) == (arrival.arrival_id, "food", "SP9")
        assert (arrival.state, arrival.code, arrival.awaits) == ("held", AWAITS_CASE, "SP9")

    def test_the_same_call_again_waits_once(self, site: Worksite) -> None:
        assert says(site, FIRST) == says(site, FIRST)
        assert says(site, SECOND, key="k") == says(site, SECOND, key="k")
        assert len(arrivals(site)) == 2
        with pytest.raises(KeyReused):
            says(site, FIRST, key="k")

    def test_a_stage_that_contradicts_one_that_waits_is_refused_at_once(self, site: Worksite) -> None:
        says(site, FIRST)
        with pytest.raises(Conflict) as caught:
            says(site, FIRST | {"kind": "step"})
        assert [(one.pointer, one.rule) for one in caught.value.errors] == [("/stages/0", "known_with_other_content")]
        assert len(arrivals(site)) == 1

    def test_a_stage_that_no_case_could_take_is_refused_at_once(self, site: Worksite) -> None:
        with pytest.raises(InvalidCase) as caught:
            says(site, FIRST, SECOND | {"kind": "unheard_of", "at": "yesterday"})
        assert {one.pointer for one in caught.value.errors} == {"/stages/1/kind", "/stages/1/at"}
        with pytest.raises(InvalidCase) as caught:
            site.run(
                withdraw_case(
                    site.gate,
                    caller("food"),
                    CaseRef(system="food", number="SP9"),
                    withdrawal_in({"reason": "撤", "at": "yesterday"}),
                    call({}),
                )
            )
        assert [one.pointer for one in caught.value.errors] == ["/at"]
        assert arrivals(site) == []

    @pytest.mark.parametrize(
        "ref", [CaseRef(system="window", number="QX1"), CaseRef(case_id=OPERATOR.principal_id)], ids=["other", "ours"]
    )
    def test_another_name_than_its_own_number_is_not_found(self, site: Worksite, ref: CaseRef) -> None:
        with pytest.raises(NotFound):
            site.run(append_stages(site.gate, caller("food"), ref, [FIRST], call(FIRST)))
        assert arrivals(site) == []

    def test_an_operators_withdrawal_and_a_named_revision_do_not_wait(self, site: Worksite) -> None:
        ref, why = CaseRef(system="food", number="SP9"), withdrawal_in({"reason": "撤"})
        operator = replace(caller(""), principal=ADMIN)
        with pytest.raises(NotFound):
            site.run(withdraw_case(site.gate, operator, ref, why, call({})))
        with pytest.raises(NotFound):
            site.run(append_stages(site.gate, caller("food"), ref, [FIRST], call(FIRST, if_match=3)))

    def test_a_person_sees_it_masked_and_drops_it(self, site: Worksite) -> None:
        person = {"pickup": {"way": "mail", "name": "张示例"}}
        kept = says(site, FIRST | person)
        assert isinstance(kept, Waiting)
        seen = site.run(held.read_arrival(site.gate, ADMIN, kept.arrival_id))
        assert seen.arrival.number == "SP9"
        assert seen.records is not None and seen.records[0]["id"] == "s1"
        assert "张示例" not in str(seen.records)
        site.run(held.drop(site.gate, ADMIN, kept.arrival_id, reason="录错编号"))
        site.post(joined_case())
        site.run(join_come(site.gate))
        assert stages(site) == []

    def test_a_dropped_call_with_a_key_is_not_kept_again(self, site: Worksite) -> None:
        kept = says(site, FIRST, key="k")
        assert isinstance(kept, Waiting)
        site.run(held.drop(site.gate, ADMIN, kept.arrival_id, reason="录错编号"))
        with pytest.raises(NotHeld):
            says(site, FIRST, key="k")


class TestOnceItsCaseComes:
    @pytest.mark.parametrize(
        ("source", "document"),
        [("food", an_application("SP9")), ("window", joined_case())],
        ids=["its own post", "another's reference"],
    )
    def test_it_joins_in_order_and_once(self, site: Worksite, source: str, document: Any) -> None:
        says(site, FIRST)
        says(site, SECOND)
        accepted = site.post(document, source=source)
        assert stages(site) == ["s1", "s2"]
        assert [(one.state, one.awaits, one.case_id) for one in arrivals(site)] == [
            ("taken", None, accepted.case_id)
        ] * 2
        site.run(join_come(site.gate))
        again = says(site, FIRST)
        assert isinstance(again, Accepted) and again.is_unchanged
        assert stages(site) == ["s1", "s2"]

    def test_it_joins_by_a_reference_that_comes_later(self, site: Worksite) -> None:
        says(site, FIRST)
        accepted = site.post(an_application("QX1"))
        assert site.document(accepted.case_id).get("stages", []) == []
        site.patch(accepted.case_id, {"references": {"food": "SP9"}})
        assert stages(site) == ["s1"]

    def test_it_joins_once_its_system_tells_the_number_by_which_it_took_the_case(self, site: Worksite) -> None:
        """food answers a post of ours with R1; its own stage of R1 was faster than our note of that number."""
        kept = says(site, FIRST, number="R1")
        assert isinstance(kept, Waiting)
        site.post(an_application("QX1"))
        site.run_dry("food")
        site.run(join_come(site.gate))
        assert stages(site, "R1") == ["s1"]

    def test_its_source_holds_it_and_is_not_sent_it(self, site: Worksite) -> None:
        says(site, FIRST)
        site.post(an_application("SP9"), source="food")
        site.run_dry("food")
        assert site.systems["food"].sends == []

    def test_nothing_is_handed_over_before_it_joins(self, site: Worksite, handed: list[Any]) -> None:
        site.grant("province", limit=10)
        withdraws(site)
        accepted = site.post(joined_case())
        assert handed == []
        site.run_dry("province")
        assert site.systems["province"].sends == []
        assert {d.phase.value for d in site.deliveries(accepted.case_id, "province")} == {"cancelled"}

    def test_the_call_again_answers_as_a_submission(self, site: Worksite) -> None:
        says(site, FIRST, key="k")
        accepted = site.post(joined_case())
        again = says(site, FIRST, key="k")
        assert isinstance(again, Accepted)
        assert (again.case_id, again.revision) == (accepted.case_id, 2)
        assert len(site.store.read(lambda tx: tx.list_submissions(accepted.case_id))) == 2

    def test_a_withdrawal_withdraws_it(self, site: Worksite) -> None:
        says(site, FIRST)
        withdraws(site)
        accepted = site.post(joined_case())
        case = site.store.read(lambda tx: tx.case(accepted.case_id))
        assert case is not None and case.state is CaseState.WITHDRAWN
        stage = site.document(accepted.case_id)["stages"][-1]
        assert (stage["kind"], stage["at"]) == ("withdrawn", site.clock.at.isoformat(timespec="milliseconds"))

    def test_a_correction_joins_though_what_it_corrects_came_behind_it(self, site: Worksite) -> None:
        says(site, CORRECTION)
        says(site, FIRST)
        site.post(joined_case())
        assert stages(site) == ["s1", "c1"]
        assert held_codes(site) == []

    def test_what_contradicts_the_case_is_held_with_the_reason_and_the_rest_joins(self, site: Worksite) -> None:
        says(site, FIRST)
        says(site, SECOND)
        site.post(joined_case() | {"stages": [FIRST | {"kind": "step"}]})
        assert stages(site) == ["s1", "s2"]
        (left,) = arrivals(site, states=("held",))
        assert (left.code, left.awaits) == ("conflict", None)
        (seen,) = site.run(held.list_arrivals(site.gate, ADMIN))
        assert [(one.pointer, one.rule) for one in seen.errors] == [("/stages/0", "known_with_other_content")]
        with pytest.raises(RequestError) as caught:
            says(site, FIRST)
        assert caught.value.code == "conflict"

    def test_a_correction_of_something_unknown_is_held_until_that_is_there(self, site: Worksite) -> None:
        kept = says(site, CORRECTION)
        assert isinstance(kept, Waiting)
        site.post(joined_case())
        (left,) = site.run(held.list_arrivals(site.gate, ADMIN))
        assert [one.rule for one in left.errors] == ["corrects_known_stage"]
        says(site, FIRST)
        (dry,) = site.run(held.replay(site.gate, ADMIN, kept.arrival_id, reason="补录", is_dry_run=True))
        assert (dry.fate, stages(site)) == ("changed", ["s1"])
        (done,) = site.run(held.replay(site.gate, ADMIN, kept.arrival_id, reason="补录"))
        assert (done.fate, stages(site)) == ("changed", ["s1", "c1"])
        (taken,) = [one for one in arrivals(site) if one.arrival_id == kept.arrival_id]
        assert (taken.ended_by, taken.reason) == ("operator", "补录")

    def test_a_replay_while_its_case_is_not_known_leaves_it_waiting(self, site: Worksite) -> None:
        kept = says(site, FIRST)
        assert isinstance(kept, Waiting)
        for dry_run in (True, False):
            (found,) = site.run(held.replay(site.gate, ADMIN, kept.arrival_id, reason="试", is_dry_run=dry_run))
            assert (found.fate, found.refused is not None) == ("held", True)
        site.post(joined_case())
        assert stages(site) == ["s1"]

    def test_what_is_said_behind_something_that_waits_still_joins_behind_it(self, site: Worksite) -> None:
        """A process died between the case and the join: the stage that comes then does not overtake."""
        says(site, FIRST)
        dying(site, lambda gate: at(site, gate).post(joined_case()), after=1)
        assert stages(site) == []
        told = says(site, SECOND)
        assert isinstance(told, Accepted)
        assert stages(site) == ["s1", "s2"]

    def test_who_is_told_of_a_refusal_leaves_nothing_for_a_person(self, site: Worksite) -> None:
        withdraws(site)
        dying(site, lambda gate: at(site, gate).post(joined_case()), after=1)
        with pytest.raises(CaseWithdrawn):
            says(site, FIRST)
        assert [one.state for one in arrivals(site)] == ["taken", "refused"]


@pytest.mark.parametrize("own", [False, True], ids=["another's reference", "its own post"])
def test_any_order_of_arrival_gives_the_same_case(site: Worksite, own: bool) -> None:
    """All 24 orders of the case, two stages and a correction; only what corrects a stage that is not there yet in a
    known case is refused, to its caller or held, and said again it joins too."""
    contents = []
    for no, order in enumerate(itertools.permutations(("case", FIRST, SECOND, CORRECTION))):
        number = f"SP{no}"
        for one in order:
            if one != "case":
                told_or_kept(site, one, number)
            elif own:
                site.post(an_application(number), source="food")
            else:
                site.post(joined_case(f"QX{no}", number))
        told_or_kept(site, CORRECTION, number)
        for left in arrivals(site, states=("held",)):
            site.run(held.replay(site.gate, ADMIN, left.arrival_id, reason="补录"))
        case_id = site.store.read(lambda tx, number=number: tx.case_id_by_ref("food", number))  # type: ignore[misc]
        assert case_id is not None
        document = site.document(case_id)
        document["stages"].sort(key=lambda stage: stage["id"])
        slots = sorted((d.message, d.part) for d in site.deliveries(case_id, "province"))
        content = {name: value for name, value in document.items() if name not in ("case_no", "references")}
        contents.append((content, slots))
        assert len(document["stages"]) == 3
    assert all(content == contents[0] for content in contents)
    assert held_codes(site) == []


def told_or_kept(site: Worksite, stage: Any, number: str) -> None:
    try:
        says(site, stage, number=number)
    except InvalidCase as error:
        assert [one.rule for one in error.errors] == ["corrects_known_stage"]
    except RequestError as error:
        assert error.code == "invalid_case"


def test_a_stage_and_its_case_that_two_processes_take_at_once_are_one_case_with_one_stage(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """Neither may see what the other has not committed: then the look that every process takes joins them."""
    site, stores = two_processes(open_store, postgres_url, clock)
    numbers = [f"SP{no}" for no in range(60)]
    with ThreadPoolExecutor(2) as pool:
        said = pool.submit(in_a_process, site, stores[0], [partial(one_says, number) for number in numbers])
        posted = pool.submit(in_a_process, site, stores[1], [partial(one_posts, number) for number in numbers])
        answers = [*said.result(), *posted.result()]
    assert [one for one in answers if not isinstance(one, Accepted | Waiting)] == []
    site.run(join_come(site.gate))
    assert {tuple(stages(site, number)) for number in numbers} == {("s1",)}
    assert {one.state for one in arrivals(site)} <= {"taken"}


async def one_says(number: str, gate: Gate) -> Accepted | Waiting:
    return await append_stages(gate, caller("food"), CaseRef(system="food", number=number), [FIRST], call([number]))


async def one_posts(number: str, gate: Gate) -> Accepted:
    document = an_application(number)
    return await post_case(gate, caller("food"), document, call(document))


def in_a_process(site: Worksite, store: SqlStore, acts: Sequence[Callable[[Gate], Any]]) -> list[Any]:
    """What they come to, all under way at once in a process with a writer of its own."""

    async def act() -> list[Any]:
        writer = GroupWriter(store)
        gate = replace(site.gate, writer=writer, entropy=Chance(), hand_over=HandOver("serve"))
        try:
            return list(await asyncio.gather(*(one(gate) for one in acts), return_exceptions=True))
        finally:
            await writer.aclose()

    return asyncio.run(act())


# --- crashes


class Died(BaseException):
    """The process ended."""


@dataclass
class Dying:
    """A writer of a process that dies at its n-th write, just before or just after the commit."""

    writer: Any
    after: int
    is_committed: bool

    async def write(self, step: Step[Any]) -> Any:
        self.after -= 1
        if self.after < 0 and not self.is_committed:
            raise Died
        result = await self.writer.write(step)
        if self.after < 0:
            raise Died
        return result

    async def read(self, step: Step[Any]) -> Any:
        return await self.writer.read(step)

    @property
    def is_taking(self) -> bool:
        return True


def at(site: Worksite, gate: Gate) -> Worksite:
    return replace(site, gate=gate)


def dying(site: Worksite, act: Callable[[Gate], object], *, after: int, is_committed: bool = False) -> bool:
    """Does it in a process that dies at the write after so many; gives whether it died."""
    gate = replace(site.gate, writer=Dying(site.gate.writer, after, is_committed))
    try:
        act(gate)
    except Died:
        return True
    return False


@pytest.mark.parametrize("is_committed", [False, True], ids=["before the commit", "after the commit"])
def test_a_process_that_dies_anywhere_between_keep_and_join_loses_nothing_and_doubles_nothing(
    site: Worksite, is_committed: bool
) -> None:
    """Crash points: every commit of keeping two stages, posting the case and joining each (promises 1, 2 and 3).

    Who got no answer calls again, and the look of the next process joins what is left.
    """
    for after in itertools.count():
        number = f"SP{after}"
        acts = [
            lambda gate, number=number: says(at(site, gate), FIRST, number=number, key=f"a{number}"),
            lambda gate, number=number: says(at(site, gate), SECOND, number=number),
            lambda gate, number=number: at(site, gate).post(joined_case(f"Q{number}", number)),
        ]
        is_dead = False
        left = after
        for act in acts:
            counting = Counting(site.gate.writer)
            if not is_dead and dying(site, act, after=left, is_committed=is_committed):
                is_dead = True
                site.run(join_come(site.gate))
            act(replace(site.gate, writer=counting))
            left -= counting.writes if not is_dead else 0
        site.run(join_come(site.gate))
        assert stages(site, number) == ["s1", "s2"]
        case_id = site.store.read(lambda tx, number=number: tx.case_id_by_ref("food", number))  # type: ignore[misc]
        changes = [one for one in site.store.read(lambda tx, c=case_id: tx.list_submissions(c)) if one.is_change]  # type: ignore[misc]
        assert len(changes) == 3
        assert held_codes(site) == []
        if not is_dead:
            assert after >= 5, "the crash points were reached"
            return


@dataclass
class Counting:
    """A writer that counts."""

    writer: Any
    writes: int = 0

    async def write(self, step: Step[Any]) -> Any:
        self.writes += 1
        return await self.writer.write(step)

    async def read(self, step: Step[Any]) -> Any:
        return await self.writer.read(step)

    @property
    def is_taking(self) -> bool:
        return True
