"""What Linux tells of processes and of the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as they live now."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    found, grew = {pid}, True
    while grew:
        more = {child for child, parent in parents.items() if parent in found} - found
        found, grew = found | more, bool(more)
    return sorted(found)


def cpu_seconds(pids: Iterable[int]) -> float:
    """The CPU that these families took so far, children that ended included."""
    total = 0
    for root in pids:
        for pid in family(root):
            if fields := _stat(pid):
                own, ended = fields[11:13], fields[13:15]
                total += sum(map(int, own)) + sum(map(int, ended))
    return total / _TICK


def cpu_by_thread(pid: int) -> dict[str, float]:
    """The CPU seconds of a process so far, by the name of its threads."""
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text.rpartition(")")[2].split()
        found[name] = found.get(name, 0.0) + sum(map(int, fields[11:13])) / _TICK
    return found


def peak_mib(pids: Iterable[int]) -> float:
    """The most memory that these families' processes held, each at its own time, in MiB."""
    return sum(_peak_kib(pid) for root in pids for pid in family(root)) / 1024


def description() -> str:
    """The machine in a line."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    made_of = f"{os.cpu_count()} x {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"
    return f"{made_of}, Python {platform.python_version()}"


def _stat(pid: int) -> list[str] | None:
    """The fields behind the name: state, parent, …; None where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
