"""Many posts of one case at once, by processes of their own, each source under its own number."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from syncgate.sandbox.play.site import DemoError, patience

WITHIN = 120.0
OF_ITS_OWN = ("held_by_source", "known_by_number")
"""Reasons of deliveries for which nothing was sent: the system said that it holds this."""


@dataclass(frozen=True, slots=True)
class Poster:
    """One posting process: every post is one of `bodies`, to one of `base_urls` in turn."""

    source: str
    key: str
    bodies: Sequence[Mapping[str, Any]]
    base_urls: Sequence[str]
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all posters saw together: how often each status came, and every case that was named."""

    statuses: Mapping[str, int]
    case_ids: frozenset[str]
    revision: int
    retry_count: int
    seconds: float


def race(posters: Sequence[Poster]) -> Outcome:
    """Let all posters post at once, and wait for them. Raises DemoError when one of them fails."""
    command = [sys.executable, "-m", "syncgate.sandbox.play.poster"]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in posters]
    try:
        return _told([_first_words(child, poster) for child, poster in zip(started, posters, strict=True)])
    finally:
        for child in started:
            if child.poll() is None:
                child.kill()
            child.wait()


def _first_words(child: subprocess.Popen[str], poster: Poster) -> subprocess.Popen[str]:
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps(asdict(poster), ensure_ascii=False) + "\n")
    child.stdin.flush()
    if child.stdout.readline() != "ready\n":
        raise DemoError(f"expected {poster.source}'s posting process to be ready, got its end")
    return child


def _told(children: Sequence[subprocess.Popen[str]]) -> Outcome:
    began = time.monotonic()
    with ThreadPoolExecutor(len(children)) as pool:
        said = list(pool.map(lambda child: child.communicate("go\n", timeout=WITHIN * patience())[0], children))
    if any(child.returncode for child in children):
        raise DemoError("expected every posting process to end well, got a failure")
    seen = [json.loads(line) for line in said]
    return Outcome(
        statuses=sum((Counter(one["statuses"]) for one in seen), Counter()),
        case_ids=frozenset(case_id for one in seen for case_id in one["case_ids"]),
        revision=max(one["revision"] for one in seen),
        retry_count=sum(one["retry_count"] for one in seen),
        seconds=time.monotonic() - began,
    )


def defects(outcome: Outcome, deliveries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What keeps the race from having ended as one case with one delivery per slot; one sentence each.

    Args:
        outcome: What the posters saw.
        deliveries: All deliveries of that case, cancelled ones included.
    """
    said = []
    if len(outcome.case_ids) != 1:
        said.append(f"expected one case, got {len(outcome.case_ids)}")
    if others := sorted(set(outcome.statuses) - {"200", "202"}):
        said.append(f"expected every post to be accepted, got {', '.join(others)}")
    counts = _counts(deliveries)
    said += [f"expected one delivery of {' '.join(slot)}, got {count}" for slot, count in counts.items() if count > 1]
    if not counts:
        said.append("expected deliveries of the case, got none")
    return said


def _counts(deliveries: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, str, str]]:
    """Deliveries by slot, cancelled ones left out; what the system holds of its own accord counts once."""
    counts: Counter[tuple[str, str, str]] = Counter()
    own = set()
    for one in deliveries:
        slot = (one["system"], one["message"], one["part"])
        if one["phase"] == "delivered" and one["reason"] in OF_ITS_OWN:
            own.add(slot)
        elif one["phase"] != "cancelled":
            counts[slot] += 1
    return counts + Counter(own)
