"""A system that is also a source joins a case: one case, one record at each system, and nothing goes back.

Design §6. food calls the case SP9, the window calls it QX1.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict
from syncgate.domain.outcome import Evidence, Found, Outcome, Reading
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.accepting.intake import append_stages, patch_case, post_case
from syncgate.flows.gate import Accepted, CaseRef
from syncgate.flows.operating import by_hand
from syncgate.flows.showing.reading import read_passport
from tests.integration.flows.altered import OPERATOR, altered, due_at, rewritten
from tests.integration.flows.worksite import Worksite, activate, answer, call, caller, taken
from tests.support.cases import a_stage, an_application

OURS = an_application("QX1")
FOODS = an_application("SP9", references={"window": "QX1"})
HELD = [("application", "delivered", "held_by_source")]
CORRECTED = {"contact": {"name": "李示例", "mobile": "15400000002"}}


def rows(site: Worksite, case_id: UUID) -> list[tuple[str, str, str | None]]:
    """food's deliveries that count, in the order of creation."""
    return [
        (d.message, d.phase.value, d.reason) for d in site.deliveries(case_id, "food") if d.phase is not Phase.CANCELLED
    ]


def sent(site: Worksite) -> list[tuple[str, str | None]]:
    """What left for food: operation and the number that it is addressed by."""
    return [(s.operation, s.keys.get("remote_ref") or s.keys.get("case_ref")) for s in site.systems["food"].sends]


def food_appends(site: Worksite, *stages: Any, number: str = "SP9") -> Accepted:
    ref = CaseRef(system="food", number=number)
    return site.run(append_stages(site.gate, caller("food"), ref, list(stages), call(stages)))


def food_lane_ref(site: Worksite, case_id: UUID) -> str | None:
    lane = site.store.read(lambda tx: tx.lane(case_id, "food"))
    assert lane is not None
    return lane.case_ref


def conserved(site: Worksite, case_id: UUID) -> None:
    """Promise 3: the counters are the rows."""
    counters = site.store.read(lambda tx: tx.counters())
    deliveries = site.store.read(lambda tx: tx.deliveries(case_id))
    counted = {key: count for key, count in counters.items() if count}
    found: dict[tuple[str, Phase, str], int] = {}
    for d in deliveries:
        key = (d.system, d.phase, d.reason or "")
        found[key] = found.get(key, 0) + 1
    assert counted == found


