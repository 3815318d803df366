"""One trial of one subject: warm up, load, wait until everything is settled, compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from tests.bench import machine
from tests.bench.comparison import WrongRun, check
from tests.bench.measured import Measured, percentile
from tests.bench.projection import SYSTEMS
from tests.bench.sending import Job, Sender, Sent, send
from tests.bench.targets import Targets

QUIET_FOR = 60.0
LOOKED_EVERY = 0.02


class Subject(Protocol):
    """What is measured.

    Attributes:
        pids: of its processes, databases included; with all that descend from them they are its CPU and memory.
    """

    pids: tuple[int, ...]

    def log(self) -> str:
        """The end of what it said."""

    def job(self, numbers: Sequence[int], connections: int) -> Job:
        """What the load generator does with it."""

    def delivered(self) -> int:
        """How many deliveries it has recorded as delivered."""


class Pausable(Subject, Protocol):
    """A subject that can be told to send nothing."""

    def pause(self) -> None:
        """Stops every send."""

    def resume(self) -> None:
        """Lets every system be sent to again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of what: `warm` cases before the clock runs, then `cases`, over so many connections; `records` that are
    reconciled."""

    cases: int = 3000
    warm: int = 300
    connections: int = 64
    records: int = 1_000_000

    @property
    def warming(self) -> Sequence[int]:
        """The numbers of the cases that only warm."""
        return range(self.warm)

    @property
    def measured(self) -> Sequence[int]:
        """The numbers of the cases that are measured."""
        return range(self.warm, self.warm + self.cases)


class Meter:
    """The CPU that a subject takes from here on."""

    def __init__(self, subject: Subject) -> None:
        self._pids = subject.pids
        self._cpu = machine.cpu_seconds(self._pids)

    def cpu_us(self, count: int) -> float:
        """Microseconds for each of so many."""
        return (machine.cpu_seconds(self._pids) - self._cpu) / count * 1e6


def end_to_end(
    subject: Subject, targets: Targets, load: Load, *, watch: AbstractContextManager[object] | None = None
) -> Measured:
    """From the first post until the last delivery is settled, under watch. Raises WrongRun."""
    warmed = _warmed(subject, targets, load)
    sender = Sender(subject.job(load.measured, load.connections))
    with watch or nullcontext():
        meter = Meter(subject)
        sender.begin()
        ended_at = settled(subject, targets, load.warm + load.cases)
    cpu_us = meter.cpu_us(load.cases)
    sent = sender.result()
    check_all(targets, warmed, sent)
    return _measured(sent, subject, per_second=load.cases / (ended_at - sent.began_at), cpu_us=cpu_us)


def apart(subject: Pausable, targets: Targets, load: Load) -> tuple[Measured, Measured]:
    """The intake while nothing is sent, then the delivery of what was taken in meanwhile. Raises WrongRun."""
    warmed = _warmed(subject, targets, load)
    subject.pause()
    before, sender, meter = targets.count(), Sender(subject.job(load.measured, load.connections)), Meter(subject)
    sender.begin()
    sent = sender.result()
    intake = _measured(
        sent, subject, per_second=load.cases / (sent.ended_at - sent.began_at), cpu_us=meter.cpu_us(load.cases)
    )
    if (sent_meanwhile := targets.count() - before) != 0:
        raise WrongRun(f"expected nothing to be sent while paused, got {sent_meanwhile} records")
    meter, began_at, count = Meter(subject), time.monotonic(), load.cases * len(SYSTEMS)
    subject.resume()
    ended_at = settled(subject, targets, load.warm + load.cases)
    cpu_us = meter.cpu_us(count)
    check_all(targets, warmed, sent)
    return intake, Measured(per_second=count / (ended_at - began_at), cpu_us=cpu_us)


def settled(subject: Subject, targets: Targets, cases: int) -> float:
    """When the last delivery of so many cases was settled. Raises WrongRun where nothing more happens."""
    wanted = cases * len(SYSTEMS)
    until(targets.count, wanted, what="records at the systems", told=subject.log)
    return until(subject.delivered, wanted, what="deliveries settled", told=subject.log)


def until(count: Callable[[], int], wanted: int, *, what: str, told: Callable[[], str]) -> float:
    """When the count was seen to have reached what is wanted. Raises WrongRun where it stands still too long."""
    last, since = -1, time.monotonic()
    while (now := count()) < wanted:
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > QUIET_FOR:
            raise WrongRun(f"expected {wanted} {what}, got {now} and nothing more; {told()}")
        time.sleep(LOOKED_EVERY)
    return time.monotonic()


def check_all(targets: Targets, *jobs: Sent) -> None:
    """Raises WrongRun where anything was refused, or the systems differ from what was accepted."""
    refuse_refusals(*jobs)
    check([no for sent in jobs for no in sent.accepted], targets.contents())


def refuse_refusals(*jobs: Sent) -> None:
    """Raises WrongRun where a case was not accepted."""
    refused = [f"{count} answers {status}" for sent in jobs for status, count in sent.refused.items()]
    if refused:
        raise WrongRun(f"expected every case to be accepted, got {', '.join(refused)}")


def _warmed(subject: Subject, targets: Targets, load: Load) -> Sent:
    warmed = send(subject.job(load.warming, load.connections))
    settled(subject, targets, load.warm)
    return warmed


def _measured(sent: Sent, subject: Subject, *, per_second: float, cpu_us: float) -> Measured:
    waits = [wait * 1000 for wait in sent.waits]
    return Measured(
        per_second=per_second,
        cpu_us=cpu_us,
        ack_p50=percentile(waits, 0.5),
        ack_p99=percentile(waits, 0.99),
        peak_mib=machine.peak_mib(subject.pids),
    )
