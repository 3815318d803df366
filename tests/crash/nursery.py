"""A warmed parent of gates: it has imported everything once, and each of its children is a gate of its own.

Starting Python anew for every gate would take longer than what is proved with it. The child runs the command line as
`python -m syncgate` does, from its arguments to its exit code, and dies of SIGKILL as any process does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import syncgate

ROOT = Path(__file__).parents[2]
_LEFT_OUT = (
    "syncgate.sandbox",
    "syncgate.__main__",
    "syncgate.storage.migrations.env",
    "syncgate.storage.migrations.v",
)
_ALSO = ("uvicorn.lifespan.off", "uvicorn.protocols.http.httptools_impl", "uvicorn.loops.auto", "httptools")


class Nursery:
    """The parent, as whoever wants gates sees it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env={**os.environ, **env, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._is_warm = False

    def run(self, arguments: Sequence[str | Path], *, log: Path) -> tuple[int, str]:
        """The exit code of a command that ends by itself, and what it printed."""
        log.unlink(missing_ok=True)
        pid = self.start(arguments, log=log)
        while (told := self._asked({"look": pid}))["is_alive"]:
            time.sleep(0.05)
        return int(told["code"]), log.read_text("utf-8")

    def start(self, arguments: Sequence[str | Path], *, log: Path) -> int:
        """The process id of a new gate."""
        return int(self._asked({"arguments": list(map(str, arguments)), "log": str(log)})["pid"])

    def is_alive(self, pid: int) -> bool:
        """Whether a gate still runs."""
        return bool(self._asked({"look": pid})["is_alive"])

    def end(self, pid: int, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal that ends a gate, and returns when it is no more."""
        self._asked({"end": pid, "signal": int(number)})

    def close(self) -> None:
        """Ends the parent; its children are ended before."""
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(10)

    def _asked(self, what: Mapping[str, Any]) -> dict[str, Any]:
        assert self._parent.stdin is not None
        with self._lock:
            if not self._is_warm:
                self._is_warm = bool(self._heard())
            self._parent.stdin.write(json.dumps(what) + "\n")
            self._parent.stdin.flush()
            return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, "expected the nursery to answer, got its end"
        told: dict[str, Any] = json.loads(line)
        return told


def _warm() -> None:
    """Imports what a gate imports, without a thread: a fork would not take that along."""
    for module in pkgutil.walk_packages(syncgate.__path__, "syncgate.", onerror=lambda name: None):
        if not module.name.startswith(_LEFT_OUT):
            importlib.import_module(module.name)
    for name in _ALSO:
        importlib.import_module(name)
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"expected one thread before the first fork, got {threads}"
    gc.collect()
    gc.freeze()


def _born(arguments: list[str], log: str) -> NoReturn:
    """What the child does, to its end."""
    from syncgate.cli import main

    os.setsid()
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (target, 1), (target, 2)):
        os.dup2(here, there)
    sys.argv = ["syncgate", *arguments]
    try:
        main()
    except SystemExit as ended:
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _answer(what: dict[str, Any], living: set[int]) -> dict[str, Any]:
    if "arguments" in what:
        pid = os.fork()
        if pid == 0:
            _born(what["arguments"], what["log"])
        living.add(pid)
        return {"pid": pid}
    pid = what.get("look") or what["end"]
    if pid in living:
        if "end" in what:
            os.kill(pid, what["signal"])
        found, status = os.waitpid(pid, 0 if "end" in what else os.WNOHANG)
        living.difference_update({found})
        return {"is_alive": pid in living, "code": os.waitstatus_to_exitcode(status)}
    return {"is_alive": False}


def main() -> int:
    """Forks and ends gates as it is told, line by line; ends what is left when nobody asks any more."""
    _warm()
    living: set[int] = set()
    print(json.dumps({"is_warm": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), living)), flush=True)
    for pid in tuple(living):
        _answer({"end": pid, "signal": int(signal.SIGKILL)}, living)
    return 0


if __name__ == "__main__":
    sys.exit(main())