class TestFoodPostsFirst:
    def test_holds_its_own_record_and_is_sent_nothing(self, site: Worksite) -> None:
        accepted = site.post(an_application("SP9", stages=[a_stage("s1", "accepted")]), source="food")
        site.run_dry("food")
        assert sent(site) == []
        assert rows(site, accepted.case_id) == [*HELD, ("event", "delivered", "held_by_source")]
        conserved(site, accepted.case_id)

    def test_shows_in_the_receipt_and_in_the_history_of_its_own_kind(self, site: Worksite) -> None:
        accepted = site.post(an_application("SP9"), source="food")
        (placed,) = [d for d in accepted.deliveries if d.system == "food"]
        assert (placed.phase, placed.reason) == (Phase.DELIVERED, "held_by_source")
        (held,) = site.deliveries(accepted.case_id, "food")
        (entry,) = site.store.read(lambda tx: tx.attempts(held.delivery_id))
        assert (entry.kind, entry.outcome, entry.detail) == ("source", "held_by_source", {"submission_no": 1})
        assert (held.remote_ref, held.delivered_at, held.sent_at) == ("SP9", site.clock.at, None)

    def test_gets_the_stage_that_the_window_adds_and_only_it(self, site: Worksite) -> None:
        first = site.post(an_application("SP9"), source="food")
        stages = [a_stage("s1", "accepted")]
        joined = site.post(an_application("QX1", references={"food": "SP9"}, stages=stages))
        site.run_dry("food")
        assert (joined.case_id, joined.revision) == (first.case_id, 2)
        assert sent(site) == [("event", "SP9")]
        assert rows(site, first.case_id) == [*HELD, ("event", "delivered", None)]

    def test_gets_the_windows_correction_as_an_update_by_its_own_number(self, site: Worksite) -> None:
        first = site.post(an_application("SP9"), source="food")
        site.post(an_application("QX1", references={"food": "SP9"}, **CORRECTED))
        site.run_dry("food")
        assert sent(site) == [("replace", "SP9")]
        assert rows(site, first.case_id) == [*HELD, ("application", "delivered", None)]
        conserved(site, first.case_id)

    def test_corrects_its_own_record_and_is_not_told(self, site: Worksite) -> None:
        first = site.post(an_application("SP9"), source="food")
        site.post(an_application("SP9", **CORRECTED), source="food")
        site.patch(first.case_id, {"contact": {"mobile": "15400000003"}}, source="food")
        food_appends(site, a_stage("s1", "accepted"))
        site.run_dry("food")
        assert sent(site) == []
        assert sorted(rows(site, first.case_id)) == [*HELD * 3, ("event", "delivered", "held_by_source")]

    def test_is_not_asked_to_take_back_what_it_gave_up_itself(self, site: Worksite) -> None:
        """Its words decide what it holds; another's are told to it."""
        first = site.post(an_application("SP9"), source="food")
        elsewhere = {"item": {"task_code": "11990100MB0000001T3000131901009"}}
        site.patch(first.case_id, elsewhere, source="food")
        assert [(d.phase, d.change) for d in site.deliveries(first.case_id, "food")] == [
            (Phase.DELIVERED, None),
            (Phase.DELIVERED, Change.RETRACT),
        ]
        site.patch(first.case_id, {"item": {"task_code": OURS["item"]["task_code"]}}, source="food")
        site.post(an_application("QX1", references={"food": "SP9"}))
        site.patch(first.case_id, elsewhere, source="window")
        site.run_dry("food")
        assert sent(site) == []
        assert rows(site, first.case_id)[-1] == ("withdrawn", "parked", "missing"), "nobody withdrew it: no reason"

    def test_is_sent_a_new_record_where_it_gave_up_its_own(self, site: Worksite) -> None:
        """Promise 8: an update would be addressed to a record that is not there any more."""
        first = site.post(an_application("SP9"), source="food")
        site.patch(first.case_id, {"item": {"task_code": "11990100MB0000001T3000131901009"}}, source="food")
        site.post(an_application("QX1", references={"food": "SP9"}, **CORRECTED))
        site.step("food")
        assert [s.operation for s in site.systems["food"].sends] == ["create"]
        assert site.deliveries(first.case_id, "food")[-1].change is Change.CREATE


class TestTheWindowPostsFirst:
    def test_and_the_record_that_we_made_is_joined_without_an_echo(self, site: Worksite) -> None:
        first = site.post(OURS)
        site.systems["food"].script.append(taken("SP9"))
        site.run_dry("food")
        again = site.post(an_application("SP9"), source="food")
        more = site.post(FOODS, source="food")
        site.run_dry("food")
        assert (again.case_id, more.case_id) == (first.case_id, first.case_id)
        assert sent(site) == [("create", None)]
        conserved(site, first.case_id)

    def test_and_what_food_leaves_out_stays_and_does_not_go_back(self, site: Worksite) -> None:
        """It held all that was planned; what it says now is all that changed."""
        site.post(OURS)
        site.systems["food"].script.append(taken("SP9"))
        site.run_dry("food")
        brief = copy.deepcopy(FOODS) | CORRECTED
        del brief["form"]["从业人数"]
        joined = site.post(brief, source="food")
        site.run_dry("food")
        assert sent(site) == [("create", None)]
        view = site.document(joined.case_id)
        assert (view["case_no"], view["references"]) == ("QX1", {"window": "QX1", "food": "SP9"})
        assert (view["form"]["从业人数"], view["contact"]["name"]) == (12, "李示例")

    @pytest.mark.parametrize("is_parked", [False, True])
    def test_and_a_waiting_creation_gives_way(self, site: Worksite, is_parked: bool) -> None:
        first = site.post(OURS)
        if is_parked:
            site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
            site.run_dry("food")
        before = len(sent(site))
        site.post(FOODS, source="food")
        site.run_dry("food")
        assert len(sent(site)) == before
        assert [(d.phase.value, d.reason) for d in site.deliveries(first.case_id, "food")] == [
            ("cancelled", "superseded"),
            ("delivered", "held_by_source"),
        ]
        conserved(site, first.case_id)

    def test_and_what_food_lacks_goes_to_it_as_a_change(self, site: Worksite) -> None:
        first = site.post(an_application("QX1", stages=[a_stage("s1", "accepted")], agent={"name": "王示例"}))
        site.post(FOODS, source="food")
        site.run_dry("food")
        assert sent(site) == [("replace", "SP9"), ("event", "SP9")]
        assert rows(site, first.case_id)[0] == ("event", "delivered", None)

    def test_and_content_that_is_ours_word_for_word_still_shows_that_food_holds_it(self, site: Worksite) -> None:
        """Nothing is new in the case, so nothing is revised; the creation must not go out all the same."""
        first = site.post(an_application("QX1", references={"food": "SP9", "window": "QX1"}))
        again = site.post(an_application("SP9", references={"food": "SP9", "window": "QX1"}), source="food")
        site.run_dry("food")
        assert (again.case_id, again.is_unchanged, again.status) == (first.case_id, True, 200)
        assert again.receipt != first.receipt
        assert sent(site) == []
        assert rows(site, first.case_id) == HELD
        assert site.attempts(site.only(first.case_id, "food", "application")) == ["known_by_number", "held_by_source"]
        conserved(site, first.case_id)

    def test_and_a_word_of_food_s_own_does_not_say_what_else_it_holds(self, site: Worksite) -> None:
        """Only its number was known, and it names one field: all that is planned still goes to it."""
        site.post(an_application("QX1", references={"food": "SP9"}))
        ref = CaseRef(system="food", number="SP9")
        site.run(patch_case(site.gate, caller("food"), ref, CORRECTED, call(CORRECTED)))
        food_appends(site, a_stage("s1", "accepted"))
        site.run_dry("food")
        assert sent(site) == [("replace", "SP9")]
        assert site.systems["food"].sends[0].payload["contactName"] == "李示例"


