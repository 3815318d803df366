"""Looking at systems: all at the same time, none for ever, and what fails is that system's failure alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from syncgate.domain.errors import SiteInvalid
from syncgate.flows.operating.probing import Seen, look_at
from syncgate.ports import Difference, Probed
from syncgate.site.bundle import Bundle
from tests.integration.flows.worksite import ScriptedSystem, example_site

CONTRADICTION = (Difference("records", "expected a table, got none"),)


class Looking(ScriptedSystem):
    """A system that can be looked at."""

    def __init__(self, probed: Any) -> None:
        super().__init__()
        self.probed = probed

    async def probe(self) -> Probed:
        if isinstance(self.probed, Exception):
            raise self.probed
        return self.probed  # type: ignore[no-any-return]


@dataclass
class Together:
    """Systems of which each answers only once all others have been asked."""

    barrier: asyncio.Barrier

    async def probe(self) -> Probed:
        await self.barrier.wait()
        return Probed()


class Silent:
    """A system that never answers."""

    async def probe(self) -> Probed:
        await asyncio.Event().wait()
        raise AssertionError


def bundles(count: int) -> list[Bundle]:
    one = example_site().bundles["food"]
    return [replace(one, system=f"s{no}", digest=f"sha256:{no}") for no in range(count)]


def looked(*systems: Any, within: float = 5.0) -> tuple[Seen, ...]:
    chosen = bundles(len(systems))
    of = {bundle.digest: system for bundle, system in zip(chosen, systems, strict=True)}

    def transport_of(digest: str) -> Any:
        if isinstance(of[digest], SiteInvalid):
            raise of[digest]
        return of[digest]

    return asyncio.run(look_at(chosen, transport_of, within=within))


def test_what_each_shows_is_told_by_name() -> None:
    well, wrong, lost = looked(
        Looking(Probed()), Looking(Probed(differences=CONTRADICTION)), Looking(Probed(failure="lost"))
    )
    assert (well.system, well.is_asked, well.differences, well.failure) == ("s0", True, (), "")
    assert (wrong.differences, wrong.failure) == (CONTRADICTION, "")
    assert (lost.differences, lost.failure) == ((), "lost")


def test_one_that_cannot_be_looked_at_is_not_asked() -> None:
    (seen,) = looked(ScriptedSystem())
    assert seen == Seen(system="s0", is_asked=False)


def test_all_are_looked_at_at_the_same_time() -> None:
    async def scenario() -> tuple[Seen, ...]:
        together = Together(asyncio.Barrier(3))
        return await look_at(bundles(3), lambda digest: together, within=5.0)  # type: ignore[arg-type,return-value]

    assert [seen.failure for seen in asyncio.run(scenario())] == ["", "", ""]


def test_one_that_never_answers_holds_up_no_other() -> None:
    silent, well = looked(Silent(), Looking(Probed()), within=0.05)
    assert (silent.failure, well.failure) == ("time-out: no end within 0.05 s", "")


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        (Looking(ValueError("Geheim-4711")), "the check itself broke (ValueError)"),
        (SiteInvalid("expected the secret food_key, got none"), "expected the secret food_key, got none"),
    ],
)
def test_what_breaks_is_one_systems_failure_and_says_no_secret(broken: Any, failure: str) -> None:
    seen, well = looked(broken, Looking(Probed()))
    assert (seen.failure, seen.differences, well.failure) == (failure, (), "")
