"""When nothing waits for a system any more, as a command says it."""

from __future__ import annotations

from typing import Any

from syncgate.cli.speech import spoken
from syncgate.language import Said, in_language, word


def in_short(forecast: dict[str, Any] | None) -> str:
    """When the backlog is gone, for a table; empty where nothing waits, or nobody knows."""
    if forecast is None or not forecast["waiting_count"]:
        return ""
    return forecast["drained_at"] or ""


def in_words(forecast: dict[str, Any] | None) -> str:
    """When the backlog is gone, or why nobody knows, and whether that is before the cut-off."""
    if forecast is None or not forecast["waiting_count"]:
        return ""
    return ("；" if spoken() == "zh" else "; ").join([_when(forecast), *_cutoff(forecast)])


def _when(forecast: dict[str, Any]) -> str:
    count = forecast["waiting_count"]
    if forecast["drained_at"] is not None:
        told = Said("{count} are sent by {at}", count=count, at=forecast["drained_at"])
        return in_language(told, spoken())
    why = word("unknown", forecast["unknown"], spoken())
    if forecast["at_best_at"] is None:
        return in_language(Said("{count} wait, for how long is not known: {why}", count=count, why=why), spoken())
    told = Said(
        "{count} wait, for how long is not known: {why}; at best until {at}",
        count=count,
        why=why,
        at=forecast["at_best_at"],
    )
    return in_language(told, spoken())


def _cutoff(forecast: dict[str, Any]) -> list[str]:
    at, is_before = forecast["cutoff_at"], forecast["is_before_cutoff"]
    if at is None or is_before is None:
        return []
    told = Said("before the cut-off at {at}", at=at) if is_before else Said("not before the cut-off at {at}", at=at)
    return [in_language(told, spoken())]