class TestACreationThatMayHaveArrived:
    """Window first; our creation is under way or its answer was lost when food posts."""

    def lost(self, site: Worksite, *, arrived: bool) -> UUID:
        first = site.post(OURS)
        site.systems["food"].script.append(answer(Outcome.UNKNOWN))
        site.systems["food"].takes_silently = arrived
        site.step("food")
        assert site.only(first.case_id, "food", "application").phase is Phase.UNCONFIRMED
        return first.case_id

    def phases(self, site: Worksite, case_id: UUID) -> list[tuple[str, str | None]]:
        return [(d.phase.value, d.reason) for d in site.deliveries(case_id, "food")]

    def test_is_left_to_confirm_and_never_made_again_when_it_is_absent(self, site: Worksite) -> None:
        """Crash point: the answer was lost and nothing arrived. Promise 4, and one record at food."""
        case_id = self.lost(site, arrived=False)
        site.post(FOODS, source="food")
        assert self.phases(site, case_id)[0][0] == "unconfirmed"
        site.run_dry("food")
        assert [operation for operation, _ in sent(site)] == ["create"]
        assert self.phases(site, case_id) == [("cancelled", "superseded"), ("delivered", "held_by_source")]
        conserved(site, case_id)

    def test_is_delivered_when_it_is_found(self, site: Worksite) -> None:
        case_id = self.lost(site, arrived=True)
        site.post(FOODS, source="food")
        site.run_dry("food")
        assert [operation for operation, _ in sent(site)] == ["create"]
        assert self.phases(site, case_id) == [("delivered", None), ("delivered", "held_by_source")]

    @pytest.mark.parametrize("arrived", [False, True])
    def test_is_followed_by_an_update_where_food_says_something_else(self, site: Worksite, arrived: bool) -> None:
        """Which of the two came last nobody knows, so what is planned goes to food once more, as a change."""
        case_id = self.lost(site, arrived=arrived)
        site.post(FOODS | CORRECTED, source="food")
        site.run_dry("food")
        assert sent(site) == [("create", None), ("replace", "SP9")]
        assert rows(site, case_id)[-1] == ("application", "delivered", None)
        assert site.systems["food"].sends[-1].payload["contactName"] == "李示例"
        conserved(site, case_id)

    @pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.THROTTLED, Outcome.REFUSED])
    def test_is_not_tried_again_when_it_was_in_flight_and_not_taken(self, site: Worksite, outcome: Outcome) -> None:
        first = site.post(OURS)
        work = site.claim_one("food")
        site.post(FOODS, source="food")
        site.systems["food"].script.append(answer(outcome))
        site.settle(work, site.serve(work))
        site.run_dry("food")
        assert [operation for operation, _ in sent(site)] == ["create"]
        assert self.phases(site, first.case_id) == [("cancelled", "superseded"), ("delivered", "held_by_source")]

    def test_that_made_a_second_record_is_held_for_a_person(self, site: Worksite) -> None:
        """food gave our record another number than the one it posts: two records there, and somebody must say so."""
        first = site.post(OURS)
        work = site.claim_one("food")
        site.post(FOODS, source="food")
        site.systems["food"].script.append(taken("SP10"))
        site.settle(work, site.serve(work))
        site.run_dry("food")
        doubled = site.deliveries(first.case_id, "food")[0]
        assert (doubled.phase, doubled.reason, doubled.actor, doubled.remote_ref, doubled.due_at) == (
            Phase.UNCONFIRMED,
            "number_differs",
            "operator",
            "SP10",
            None,
        )
        assert food_lane_ref(site, first.case_id) == "SP9"

    @pytest.mark.parametrize("is_in_flight", [False, True])
    def test_is_not_sent_again_to_ask_about_it(self, site: Worksite, is_in_flight: bool) -> None:
        """Where only a probe can tell, the probe itself would make the second record: a person looks instead."""
        specs = site.gate.active_bundle("food").specs
        probed = {
            name: replace(spec, confirm=replace(spec.confirm, by="duplicate_probe")) for name, spec in specs.items()
        }
        site.run(activate(site.gate, [altered(site, "food", specs=probed)]))
        first = site.post(OURS)
        site.systems["food"].script.append(answer(Outcome.UNKNOWN))
        work = site.claim_one("food")
        if is_in_flight:
            site.post(FOODS, source="food")
        site.settle(work, site.serve(work))
        if not is_in_flight:
            site.post(FOODS, source="food")
        site.clock.move(hours=1)
        site.run_dry("food")
        open_one = site.deliveries(first.case_id, "food")[0]
        assert [operation for operation, _ in sent(site)] == ["create"]
        assert (open_one.phase, open_one.due_at, open_one.actor) == (Phase.UNCONFIRMED, None, "operator")


