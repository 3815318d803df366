"""What a system should hold: slots in the declared order, parts numbered by arrival, for good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.plan import Message, PartOf, Planned, part_of, parts_of, plan
from tests.unit.domain.samples import a_message

STEP = a_message("step", of=PartOf.STAGE, exists=lambda case, part: part["kind"] == "step")


def a_case(*stages: str, materials: tuple[str, ...] = (), kind: str = "step") -> dict[str, Any]:
    return {
        "stages": [{"id": each, "kind": kind} for each in stages],
        "materials": [{"id": each} for each in materials],
    }


def numbered(case: Any, numbers: dict[tuple[str, str], int] | None = None, message: Message = STEP) -> dict[str, int]:
    found = plan(case, [message], applies=True, numbers=numbers or {})
    return {each.part: each.part_no for each in found}


class TestAPlan:
    def test_of_a_system_that_does_not_take_the_case_is_empty(self) -> None:
        assert plan(a_case("s1"), [STEP, a_message()], applies=False, numbers={}) == []

    def test_has_one_slot_for_a_message_of_the_case(self) -> None:
        found = plan({}, [a_message("base")], applies=True, numbers={})
        assert found == [Planned(message="base", part="", part_no=1, input_mac=b"")]

    def test_is_in_the_declared_order_then_by_part_number(self) -> None:
        file = a_message("file", of=PartOf.MATERIAL)
        case = a_case("s2", "s1", materials=("m1",))
        found = plan(case, [file, STEP, a_message("done")], applies=True, numbers={("step", "s1"): 1})
        assert [(p.message, p.part, p.part_no) for p in found] == [
            ("file", "m1", 1),
            ("step", "s1", 1),
            ("step", "s2", 2),
            ("done", "", 1),
        ]

    def test_asks_each_part_whether_it_exists_and_what_it_reads(self) -> None:
        message = a_message(
            "step",
            of=PartOf.STAGE,
            exists=lambda case, part: part["kind"] == case["wanted"],
            inputs=lambda case, part: f"{case['wanted']} {part['id']}".encode(),
        )
        case = {"wanted": "step", "stages": [{"id": "s1", "kind": "other"}, {"id": "s2", "kind": "step"}]}
        found = plan(case, [message], applies=True, numbers={})
        assert found == [Planned(message="step", part="s2", part_no=1, input_mac=b"step s2")]

    def test_leaves_out_a_message_of_the_case_that_does_not_exist_for_it(self) -> None:
        assert plan({}, [a_message(exists=lambda case, part: False)], applies=True, numbers={}) == []


class TestPartNumbers:
    def test_follow_the_array_for_what_arrives_together(self) -> None:
        assert numbered(a_case("b", "a", "c")) == {"b": 1, "a": 2, "c": 3}

    def test_given_before_stay_when_the_array_is_reordered(self) -> None:
        known = {("step", "a"): 1, ("step", "b"): 2}
        assert numbered(a_case("b", "c", "a"), known) == {"a": 1, "b": 2, "c": 3}

    def test_are_not_given_again_after_a_part_is_gone(self) -> None:
        assert numbered(a_case("c"), {("step", "a"): 1, ("step", "b"): 2}) == {"c": 3}

    def test_go_on_after_the_highest_that_is_known(self) -> None:
        assert numbered(a_case("a", "b"), {("step", "a"): 7}) == {"a": 7, "b": 8}

    def test_are_each_messages_own(self) -> None:
        known = {("other", "a"): 7, ("other", "z"): 9}
        assert numbered(a_case("a"), known) == {"a": 1}

    def test_count_only_parts_that_the_message_takes(self) -> None:
        case = {"stages": [{"id": "a", "kind": "other"}, {"id": "b", "kind": "step"}]}
        assert numbered(case) == {"b": 1}

    @given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=6))
    def test_are_for_good_and_unique_whatever_comes_in_whatever_order(self, documents: list[list[str]]) -> None:
        known: dict[tuple[str, str], int] = {}
        for parts in documents:
            found = numbered(a_case(*parts), known)
            assert {part: no for (_, part), no in known.items() if part in found}.items() <= found.items()
            known |= {("step", part): no for part, no in found.items()}
            assert sorted(known.values()) == list(range(1, len(known) + 1))
            assert list(found.values()) == sorted(found.values())


ASSIGNED = [
    {"id": "a1", "kind": "assigned", "at": "2026-05-01T09:00:00+00:00", "assignee": {"name": "城管", "uscc": "U"}},
    {"id": "g1", "kind": "signed", "at": "2026-05-01T09:01:00+00:00", "org": {"name": "城管", "uscc": "U"}},
    {"id": "r1", "kind": "reassigned", "at": "2026-05-01T09:02:00+00:00", "assignee": {"name": "环境", "uscc": "E"}},
    {"id": "g2", "kind": "signed", "at": "2026-05-01T09:03:00+00:00", "org": {"name": "环境", "uscc": "E"}},
    {"id": "r2", "kind": "reassigned", "at": "2026-05-01T09:04:00+00:00", "assignee": {"name": "城管", "uscc": "U"}},
]
"""Urban's turn, ecology's, and urban's again."""


