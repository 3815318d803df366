"""What an alert says, to people and to programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncgate.domain.alerts import Alert, AlertKind
from syncgate.language import Language, Said, in_language, reconciled, word
from syncgate.language.reconciling import ALERTS
from syncgate.telling import Message

Titles = Mapping[str, str]
OF_ARRIVALS: Final = frozenset({AlertKind.HELD_ARRIVALS, AlertKind.CASE_NOT_COME})
"""Alerts about what a source brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a deployment words its alerts. site: what it is called, by language. repeat: how often it says them."""

    site: Titles
    language: Language
    zone: ZoneInfo
    repeat: timedelta


def message(alert: Alert, wording: Wording, *, title: Titles, now: datetime) -> Message:
    """The message of an alert. title: what people call its system."""
    language = wording.language
    site, system = _titled(wording.site, "syncgate", language), _titled(title, alert.system, language)
    what = reconciled("alert", alert.kind.value, language)
    meaning = ALERTS[alert.kind.value]
    lines = [
        _fact(what, system, language),
        meaning.means_zh if language == "zh" else meaning.means,
        "",
        *_facts(alert, wording),
        "",
        _fact(in_language("See it", language), _command(alert), language),
        _fact(in_language("Take it on", language), f"syncgate alerts acknowledge {alert.alert_id}", language),
        in_language(
            Said(
                "It is said again every {hours} hours until somebody takes it on or it is over.", hours=_hours(wording)
            ),
            language,
        ),
    ]
    return Message(
        message_id=f"{alert.alert_id}.{alert.told_count + 1}",
        at=now,
        subject=f"[{site}] {lines[0]}",
        text="\n".join(lines) + "\n",
        facts=facts(alert),
    )


def facts(alert: Alert) -> dict[str, Any]:
    """An alert for programs."""
    return {
        "alert_id": str(alert.alert_id),
        "kind": alert.kind.value,
        "system": alert.system,
        "raised_at": alert.raised_at.isoformat(),
        "seen_at": alert.seen_at.isoformat(),
        "told_count": alert.told_count + 1,
        "detail": alert.detail,
    }


def _facts(alert: Alert, wording: Wording) -> list[str]:
    language = wording.language
    since = alert.raised_at.astimezone(wording.zone).strftime("%Y-%m-%d %H:%M")
    told = [_fact(in_language("Since", language), since, language)]
    if "run" in alert.detail:
        told.append(_fact(in_language("Run", language), alert.detail["run"], language))
    if "reason" in alert.detail:
        told.append(_fact(in_language("Reason", language), word("reason", alert.detail["reason"], language), language))
    if alert.kind is AlertKind.DISCREPANCIES_LEFT:
        named = in_language("Discrepancies that wait for a person", language)
        told.append(_fact(named, alert.detail.get("left", 0), language))
    if alert.kind in OF_ARRIVALS:
        told.append(_fact(in_language("Arrivals that wait", language), alert.detail.get("left", 0), language))
    return told


def _command(alert: Alert) -> str:
    """What shows more of it."""
    if alert.kind is AlertKind.SILENT_SOURCE:
        return "syncgate alerts list"
    if alert.kind in OF_ARRIVALS:
        return f"syncgate arrivals list --source {alert.system}"
    run = alert.detail.get("run")
    return f"syncgate systems show {alert.system}" if run is None else f"syncgate reconcile show {run}"


def _fact(name: str, value: object, language: Language) -> str:
    return f"{name}{'：' if language == 'zh' else ': '}{value}"


def _titled(titles: Titles, name: str, language: Language) -> str:
    return titles.get(language) or name


def _hours(wording: Wording) -> str:
    return f"{wording.repeat / timedelta(hours=1):g}"
