"""`python -m tests.bench.isolation`: what a system's backlog does to another system's latency; ratio first.

Every arm has a gate, a store and systems of its own, and all run at the same time; one after the other is given the
same cases at the same rate, round after round. Measured is the time from a case's post until it is at a system that
is well. In all arms but the last the system `archive` is dead, so that all have the same work to do:

    empty      nothing but the measured cases waits for it; as many cases as the others have were delivered to it
    backlog    10,000 lanes of it are parked and 10,000 are due, its breaker is open
    limited    the same, but it lives, and takes 20 a second
    healthy    as in empty, but it lives
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import orjson

from tests.bench import load, machine
from tests.bench.comparison import WrongRun, check
from tests.bench.gate import GateProcess
from tests.bench.measured import percentile
from tests.bench.sending import Sent, send
from tests.bench.subjects import GATES
from tests.bench.targets import Targets
from tests.bench.trial import refuse_refusals, until

SICK, WELL = "archive", ("licence", "oversight")
PRELOADED_FROM = 1_000_000
ONLY_THERE = "immediate"
"""The class of the cases that go to the sick system alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much: lanes parked, and as many due; measured cases of a round, and how many of them a second."""

    lanes: int = 10_000
    cases: int = 200
    rate: float = 40.0

    @property
    def slow(self) -> int:
        """How many a second a system takes that is limited: few enough that much stays due."""
        return max(1, self.lanes // 500)


@dataclass(frozen=True, slots=True)
class Arm:
    """A gate with its systems; `accepted` are the measured cases that it took so far."""

    gate: GateProcess
    targets: Targets
    accepted: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a post until the case is at a system that is well."""

    p50: float
    p99: float


def prepare_empty(arm: Arm, plan: Plan) -> None:
    """Everything was delivered before the system died."""
    prepare_healthy(arm, plan)
    arm.targets.behave(SICK, status=503)


def prepare_healthy(arm: Arm, plan: Plan) -> None:
    """Everything was delivered, and it lives."""
    _preload(arm, range(2 * plan.lanes), "delivered")


def prepare_backlog(arm: Arm, plan: Plan) -> None:
    """Half was refused and waits for a person, the other half is due; the system is dead."""
    arm.targets.behave(SICK, status=422)
    _preload(arm, range(plan.lanes), "parked")
    arm.targets.behave(SICK, status=503)
    _preload(arm, range(plan.lanes, 2 * plan.lanes), "pending")


def prepare_limited(arm: Arm, plan: Plan) -> None:
    """Half was refused and waits for a person, the other half is due; the system takes some once it is resumed."""
    arm.targets.behave(SICK, status=422)
    _preload(arm, range(plan.lanes), "parked")
    arm.gate.pause(SICK)
    _preload(arm, range(plan.lanes, 2 * plan.lanes), "pending")
    arm.targets.behave(SICK, status=200)
    arm.gate.deploy(
        f"adapters/{SICK}/adapter.yaml", "limits: {", f"limits: {{rate: {plan.slow}/s, burst: {plan.slow}, "
    )


ARMS: Mapping[str, Callable[[Arm, Plan], None]] = {
    "empty": prepare_empty,
    "backlog": prepare_backlog,
    "limited": prepare_limited,
    "healthy": prepare_healthy,
}
"""How each is prepared; the first is what the others are compared with."""


def _preload(arm: Arm, places: Sequence[int], phase: str) -> None:
    """Cases for the sick system alone, until as many of its deliveries are in this phase."""
    job = arm.gate.job([PRELOADED_FROM + place for place in places], 64)
    refuse_refusals(send(replace(job, case_class=ONLY_THERE)))
    until(lambda: arm.gate.phases().get((SICK, phase), 0), len(places), what=f"{phase} deliveries", told=arm.gate.log)


def measure(arm: Arm, numbers: Sequence[int], plan: Plan) -> Latency:
    """One round of one arm. Raises WrongRun where a case does not arrive exactly once and whole."""
    before = arm.targets.counts()
    sent = send(replace(arm.gate.job(numbers, 32), rate=plan.rate))
    refuse_refusals(sent)
    arm.accepted.extend(sent.accepted)
    well = lambda: sum(arm.targets.counts()[system] for system in WELL)  # noqa: E731
    until(well, len(WELL) * len(arm.accepted), what="records at the systems that are well", told=arm.gate.log)
    waits = [wait * 1000 for wait in _waits(arm, sent, before)]
    return Latency(percentile(waits, 0.5), percentile(waits, 0.99))


def _waits(arm: Arm, sent: Sent, before: Mapping[str, int]) -> Iterator[float]:
    posted_at = {
        load.case_no(no): at - wait
        for no, at, wait in zip(sent.accepted, sent.acknowledged_at, sent.waits, strict=True)
    }
    contents, arrivals = arm.targets.contents(), arm.targets.arrivals()
    for system in WELL:
        new = slice(before[system], None)
        for record, at in zip(contents[system][new], arrivals[system][new], strict=True):
            yield at - posted_at[orjson.loads(record)["caseNo"]]


