"""What can be measured, by name: each trial on an empty store, in processes of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.bench import gate, postgres
from tests.bench.measured import Measured
from tests.bench.peers import celery_redis
from tests.bench.profiling import Profile, Sampling
from tests.bench.reconciling.trial import reconcile
from tests.bench.targets import Targets
from tests.bench.trial import Load, apart, end_to_end

Trial = Callable[[Targets, Load], Mapping[str, Measured]]
"""Gives the figures of one run by what they are called."""

COMPARED = (
    ("sqlite", "celery"),
    ("postgresql", "celery"),
    ("postgresql", "sqlite"),
    ("postgresql intake", "sqlite intake"),
    ("postgresql delivery", "sqlite delivery"),
)
"""Whose rate is divided by whose, where both were measured."""


def sqlite(targets: Targets, load: Load) -> Mapping[str, Measured]:
    """The gate on SQLite, end to end."""
    with on_sqlite(targets) as running:
        return {"sqlite": end_to_end(running, targets, load)}


def sqlite_apart(targets: Targets, load: Load) -> Mapping[str, Measured]:
    """The gate on SQLite, intake and delivery each alone."""
    with on_sqlite(targets) as running:
        intake, delivery = apart(running, targets, load)
    return {"sqlite intake": intake, "sqlite delivery": delivery}


def postgresql(targets: Targets, load: Load) -> Mapping[str, Measured]:
    """The gate on PostgreSQL, end to end."""
    with on_postgresql(targets) as running:
        return {"postgresql": end_to_end(running, targets, load)}


def postgresql_apart(targets: Targets, load: Load) -> Mapping[str, Measured]:
    """The gate on PostgreSQL, intake and delivery each alone."""
    with on_postgresql(targets) as running:
        intake, delivery = apart(running, targets, load)
    return {"postgresql intake": intake, "postgresql delivery": delivery}


def celery(targets: Targets, load: Load) -> Mapping[str, Measured]:
    """Celery with Redis, end to end."""
    with _folder() as folder, celery_redis.running(folder, targets.ports) as running:
        return {"celery": end_to_end(running, targets, load)}


def profiled(engine: str, targets: Targets, load: Load) -> Profile:
    """Where the time of the gate's process goes, end to end. Raises NotThere, WrongRun."""
    with GATES[engine](targets) as running, _folder() as folder:
        sampling = Sampling(running.pids[0], folder)
        end_to_end(running, targets, load, watch=sampling)
        return sampling.profile()


TRIALS: Mapping[str, Trial] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
    "celery": celery,
    "sqlite-apart": sqlite_apart,
    "postgresql-apart": postgresql_apart,
    "reconcile": reconcile,
}


@contextmanager
def on_sqlite(targets: Targets) -> Iterator[gate.GateProcess]:
    """A gate on an empty SQLite file."""
    with _folder() as folder, gate.running(folder, targets.ports) as running:
        yield running


@contextmanager
def on_postgresql(targets: Targets) -> Iterator[gate.GateProcess]:
    """A gate on an empty PostgreSQL of its own, whose processes count as the gate's."""
    with (
        postgres.running() as server,
        _folder() as folder,
        gate.running(folder, targets.ports, store_url=server.url) as running,
    ):
        running.pids += (server.pid,)
        yield running


GATES: Mapping[str, Callable[[Targets], AbstractContextManager[gate.GateProcess]]] = {
    "sqlite": on_sqlite,
    "postgresql": on_postgresql,
}
"""A gate by its engine."""


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="syncgate-bench-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
