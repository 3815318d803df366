"""What a run measured, and how runs are told side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one subject. What it does not measure is None.

    Attributes:
        per_second: cases a second, or deliveries where the subject says so.
        cpu_us: CPU of the subject's processes for one of them.
        ack_p50, ack_p99: milliseconds until the acknowledgement.
        peak_mib: the most memory of its processes.
    """

    per_second: float
    cpu_us: float | None = None
    ack_p50: float | None = None
    ack_p99: float | None = None
    peak_mib: float | None = None


COLUMNS = (
    ("per_second", "/s", "{:,.0f}"),
    ("cpu_us", "CPU µs", "{:,.0f}"),
    ("ack_p50", "ack p50 ms", "{:.1f}"),
    ("ack_p99", "ack p99 ms", "{:.1f}"),
    ("peak_mib", "peak MiB", "{:,.0f}"),
)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def ratios(rounds: Sequence[Mapping[str, Measured]], over: str, under: str) -> list[float]:
    """How many times as much one subject did as another, round by round."""
    both = [one for one in rounds if over in one and under in one]
    return [one[over].per_second / one[under].per_second for one in both]


def table(rounds: Sequence[Mapping[str, Measured]], compared: Sequence[tuple[str, str]]) -> str:
    """The ratios, then a line for every subject: medians, and the spread of the rate."""
    lines = []
    for over, under in compared:
        if found := ratios(rounds, over, under):
            spread = f"{min(found):.2f} to {max(found):.2f}"
            lines.append(f"{statistics.median(found):>6.2f} x  {over} / {under}   ({spread}, {len(found)} rounds)")
    names = list(dict.fromkeys(name for one in rounds for name in one))
    width = max(len(name) for name in names)
    heads = "".join(f"{title:>12}" for _, title, _ in COLUMNS)
    lines += ["", f"{'':<{width}}{heads}   spread of /s"]
    lines += [_line(name, [one[name] for one in rounds if name in one], width) for name in names]
    return "\n".join(lines).lstrip("\n")


def _line(name: str, runs: Sequence[Measured], width: int) -> str:
    cells = ""
    for field, _, form in COLUMNS:
        values = [value for run in runs if (value := getattr(run, field)) is not None]
        cells += f"{form.format(statistics.median(values)) if values else '-':>12}"
    rates = [run.per_second for run in runs]
    return f"{name:<{width}}{cells}   {min(rates):,.0f} to {max(rates):,.0f}"
