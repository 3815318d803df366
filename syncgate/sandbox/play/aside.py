"""The stories that are played beside the others.

A stage before its case (6), two calls that are alike (9), what a quality check gives back (4), what a mapping made
wrong (11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from syncgate.sandbox.city import City
from syncgate.sandbox.play import alike, given_back, replanned, stage_first
from syncgate.sandbox.play.calls import Calls
from syncgate.sandbox.play.care import Operator
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import Simulators, run_command
from syncgate.sandbox.play.site import Folder


class Aside:
    """Each at its time of the demo; `check` and `tell` once all is settled."""

    def __init__(
        self,
        calls: Calls,
        gate: Gate,
        integrator: Gate,
        systems: Simulators,
        city: City,
        *,
        operator: Operator,
        folder: Folder,
        env: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._operator, self._say = operator, say
        self._early = stage_first.StageFirst(calls, gate, city.stage_first)
        self._twins = alike.Alike(calls, gate, city.alike)
        command = partial(run_command, folder, env)
        self._quality = given_back.QualityCheck(
            calls, gate, integrator, systems, city.given_back, command=command, folder=folder.path, site=folder.site
        )
        self._wrong = replanned.WrongDays(calls, gate, integrator, city.wrong_days, command=command, site=folder.site)
        self._waited_count = 0
        self._decided: alike.Decided | None = None
        self._returned: given_back.Returned | None = None
        self._replanned: replanned.Replanned | None = None

    def at_the_weekend(self) -> None:
        """While province is gone, which none of this is about."""
        self._say("food posts stages before their cases")
        self._waited_count = self._early.run()
        self._say("two calls with the same text come in, six times")
        self._decided = self._twins.run()

    def next_morning(self) -> None:
        """When province is back. Deploys a change of the front database."""
        self._operator.spared |= self._quality.post()
        self._say("the front database gives back what it took yesterday, and mails a workbook of it")
        self._returned = self._quality.run()

    def at_night(self) -> None:
        """When nobody else deploys or reconciles food."""
        self._say(
            "food was told calendar days for working days; the mapping is mended, and what is wrong goes at night"
        )
        self._replanned = self._wrong.run()

    def check(self) -> None:
        """What can only be asked in the end. Raises DemoError."""
        self._twins.check()

    def tell(self) -> None:
        """What a reader of the demo is told."""
        stage_first.tell(self._waited_count)
        if self._decided is not None:
            alike.tell(self._decided)
        if self._returned is not None:
            given_back.tell(self._returned)
        if self._replanned is not None:
            replanned.tell(self._replanned)
