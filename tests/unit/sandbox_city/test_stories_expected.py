"""What the systems must hold of the cases that are there for one story alone."""

from __future__ import annotations

import threading
from typing import Any

from syncgate.sandbox.city import City, Life
from syncgate.sandbox.expected import expected_lines
from syncgate.sandbox.play.care import Operator
from syncgate.sandbox.play.gate import Gate


def lines_of(*lives: Life) -> dict[tuple[str, str], dict[str, Any]]:
    return {(line["system"], line["case_no"]): line for line in expected_lines(lives)}


def of_kind(line: dict[str, Any], operation: str) -> list[dict[str, Any]]:
    return [one for one in line["operations"] if one["operation"] == operation]


def test_a_merged_call_leaves_its_order_for_a_person_where_it_had_one(city: City) -> None:
    for pair in city.alike:
        lines = lines_of(pair.earlier, pair.later)
        stays, ended = (lines["workorders", life.case_no] for life in (pair.earlier, pair.later))
        assert [one["updates"] for one in stays["operations"]] == [0 if pair.how == "apart" else 1]
        assert len(ended["operations"]) == (0 if pair.how == "unsent" else 1)
        parked = [["order", "retraction_not_taken"]] if pair.how == "delivered" else []
        assert (stays["leftover"]["parked"], ended["leftover"]["parked"]) == ([], parked)


def test_a_retired_version_is_told_first_and_another_in_the_end(city: City) -> None:
    for life in city.given_back.retired:
        (accept,) = of_kind(lines_of(life)["frontdb", life.case_no], "up_pro_accept")
        assert [record["task_version"] for record in accept["records"]] == [2, 3]


def test_what_the_street_corrects_reaches_the_front_database_and_parks_at_province(city: City) -> None:
    for life in city.given_back.early:
        lines = lines_of(life)
        (accept,) = of_kind(lines["frontdb", life.case_no], "up_pro_accept")
        wrong, right = accept["records"]
        assert right["apply_date"] < right["accept_date"] == wrong["accept_date"] == wrong["apply_date"]
        province = lines["province", life.case_no]
        (file,) = of_kind(province, "receiveApplyFile")
        assert file["record"]["taketime"] == wrong["apply_date"]
        late = [["basic_info", "correction_not_taken"], ["material", "correction_not_taken"]]
        assert province["leftover"]["parked"] == late


def test_what_a_mapping_made_wrong_is_changed_once_at_food(city: City) -> None:
    for life in city.wrong_days:
        (application,) = of_kind(lines_of(life)["food", life.case_no], "create")
        assert (application["updates"], application["record"]["promiseDays"]) == (1, 5)


def test_an_early_stage_is_the_last_of_its_case_everywhere(city: City) -> None:
    for life in city.stage_first:
        lines = lines_of(life)
        (brought,) = life.calls[-1].body["stages"]
        steps = of_kind(lines["province", life.case_no], "receiveProc")
        assert (steps[-1]["record"]["nodename"], steps[-1]["submission"]) == (brought["name"], 2)
        assert all(event["is_own"] for event in of_kind(lines["food", life.case_no], "event"))


class OneParked(Gate):
    """A gate with two parked deliveries; what is requeued is kept."""

    def __init__(self) -> None:
        self.requeued: list[str] = []
        self.was_asked = threading.Event()

    def deliveries(self, **_: Any) -> list[dict[str, Any]]:
        return [{"delivery_id": f"of {case}", "case_id": case} for case in ("spared", "other")]

    def requeue(self, delivery_id: str) -> bool:
        self.requeued.append(delivery_id)
        self.was_asked.set()
        return True


def test_the_operator_leaves_what_a_story_is_about_alone() -> None:
    gate = OneParked()
    operator = Operator(gate)
    operator.spared |= {"spared"}
    operator.start()
    assert gate.was_asked.wait(20)
    operator.stop()
    assert set(gate.requeued) == {"of other"}