def verify(name: str, arm: Arm, plan: Plan) -> str:
    """What waited meanwhile, in words. Raises WrongRun where it is not what the arm is about."""
    check(arm.accepted, arm.targets.contents(), systems=WELL)
    phases = arm.gate.phases()
    waiting = {phase: phases.get((SICK, phase), 0) for phase in ("parked", "pending", "delivered")}
    least = {
        "empty": {"delivered": 2 * plan.lanes, "pending": len(arm.accepted)},
        "backlog": {"parked": plan.lanes, "pending": plan.lanes + len(arm.accepted)},
        "limited": {"parked": plan.lanes, "pending": plan.lanes // 2},
        "healthy": {"delivered": 2 * plan.lanes},
    }[name]
    if wrong := [phase for phase, count in least.items() if waiting[phase] < count]:
        raise WrongRun(f"expected at least {least} deliveries to {SICK} in {name}, got {waiting}: {', '.join(wrong)}")
    return ", ".join(f"{count:,} {phase}" for phase, count in waiting.items() if count)


@contextmanager
def _arm(engine: str) -> Iterator[Arm]:
    targets = Targets()
    try:
        with GATES[engine](targets) as gate:
            applied = "applies_to: {equals: [case.kind, {const: application}]}"
            only_others = f"applies_to: {{not: {{equals: [case.case_class, {{const: {ONLY_THERE}}}]}}}}"
            for system in WELL:
                gate.deploy(f"adapters/{system}/adapter.yaml", applied, only_others)
            yield Arm(gate, targets)
    finally:
        targets.close()


def run(engine: str, names: Sequence[str], rounds_count: int, plan: Plan) -> str:
    """The figures of one engine as text. Raises WrongRun."""
    with ExitStack() as stack:
        arms = {}
        for name in names:
            print(f"{engine}: preparing {name}", file=sys.stderr)
            arms[name] = stack.enter_context(_arm(engine))
            ARMS[name](arms[name], plan)
        if "limited" in arms:
            arms["limited"].gate.resume(SICK)
        rounds: list[dict[str, Latency]] = []
        for no in range(-1, rounds_count):
            print(f"{engine}: round {no + 1} of {rounds_count}", file=sys.stderr)
            numbers = range((no + 1) * plan.cases, (no + 2) * plan.cases)
            order = names if no % 2 else tuple(reversed(names))
            found = {name: measure(arms[name], numbers, plan) for name in order}
            if no >= 0:  # the first one warms
                rounds.append(found)
        return told(engine, rounds, {name: verify(name, arm, plan) for name, arm in arms.items()})


def told(engine: str, rounds: Sequence[Mapping[str, Latency]], waiting: Mapping[str, str]) -> str:
    """Ratios first, within rounds; then the medians."""
    base, *others = waiting
    lines = [f"{engine}: latency of the systems that are well"]
    for name in others:
        for title in ("p50", "p99"):
            found = [getattr(one[name], title) / getattr(one[base], title) for one in rounds]
            spread = f"{min(found):.2f} to {max(found):.2f}"
            lines.append(
                f"{statistics.median(found):>6.2f} x  {name} / {base}, {title}   ({spread}, {len(rounds)} rounds)"
            )
    lines.append(f"\n{'':<10}{'p50 ms':>10}{'p99 ms':>10}   at {SICK}")
    for name, what in waiting.items():
        medians = [statistics.median(getattr(one[name], title) for one in rounds) for title in ("p50", "p99")]
        lines.append(f"{name:<10}{medians[0]:>10.1f}{medians[1]:>10.1f}   {what}")
    return "\n".join(lines)


def main() -> int:
    """0 where every run was right."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its processes and folders are cleared away
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.isolation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--engine", default=",".join(GATES), help=f"some of {','.join(GATES)}")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"some of {','.join(ARMS)}; the first is compared with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lanes", type=int, default=10_000, help="parked, and as many due (default 10000)")
    parser.add_argument("--cases", type=int, default=200, help="measured in each round of each arm (default 200)")
    parser.add_argument("--rate", type=float, default=40.0, help="of them a second (default 40)")
    asked = parser.parse_args()
    plan = Plan(lanes=asked.lanes, cases=asked.cases, rate=asked.rate)
    try:
        for engine in asked.engine.split(","):
            print(run(engine, tuple(asked.arms.split(",")), asked.rounds, plan) + "\n")
    except WrongRun as wrong:
        print(f"wrong run, no figures: {wrong}", file=sys.stderr)
        return 1
    print(f"{asked.cases} cases a round at {asked.rate:g}/s; {machine.description()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