def test_a_mapping_that_waits_for_food_s_number_is_woken_by_the_join_that_brings_it(site: Worksite) -> None:
    """Nothing was ever sent to food; its own word brings its number."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {remote_ref: food}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    first = site.post(OURS)
    site.run_dry("province")
    assert due_at(site, "province") is None
    told: set[str] = set()
    site = replace(site, gate=replace(site.gate, on_due=told.update))
    site.post(FOODS, source="food")
    assert "province" in told
    site.run_dry("province")
    assert site.only(first.case_id, "province", "basic_info").phase is Phase.DELIVERED
    assert "SP9" in str(site.systems["province"].sends[0].payload)


def test_a_correction_of_food_s_own_takes_the_place_of_our_update_that_waits(site: Worksite) -> None:
    first = site.post(an_application("SP9"), source="food")
    site.post(an_application("QX1", references={"food": "SP9"}, **CORRECTED))
    own = an_application("SP9", contact={"name": "王示例", "mobile": "15400000009"})
    site.post(own, source="food")
    site.run_dry("food")
    assert sent(site) == []
    assert rows(site, first.case_id) == HELD * 2
    conserved(site, first.case_id)


def test_a_correction_while_our_update_is_in_flight_is_sent_after_it(site: Worksite) -> None:
    """Both were under way at once; food may hold either, so the case as it is now goes last."""
    first = site.post(an_application("SP9"), source="food")
    site.post(an_application("QX1", references={"food": "SP9"}, **CORRECTED))
    work = site.claim_one("food")
    site.post(an_application("SP9", contact={"name": "王示例", "mobile": "15400000009"}), source="food")
    site.settle(work, site.serve(work))
    site.run_dry("food")
    assert [s.payload["contactName"] for s in site.systems["food"].sends] == ["李示例", "王示例"]
    assert rows(site, first.case_id)[-1] == ("application", "delivered", None)


def test_a_stale_export_does_not_make_food_drift_from_the_others(site: Worksite) -> None:
    """food repeats an old word beside a new one: it says nothing new of its record, so that is set right again."""
    first = site.post(an_application("SP9"), source="food")
    site.post(an_application("QX1", references={"food": "SP9"}, **CORRECTED))
    site.run_dry("food")
    site.post(an_application("SP9", stages=[a_stage("s1", "accepted")]), source="food")
    site.run_dry("food")
    last = site.systems["food"].sends[-1].payload
    assert last["contactName"] == site.document(first.case_id)["contact"]["name"] == "张示例"


def test_both_say_the_same_again_alternately_and_the_revision_stops_moving(site: Worksite) -> None:
    ours, foods = an_application("QX1", **CORRECTED), FOODS
    first = site.post(ours)
    joined = site.post(foods, source="food")
    site.run_dry("food")
    before = sent(site)
    receipts = {"window": first.receipt, "food": joined.receipt}
    for _ in range(100):
        for source, document in (("window", ours), ("food", foods)):
            again = site.post(document, source=source)
            assert (again.revision, again.is_unchanged, again.status) == (2, True, 200)
            assert again.receipt == receipts[source]
    site.run_dry("food")
    assert sent(site) == before
    conserved(site, first.case_id)


def test_who_names_the_revision_may_say_its_own_word_again(site: Worksite) -> None:
    first = site.post(OURS)
    site.patch(first.case_id, CORRECTED)
    site.post(FOODS, source="food")
    stands = site.patch(first.case_id, CORRECTED)
    assert (stands.is_unchanged, site.document(first.case_id)["contact"]["name"]) == (True, "张示例")
    site.patch(first.case_id, CORRECTED, if_match=3)
    assert site.document(first.case_id)["contact"]["name"] == "李示例"


class TestNumbers:
    def test_a_reference_given_later_makes_no_second_record(self, site: Worksite) -> None:
        """A creation waits when we hear that food calls the case SP9: it holds a record, of untold content."""
        first = site.post(OURS)
        site.patch(first.case_id, {"references": {"food": "SP9"}})
        site.run_dry("food")
        assert sent(site) == [("replace", "SP9")]
        assert rows(site, first.case_id) == [
            ("application", "delivered", "known_by_number"),
            ("application", "delivered", None),
        ]
        assert food_lane_ref(site, first.case_id) == "SP9"

    def test_a_reference_is_never_taken_away(self, site: Worksite) -> None:
        first = site.post(an_application("QX1", references={"hall": "HL1"}))
        site.patch(first.case_id, {"references": {"hall": None}})
        site.patch(first.case_id, {"references": None})
        site.put(first.case_id, an_application("QX1", title="新"))
        assert site.document(first.case_id)["references"] == {"hall": "HL1"}

    @pytest.mark.parametrize(
        ("document", "source"),
        [
            (an_application("SP8", references={"window": "QX1"}), "food"),
            (an_application("QX1", references={"food": "SP8"}), "window"),
            (an_application("SP9", references={"window": "QX2"}), "food"),
            (an_application("SP9", references={"food": "SP8"}), "food"),
        ],
    )
    def test_a_number_other_than_the_one_known_is_refused(self, site: Worksite, document: Any, source: str) -> None:
        site.post(OURS)
        site.post(FOODS, source="food")
        with pytest.raises(Conflict) as refused:
            site.post(document, source=source)
        assert {error.rule for error in refused.value.errors} == {"reference_is_fixed"}

    def test_a_patch_cannot_give_a_source_another_number(self, site: Worksite) -> None:
        first = site.post(OURS)
        site.post(FOODS, source="food")
        for source in ("food", "window"):
            with pytest.raises(Conflict):
                site.patch(first.case_id, {"references": {source: "X1"}}, source=source)

    def test_references_that_point_at_two_cases_are_refused_in_a_post_and_in_a_patch(self, site: Worksite) -> None:
        first = site.post(OURS)
        site.post(an_application("SP1"), source="food")
        with pytest.raises(Conflict) as posted:
            site.post(an_application("SP1", references={"window": "QX1"}), source="food")
        with pytest.raises(Conflict) as patched:
            site.patch(first.case_id, {"references": {"food": "SP1"}})
        named = [(error.pointer, error.rule) for error in posted.value.errors]
        assert named == [("/case_no", "references_one_case"), ("/references/window", "references_one_case")]
        assert [error.rule for error in patched.value.errors] == ["references_one_case"]

    def test_a_known_stage_with_other_content_is_refused(self, site: Worksite) -> None:
        site.post(an_application("QX1", stages=[a_stage("s1", "accepted")]))
        with pytest.raises(Conflict):
            site.post(FOODS | {"stages": [a_stage("s1", "step")]}, source="food")

    def test_each_source_has_versions_of_its_own(self, site: Worksite) -> None:
        site.post(OURS | {"source_version": 7})
        joined = site.post(FOODS | {"source_version": 1}, source="food")
        site.post(FOODS | {"source_version": 2} | CORRECTED, source="food")
        assert site.document(joined.case_id)["source_version"] == 7

    def test_a_number_of_another_case_is_held_for_a_person_and_lost_by_nobody(self, site: Worksite) -> None:
        """Two creations get one number: whose record it is nobody knows, and an update could strike the other's."""
        one, other = site.post(an_application("QX1")), site.post(an_application("QX2"))
        for _ in range(2):
            site.systems["food"].script.append(taken("SP1"))
        site.run_dry("food")
        found = [site.only(accepted.case_id, "food", "application") for accepted in (one, other)]
        assert sorted((d.phase.value, d.reason, d.remote_ref) for d in found) == [
            ("delivered", None, "SP1"),
            ("unconfirmed", "number_known_elsewhere", "SP1"),
        ]
        (held,) = [d for d in found if d.phase is Phase.UNCONFIRMED]
        assert (held.due_at, held.actor) == (None, "operator")
        assert site.attempts(held) == ["unknown"]
        site.patch(held.case_id, CORRECTED)
        site.run_dry("food")
        assert len(sent(site)) == 2

    def test_a_person_who_finds_the_record_says_its_number(self, site: Worksite) -> None:
        """Without a number, or with another case's, the next change would strike the other record."""
        accepted = [site.post(an_application("QX1")), site.post(an_application("QX2"))]
        site.systems["food"].script.extend([taken("SP1"), taken("SP1")])
        site.run_dry("food")
        found = [site.only(each.case_id, "food", "application") for each in accepted]
        (held,) = [d for d in found if d.phase is Phase.UNCONFIRMED]
        for number in (None, "SP1"):
            with pytest.raises(Conflict):
                _confirmed(site, held, number)
        assert _confirmed(site, held, "SP2").phase is Phase.DELIVERED
        assert food_lane_ref(site, held.case_id) == "SP2"

    def test_a_number_of_another_case_that_a_look_up_shows_is_held_for_a_person(self, site: Worksite) -> None:
        site.post(an_application("SP1"), source="food")
        other = site.post(an_application("QX2"))
        system = site.systems["food"]
        system.script.append(answer(Outcome.UNKNOWN))
        system.takes_silently = True
        site.step("food")
        record = next(iter(system.held.values()))
        system.readings.append(Reading(Found.RECORD, Evidence("GET /", None, b"{}", 200), record, remote_ref="SP1"))
        site.run_dry("food")
        held = site.only(other.case_id, "food", "application")
        assert (held.phase, held.reason, held.due_at) == (Phase.UNCONFIRMED, "number_known_elsewhere", None)