def of_turns(owner: str, *messages: Message, **numbers: int) -> list[tuple[str, str, int, bool]]:
    """What a system that takes the turns of one organisation should hold: message, part, number, whether it is over."""
    own = [replace(one, owns=lambda case, leg: leg["org"]["uscc"] == owner) for one in messages]
    known = {(messages[0].name, part): no for part, no in numbers.items()}
    found = plan({"stages": ASSIGNED}, own, applies=True, numbers=known)
    return [(one.message, one.part, one.part_no, one.is_over) for one in found]


class TestTurns:
    TASK = a_message("task", of=PartOf.LEG)
    CLOSING = a_message("closing", of=PartOf.LEG, closes="task")
    NOTE = a_message("note", of=PartOf.STAGE)
    BASE = a_message("base")

    def test_of_others_are_none_of_a_systems(self) -> None:
        assert of_turns("U", self.TASK) == [("task", "a1", 1, True), ("task", "r2", 2, False)]
        assert of_turns("E", self.TASK) == [("task", "r1", 1, True)]
        assert of_turns("X", self.TASK, self.NOTE, self.BASE) == []

    def test_have_the_same_number_in_every_message_of_them(self) -> None:
        found = of_turns("U", self.TASK, self.CLOSING)
        assert found == [("task", "a1", 1, True), ("task", "r2", 2, False), ("closing", "a1", 1, True)]
        assert of_turns("U", self.TASK, self.CLOSING, a1=4)[-1] == ("closing", "a1", 4, True)

    def test_take_the_stages_that_are_theirs(self) -> None:
        assert [part for _, part, _, _ in of_turns("U", self.NOTE)] == ["a1", "g1", "r2"]
        assert [part for _, part, _, _ in of_turns("E", self.NOTE)] == ["r1", "g2"]

    def test_make_a_message_of_the_case_over_once_all_are(self) -> None:
        assert of_turns("U", self.BASE) == [("base", "", 1, False)]
        assert of_turns("E", self.BASE) == [("base", "", 1, True)]


class TestParts:
    def test_of_a_message_of_the_case_are_one_without_a_name(self) -> None:
        assert parts_of(a_case("s1"), PartOf.CASE) == [("", None)]

    def test_are_stages_or_materials_with_their_ids(self) -> None:
        case = a_case("s1", "s2", materials=("m1",))
        assert parts_of(case, PartOf.STAGE) == [("s1", case["stages"][0]), ("s2", case["stages"][1])]
        assert parts_of(case, PartOf.MATERIAL) == [("m1", case["materials"][0])]

    def test_are_none_where_the_case_has_none(self) -> None:
        assert parts_of({}, PartOf.STAGE) == parts_of({"materials": None}, PartOf.MATERIAL) == []

    def test_are_found_by_id(self) -> None:
        case = a_case("s1", materials=("m1",))
        assert part_of(case, PartOf.STAGE, "s1") == case["stages"][0]
        assert part_of(case, PartOf.MATERIAL, "m1") == {"id": "m1"}
        assert part_of(case, PartOf.STAGE, "m1") is None
        assert part_of(case, PartOf.CASE, "") is None
