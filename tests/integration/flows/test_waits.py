"""A lane that waits for another system's number is woken when it comes, and costs nothing meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Found, Reading
from syncgate.ports import Request
from syncgate.site.compiler import compile_bundle
from tests.integration.flows.altered import (
    UNKNOWN,
    due_at,
    rewritten,
)
from tests.integration.flows.worksite import (
    KEYRING,
    ScriptedSystem,
    Worksite,
    activate,
    example_site,
)
from tests.support.cases import an_application


def test_a_wait_for_one_messages_number_is_no_loop_while_another_message_has_one(site: Worksite) -> None:
    """Promise 6; a lane claimed again and again without a wait, each time with an attempt more."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {remote_ref: food, message: event}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    site.post(an_application())
    site.run_dry("food")
    site.step("province")
    assert due_at(site, "province") is None


def test_a_lane_that_waits_for_a_number_is_woken_by_the_post_that_brings_it(site: Worksite) -> None:
    """Promise 3: `waits_for` never woken. Crash point: none is needed."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {case_ref: hall}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    accepted = site.post(an_application("QX1"))
    site.run_dry("province")
    site.post(an_application("HL7", references={"window": "QX1"}), source="hall")
    site.run_dry("province")
    assert site.only(accepted.case_id, "province", "basic_info").phase is Phase.DELIVERED


def test_two_waits_of_one_lane_end_each_by_itself(site: Worksite) -> None:
    """Promise 6: what waits for a number that came is not held up by another that did not."""
    old = site.gate.active_bundle("province")
    files = dict(old.files)
    for path, before, after in (
        ("mappings/province/basic_info.yaml", "projectname: case.title", "projectname: {remote_ref: food}"),
        ("mappings/province/material.yaml", "attrname: material.name", "attrname: {remote_ref: workorders}"),
        ("adapters/province/adapter.yaml", "    of: material\n", "    of: material\n    after: []\n"),
    ):
        text = files[path].decode()
        assert before in text, text
        files[path] = text.replace(before, after).encode()
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    bundle = compile_bundle("province", files, mac=mac, schema=example_site().schema)
    site.run(activate(site.gate, [bundle]))
    accepted = site.post(an_application())
    site.run_dry("province")
    site.run_dry("food")
    site.run_dry("province")
    assert site.only(accepted.case_id, "province", "basic_info").phase is Phase.DELIVERED


@dataclass
class NumberedSystem(ScriptedSystem):
    """Shows its number in a look-up where it is asked for, as the rest transport does."""

    async def look_up(self, request: Request, **how: Any) -> Reading:
        reading = await super().look_up(request, **how)
        is_there = reading.found is Found.RECORD and request.remote_ref_at
        return replace(reading, remote_ref="SPJY1") if is_there else reading


def test_a_look_up_that_finds_the_record_keeps_the_systems_number(site: Worksite) -> None:
    """Promises 3 and 6; crash point: the answer is lost. Without the number whoever waits for it waits for ever."""
    food = site.systems["food"] = NumberedSystem()
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    delivered = site.only(accepted.case_id, "food", "application")
    assert (delivered.phase, delivered.remote_ref) == (Phase.DELIVERED, "SPJY1")