def test_a_replay_of_the_first_key_names_what_came_with_it(site: Worksite) -> None:
    """Promise 2: also where one commit wrote two rows for one slot."""
    site.post(an_application("QX1", agent={"name": "王示例"}))
    joined = site.run(_posted(site, "K1"))
    site.clock.move(seconds=1)
    food_appends(site, a_stage("s1", "accepted"))
    again = site.run(_posted(site, "K1"))
    assert {d.delivery_id for d in again.deliveries} == {d.delivery_id for d in joined.deliveries}
    assert len([d for d in joined.deliveries if d.system == "food"]) == 2


def _confirmed(site: Worksite, delivery: Delivery, number: str | None) -> Delivery:
    confirming = by_hand.confirm(
        site.gate, OPERATOR, delivery.delivery_id, held=True, remote_ref=number, reason="looked it up there"
    )
    return site.run(confirming)


async def _posted(site: Worksite, key: str) -> Accepted:
    return await post_case(site.gate, caller("food"), FOODS, call(FOODS, key=key))


def test_where_a_case_stands_says_what_its_source_holds_itself(site: Worksite) -> None:
    first = site.post(an_application("SP9"), source="food")
    site.post(an_application("QX1", references={"food": "SP9"}, stages=[a_stage("s1", "accepted")]))
    site.run_dry("food")
    ref = CaseRef(case_id=first.case_id)
    passport = site.run(read_passport(site.gate, caller("food").principal, ref))
    (food,) = [holding for holding in passport.systems if holding.system == "food"]
    held = {slot.message: slot.holds.reason for slot in food.slots if slot.holds is not None}
    assert (food.is_origin, food.case_ref, held) == (True, "SP9", {"application": "held_by_source", "event": None})
