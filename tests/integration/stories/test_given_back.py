"""Story 4 at the systems themselves: a quality check gives back what was taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from syncgate.sandbox.city import City
from syncgate.sandbox.city.given_back import given_back_lives
from syncgate.sandbox.play.given_back import QualityCheck, Returned
from syncgate.sandbox.play.processes import run_command
from tests.integration.stories.town import Town

RETIRED, EARLY = 200, 100


def test_300_rows_given_back_are_mended_here_or_by_the_street_and_stand_in_the_end(town: Callable[..., Town]) -> None:
    """Promises 11 and 13: only what has the cause that was mended goes, and a deployment sends nothing."""
    city = City((), (), given_back=given_back_lives(2026, retired=RETIRED, early=EARLY))
    here = town("province", "frontdb", sources=("window", "street"))
    here.expect(city)
    story = QualityCheck(
        here.calls,
        here.gate,
        here.integrators_gate,
        here.systems,
        city.given_back,
        command=partial(run_command, here.folder, here.env),
        folder=here.folder.path,
        site=here.folder.site,
    )
    story.post()
    causes = (("item_unknown", RETIRED), ("accepted_before_applied", EARLY))
    assert story.run() == Returned(causes, RETIRED, EARLY)
    here.settle(city)
    code, told = here.read()
    assert code == 0, told
