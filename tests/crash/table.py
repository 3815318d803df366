"""What was seen, as a table that a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from tests.crash.fates import FATES
from tests.crash.run import Seen

_COUNTED = (("missing", "lost"), ("doubled", "doubled"), ("reordered", "out of order"))


def table(seen: Seen) -> str:
    """Kills of one engine by kind, and what was found."""
    heads = "".join(f"{word:>13}" for word in ("in flight", *FATES))
    lines = [f"{seen.engine:<28}{'kills':>6}{heads}{'next send, s':>15}{'worst':>8}"]
    kinds = sorted({kill.kind for kill in seen.kills})
    lines += [_row(kind, seen, [n for n, kill in enumerate(seen.kills) if kill.kind == kind]) for kind in kinds]
    lines.append(_row("all", seen, list(range(len(seen.kills)))))
    verdict = seen.verdict
    found = ", ".join(f"{word} {verdict.kinds[kind]}" for kind, word in _COUNTED)
    others = sum(verdict.kinds.values()) - sum(verdict.kinds[kind] for kind, _ in _COUNTED)
    lines += [
        f"cases accepted {seen.cases} in {seen.calls} calls, repeated for want of an answer {seen.retries}",
        f"requests that send {verdict.sends}, again to a system that had done it {verdict.sent_again} (probes)",
        *(f"{system} holds: {_words(counts)}" for system, counts in verdict.held.items()),
        *(f"{system} was struck by: {_words(counts)}" for system, counts in verdict.struck.items()),
        f"drained in {seen.drained_in:.1f} s",
        f"{found}, other findings {others}, violations in all {len(seen.wrong)}",
    ]
    return "\n".join(lines) + "\n"


def _row(kind: str, seen: Seen, numbers: Sequence[int]) -> str:
    found = sum((seen.fates[n] for n in numbers), Counter[str]())
    counts = "".join(f"{count:>13}" for count in (found.total(), *(found[fate] for fate in FATES)))
    times = [time for n in numbers if (time := seen.first_sends[n]) is not None]
    middle, worst = (f"{median(times):.2f}", f"{max(times):.2f}") if times else ("–", "–")
    return f"  {kind:<26}{len(numbers):>6}{counts}{middle:>15}{worst:>8}"


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
