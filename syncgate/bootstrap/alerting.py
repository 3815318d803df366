"""Puts together how alerts are told: the site's ways, with their secrets."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from syncgate.bootstrap.place import SitePlace
from syncgate.config import Config, SiteSecrets
from syncgate.flows.alerting.arrivals import look_for_held
from syncgate.flows.alerting.listening import look_for_silence
from syncgate.flows.alerting.telling import tell_due
from syncgate.flows.alerting.wording import Wording
from syncgate.flows.gate import Gate
from syncgate.schedule import Job
from syncgate.telling import Mail, Way, Webhook

TOLD_EVERY = timedelta(seconds=5)
LOOKED_EVERY = timedelta(minutes=1)
LISTENED_EVERY = timedelta(minutes=5)


def alert_jobs(gate: Gate, place: SitePlace, config: Config) -> list[Job]:
    """What tells alerts in this process, where the site names anybody, and notices silence. Raises SiteInvalid."""
    ways, wording = ways_of(place, config), wording_of(config)
    jobs = [Job("alerts", TOLD_EVERY, lambda: tell_due(gate, ways, wording))] if ways else []
    looking = partial(look_for_held, gate, case_within=config.alerts.case_within)
    jobs.append(Job("held", LOOKED_EVERY, looking, is_once=True))
    chosen = config.alerts.silence
    if not chosen.hours:
        return jobs
    zone, holidays = ZoneInfo(config.site.time_zone), frozenset(chosen.holidays)
    listening = partial(look_for_silence, gate, zone=zone, after=chosen.hours, holidays=holidays)
    return [*jobs, Job("silence", LISTENED_EVERY, listening)]


def ways_of(place: SitePlace, config: Config) -> tuple[Way, ...]:
    """The ways that the site tells alerts by. Raises SiteInvalid naming every secret that is missing."""
    chosen = config.alerts
    secrets = SiteSecrets.load(config.secret_refs, root=place.root, needed=chosen.secret_names)
    ways: list[Way] = []
    if chosen.mail is not None:
        mail = chosen.mail
        password = secrets.get(mail.password) if mail.password is not None else None
        ways.append(
            Mail(
                host=mail.host,
                port=mail.port,
                tls=mail.tls,
                sender=mail.sender,
                to=mail.to,
                user=mail.user,
                password=password,
            )
        )
    if chosen.webhook is not None:
        ways.append(Webhook(chosen.webhook.url, secrets.get(chosen.webhook.secret)))
    return tuple(ways)


def wording_of(config: Config) -> Wording:
    """How the site words its alerts."""
    return Wording(
        site=config.site.title.model_dump(),
        language=config.alerts.language or config.site.language,
        zone=ZoneInfo(config.site.time_zone),
        repeat=config.alerts.repeat,
    )
