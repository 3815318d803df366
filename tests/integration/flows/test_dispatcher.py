"""The asynchronous shell: defects, and stopping in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.flows.accepting.intake import post_case
from syncgate.flows.delivering.dispatch import Dispatcher, DispatchSettings
from syncgate.ports import Request, Step
from syncgate.storage import SqlStore
from tests.integration.flows.altered import (
    LONGEST_REQUEST,
    VISIBLE_AFTER,
    altered,
)
from tests.integration.flows.worksite import (
    WORKER,
    ScriptedSystem,
    Worksite,
    activate,
    answer,
    call,
    caller,
)
from tests.support.cases import an_application
from tests.support.rows import SetClock

T = TypeVar("T")


def dispatching(site: Worksite) -> Dispatcher:
    return Dispatcher(site.gate, site.system_of, DispatchSettings(owner=WORKER, poll_interval=timedelta(seconds=0.05)))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


@dataclass
class BrokenSystem(ScriptedSystem):
    """Its transport has a defect that shows after the bytes left."""

    async def send(self, request: Request) -> Any:
        self.sends.append(request)
        raise RuntimeError


def test_after_a_defect_in_a_send_absence_is_not_believed_while_the_request_can_still_run(site: Worksite) -> None:
    """Promise 4; crash point: an exception of ours after the bytes left. `final_after` never comes either."""
    site.systems["food"] = BrokenSystem()
    accepted = site.post(an_application())

    async def history() -> None:
        dispatcher = dispatching(site)
        dispatcher.start()
        await until(lambda: site.only(accepted.case_id, "food", "application").phase is Phase.UNCONFIRMED)
        await dispatcher.stop()

    site.run(history())
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.due_at is not None
    assert delivery.due_at >= site.clock.at + LONGEST_REQUEST + VISIBLE_AFTER


@dataclass
class SlowWriter:
    """Commits at once, and tells of it a little later; as a writer thread does."""

    store: SqlStore
    is_slow: bool = False
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, step: Step[T]) -> T:
        (result,) = self.store.write([step])
        if self.is_slow:
            self.has_begun.set()
            await asyncio.sleep(0.2)
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        return self.store.read(step)

    async def aclose(self) -> None:
        pass

    @property
    def is_taking(self) -> bool:
        return True


@dataclass
class CountingWriter(SlowWriter):
    """Counts what is asked of it."""

    writes_count: int = 0

    async def write(self, step: Step[T]) -> T:
        self.writes_count += 1
        return await super().write(step)


def test_a_worker_whose_clock_is_ahead_waits_for_what_is_due_later(site: Worksite) -> None:
    """Its own clock says that the retry is due long since; the store's decides. A look each millisecond otherwise."""
    site.systems["food"].script.append(answer(Outcome.THROTTLED, retry_after=timedelta(seconds=30)))
    site.post(an_application())
    site.step("food")
    writer = CountingWriter(site.store)
    ahead = SetClock(site.clock.at + timedelta(hours=1))
    gate = replace(site.gate, writer=writer, active=_food_only(site), clock=ahead)

    async def history() -> None:
        dispatcher = dispatching(replace(site, gate=gate))
        dispatcher.start()
        await asyncio.sleep(0.5)
        await dispatcher.stop()

    site.run(history())
    assert 1 <= writer.writes_count <= 20


def test_a_stop_during_a_claim_hands_back_what_was_claimed(site: Worksite) -> None:
    """A graceful stop hands back; crash point: SIGTERM while a claim commits."""
    accepted = site.post(an_application())

    async def history() -> None:
        writer = SlowWriter(site.store)
        dispatcher = dispatching(replace(site, gate=replace(site.gate, writer=writer, active=_food_only(site))))
        writer.is_slow = True
        dispatcher.start()
        await until(lambda: site.only(accepted.case_id, "food", "application").phase is Phase.IN_FLIGHT)
        await dispatcher.stop()

    site.run(history())
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PENDING


@dataclass
class SilentSystem(ScriptedSystem):
    """It takes requests and never answers."""

    async def send(self, request: Request) -> Any:
        self.sends.append(request)
        await asyncio.Event().wait()


def test_a_system_that_never_answers_takes_no_place_of_another(site: Worksite) -> None:
    """Promise 6: it has as many requests open as it may have, in the same process."""
    site.systems["province"] = SilentSystem()
    at_once = site.gate.active_bundle("province").limits.concurrency
    cases = [site.post(an_application(f"QX{no}")) for no in range(at_once + 1)]

    async def history() -> None:
        both = {system: site.gate.active[system] for system in ("province", "food")}
        settings = DispatchSettings(owner=WORKER, poll_interval=timedelta(seconds=0.05), grace=timedelta(seconds=0.05))
        dispatcher = Dispatcher(replace(site.gate, active=both), site.system_of, settings)
        dispatcher.start()
        await until(lambda: len(site.systems["province"].sends) == at_once)
        late = [await post_case(site.gate, caller("window"), one, call(one)) for one in (an_application("QX99"),)]
        dispatcher.on_due(["food"])
        await until(lambda: all(_is_at_food(site, one.case_id) for one in [*cases, *late]))
        await dispatcher.stop()

    site.run(history())


def _is_at_food(site: Worksite, case_id: UUID) -> bool:
    return site.only(case_id, "food", "application").phase is Phase.DELIVERED


def _food_only(site: Worksite) -> dict[str, str]:
    return {"food": site.gate.active["food"]}


def test_a_process_whose_system_is_busy_elsewhere_waits_for_what_falls_due(site: Worksite) -> None:
    """Promise 6: it looked again four times a second while anything at all was under way, though nothing was due."""
    site.post(an_application("QX1"))
    site.claim_one("food")
    assert not site.claim("food", limit=100).is_held_back
    rest = altered(site, "food", limits=replace(site.gate.active_bundle("food").limits, concurrency=1))
    site.run(activate(site.gate, [rest]))
    site.post(an_application("QX2"))
    assert site.claim("food", limit=100).is_held_back
