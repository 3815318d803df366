"""End to end: from the first post until the last delivery is settled at the gate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench import machine
from tests.bench.comparison import WrongRun, check
from tests.bench.gate import GateProcess
from tests.bench.measured import Measured, percentile
from tests.bench.projection import SYSTEMS
from tests.bench.sending import Job, Sender, Sent, send
from tests.bench.targets import Targets

QUIET_FOR = 60.0
LOOKED_EVERY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of what: `warm` cases before the clock runs, then `cases`, over so many connections."""

    cases: int = 3000
    warm: int = 300
    connections: int = 64

    @property
    def warming(self) -> Sequence[int]:
        return range(self.warm)

    @property
    def measured(self) -> Sequence[int]:
        return range(self.warm, self.warm + self.cases)

    def job(self, gate: GateProcess, numbers: Sequence[int]) -> Job:
        """What the load generator does with a gate."""
        headers = {"Authorization": f"Bearer {gate.key}"}
        return Job(port=gate.port, path="/v1/cases", headers=headers, numbers=numbers, connections=self.connections)


def end_to_end(gate: GateProcess, targets: Targets, load: Load, *, server_pids: Sequence[int] = ()) -> Measured:
    """Measures, then compares. server_pids: of the database's processes. Raises WrongRun."""
    warmed = send(load.job(gate, load.warming))
    settled(gate, targets, load.warm)
    pids = [gate.pid, *server_pids]
    sender = Sender(load.job(gate, load.measured))
    cpu = machine.cpu_seconds(pids)
    sender.begin()
    ended_at = settled(gate, targets, load.warm + load.cases)
    cpu = machine.cpu_seconds(pids) - cpu
    sent = sender.result()
    check_all(targets, warmed, sent)
    waits = [wait * 1000 for wait in sent.waits]
    return Measured(
        per_second=load.cases / (ended_at - sent.began_at),
        cpu_us=cpu / load.cases * 1e6,
        ack_p50=percentile(waits, 0.5),
        ack_p99=percentile(waits, 0.99),
        peak_mib=machine.peak_mib([gate.pid]),
    )


def settled(gate: GateProcess, targets: Targets, cases: int) -> float:
    """When the last delivery of so many cases was settled. Raises WrongRun where nothing more happens."""
    wanted = cases * len(SYSTEMS)
    until(targets.count, wanted, what="records at the systems", told=gate.log)
    return until(gate.delivered, wanted, what="deliveries settled", told=gate.log)


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
    refused = [f"{count} answers {status}" for sent in jobs for status, count in sent.refused.items()]
    if refused:
        raise WrongRun(f"expected every case to be accepted, got {', '.join(refused)}")
    check([no for sent in jobs for no in sent.accepted], targets.contents())
