"""Alerts reach people and programs over real sockets, until somebody acts, once each, and quietly during outages."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.alerts import Alert, AlertKind
from syncgate.domain.errors import NotFound
from syncgate.domain.rows import Principal
from syncgate.flows.alerting.raising import end_alerts, raise_alert
from syncgate.flows.alerting.taking_on import acknowledge, list_alerts
from syncgate.flows.alerting.telling import LEASE, tell_due
from syncgate.flows.alerting.wording import Wording
from syncgate.flows.operating.holds import HoldWish, lift_hold, place_hold
from syncgate.language import Language
from syncgate.ports import Tx
from syncgate.telling import Mail, Message, NotTold, Way, Webhook
from tests.integration.flows.worksite import Worksite
from tests.integration.transports.authority import make_authority
from tests.support.rows import START
from tests.support.sinks import Hook, Mailbox, mail_server, webhook

REPEAT = timedelta(hours=4)
SECRET = "whsec_" + base64.b64encode(b"a key that is only for tests").decode()
PERSON = Principal(
    principal_id=UUID(int=7), name="值守", role="operator", key_hash=b"k" * 16, key_hint="", created_at=START
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as made:
        yield made


def mail(mailbox: Mailbox, **changes: Any) -> Mail:
    known: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "tls": "none",
        "sender": "gate@city.example",
        "to": ("duty@city.example", "chief@city.example"),
    }
    return Mail(**known | changes)


def wording(language: Language = "zh") -> Wording:
    return Wording(
        site={"zh": "示例市", "en": "Example City"}, language=language, zone=ZoneInfo("Asia/Shanghai"), repeat=REPEAT
    )


def rouse(site: Worksite, system: str = "food", kind: AlertKind = AlertKind.DISCREPANCIES_LEFT) -> Alert:
    def step(tx: Tx) -> Alert:
        tx.system(system, lock=True)
        return raise_alert(site.gate, tx, kind, system, detail={"run": f"{system}.1", "left": 3})

    return site.write(step)


def tell(site: Worksite, *ways: Way, language: Language = "zh") -> int:
    return site.run(tell_due(site.gate, ways, wording(language)))


def stored(site: Worksite, alert: Alert) -> Alert:
    found = site.run(site.gate.writer.read(lambda tx: tx.alert(alert.alert_id)))
    assert found is not None
    return found


def test_people_read_what_is_wrong_where_and_what_to_do(site: Worksite, mailbox: Mailbox) -> None:
    alert = rouse(site)
    assert tell(site, mail(mailbox)) == 1
    (letter,) = mailbox.letters
    text = letter.get_content()
    assert letter["Subject"].startswith("[示例市] 有差异待人工决定：")
    assert mailbox.recipients == [["duty@city.example", "chief@city.example"]]
    assert "待人工决定的差异：3" in text and "对账编号：food.1" in text and "2026-04-30 09:02" in text
    assert f"syncgate alerts acknowledge {alert.alert_id}" in text and "每 4 小时" in text
    rouse(site, "province")
    tell(site, mail(mailbox), language="en")
    assert "Discrepancies that wait for a person: 3" in mailbox.letters[1].get_content()
    assert mailbox.letters[1]["Subject"].strip().startswith("[Example City] discrepancies wait for a person: ")


def test_a_program_can_tell_that_it_is_us(site: Worksite, hook: Hook) -> None:
    """The signature is computed here by hand, after the specification."""
    alert = rouse(site)
    tell(site, Webhook(hook.url, SECRET))
    (got,) = hook.requests
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = hmac.new(b"a key that is only for tests", signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    told = json.loads(got.body)
    assert (told["type"], told["data"]["kind"], told["data"]["system"]) == ("alert", "discrepancies_left", "food")
    assert got.headers["webhook-id"] == f"{alert.alert_id}.1"


def test_it_is_told_again_after_the_repeat_until_somebody_takes_it_on(site: Worksite, mailbox: Mailbox) -> None:
    alert = rouse(site)
    told = [tell(site, mail(mailbox)), tell(site, mail(mailbox))]
    site.clock.move(hours=3, minutes=59)
    told.append(tell(site, mail(mailbox)))
    site.clock.move(minutes=1)
    told.append(tell(site, mail(mailbox)))
    assert told == [1, 0, 0, 1] and stored(site, alert).told_count == 2
    taken = site.run(acknowledge(site.gate, PERSON, alert.alert_id, reason="I call them"))
    assert (taken.state, taken.acknowledged_by) == ("acknowledged", "值守")
    site.clock.move(days=2)
    rouse(site)
    assert tell(site, mail(mailbox)) == 0 and len(mailbox.letters) == 2
    audited = site.run(site.gate.writer.read(lambda tx: tx.list_audit(limit=1)))
    assert (audited[0]["action"], audited[0]["reason"]) == ("acknowledge", "I call them")


def test_what_is_over_is_told_no_more_and_what_comes_back_is_new(site: Worksite, mailbox: Mailbox) -> None:
    first = rouse(site)
    tell(site, mail(mailbox))
    site.write(lambda tx: end_alerts(tx, "food", frozenset(AlertKind)))
    site.clock.move(days=1)
    assert tell(site, mail(mailbox)) == 0
    again = rouse(site)
    assert again.alert_id != first.alert_id and tell(site, mail(mailbox)) == 1


def test_a_way_that_fails_is_tried_again_alone(site: Worksite, mailbox: Mailbox, hook: Hook) -> None:
    alert = rouse(site)
    hook.answers = [500] * 3
    ways = (mail(mailbox), Webhook(hook.url, SECRET))
    tell(site, *ways)
    assert (len(mailbox.letters), len(hook.requests)) == (1, 3)
    assert stored(site, alert).reached == ("mail",)
    site.clock.move(seconds=30)
    tell(site, *ways)
    assert (len(mailbox.letters), len(hook.requests)) == (1, 4)
    assert stored(site, alert).told_count == 1
    assert len({got.headers["webhook-id"] for got in hook.requests}) == 1


@pytest.mark.parametrize(("status", "tries"), [(503, 3), (429, 3), (400, 1), (410, 1), (302, 1)])
def test_a_receiver_that_refuses_is_not_pressed(site: Worksite, hook: Hook, status: int, tries: int) -> None:
    """A redirection is a refusal: what is signed for one address goes to no other."""
    alert = rouse(site)
    hook.answers = [status] * 9
    tell(site, Webhook(hook.url, SECRET))
    assert len(hook.requests) == tries and stored(site, alert).told_count == 0


def test_a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(
    site: Worksite, mailbox: Mailbox
) -> None:
    rouse(site)
    mailbox.answers = ["451 busy"]
    tell(site, mail(mailbox))
    assert (len(mailbox.letters), mailbox.tried) == (1, 2)
    alert = rouse(site, "province")
    mailbox.answers = ["554 no"]
    tell(site, mail(mailbox))
    assert mailbox.tried == 3 and stored(site, alert).told_count == 0


def test_a_receiver_that_is_not_there_stops_nothing(site: Worksite, mailbox: Mailbox) -> None:
    first, second = rouse(site), rouse(site, "province")
    dead = Webhook("http://127.0.0.1:9", SECRET)
    assert tell(site, mail(mailbox), dead) == 2
    assert len(mailbox.letters) == 2
    assert {stored(site, one).tries_count for one in (first, second)} == {1}


def test_an_announced_outage_is_quiet_and_what_is_still_so_is_told_after_it(site: Worksite, mailbox: Mailbox) -> None:
    held = site.run(place_hold(site.gate, PERSON, HoldWish(system="food", reason="their migration")))
    rouse(site)
    rouse(site, "province")
    assert tell(site, mail(mailbox)) == 1 and "province" in mailbox.letters[0].get_content()
    site.run(lift_hold(site.gate, PERSON, held.hold.hold_id))
    assert tell(site, mail(mailbox)) == 1 and "food" in mailbox.letters[1].get_content()


def test_a_hold_of_one_message_keeps_nothing_quiet(site: Worksite, mailbox: Mailbox) -> None:
    site.run(place_hold(site.gate, PERSON, HoldWish(system="food", message="application", reason="codes change")))
    rouse(site)
    assert tell(site, mail(mailbox)) == 1


class Slow:
    """Takes a message only after a while."""

    name = "slow"

    def __init__(self) -> None:
        self.told: list[str] = []

    async def tell(self, message: Message) -> None:
        await asyncio.sleep(0.05)
        self.told.append(message.message_id)


def test_several_processes_tell_it_once(site: Worksite) -> None:
    alerts = [rouse(site, system) for system in ("food", "province")]
    slow = Slow()

    async def both() -> list[int]:
        return list(await asyncio.gather(*(tell_due(site.gate, [slow], wording()) for _ in range(4))))

    assert sum(site.run(both())) == len(alerts) == len(slow.told)


def test_who_dies_between_telling_and_noting_leaves_it_to_be_told_under_the_same_id(site: Worksite) -> None:
    """Crash point: after the message was taken, before it was noted."""
    alert, slow = rouse(site), Slow()

    class Dies(Slow):
        async def tell(self, message: Message) -> None:
            await slow.tell(message)
            raise RuntimeError("dies")

    with pytest.raises(RuntimeError):
        tell(site, Dies())
    assert tell(site, slow) == 0
    site.clock.at += LEASE
    assert tell(site, slow) == 1
    assert slow.told == [f"{alert.alert_id}.1"] * 2


def test_what_a_person_did_while_it_was_told_stands(site: Worksite) -> None:
    alert = rouse(site)

    class Meanwhile(Slow):
        async def tell(self, message: Message) -> None:
            await acknowledge(site.gate, PERSON, alert.alert_id, reason="mine")
            raise NotTold("busy", is_passing=False)

    tell(site, Meanwhile())
    after = stored(site, alert)
    assert (after.due_at, after.acknowledged_by, after.lease_token) == (None, "值守", None)


def test_a_mail_goes_only_over_a_connection_that_can_be_trusted(tmp_path: Path) -> None:
    ours, other = make_authority(tmp_path), make_authority(tmp_path / "other")
    told = Message(message_id="1", at=START, subject="s", text="t", facts={})
    with mail_server(context=ours.server_context()) as mailbox:
        trusting = ssl.create_default_context(cafile=str(ours.ca_file))
        asyncio.run(mail(mailbox, tls="starttls", context=trusting).tell(told))
        assert len(mailbox.letters) == 1
        wrong = ssl.create_default_context(cafile=str(other.ca_file))
        for way in (mail(mailbox, tls="starttls", context=wrong), mail(mailbox), mail(mailbox, tls="starttls")):
            with pytest.raises(NotTold):
                asyncio.run(way.tell(told))
        assert len(mailbox.letters) == 1
    with mail_server() as plain, pytest.raises(NotTold):
        asyncio.run(mail(plain, tls="starttls").tell(told))
    assert plain.tried == 0


def test_a_mail_server_that_asks_for_it_gets_the_login() -> None:
    told = Message(message_id="1", at=START, subject="two\nlines", text="t", facts={})
    with mail_server(user=("gate", "geheim")) as mailbox:
        asyncio.run(mail(mailbox, user="gate", password="geheim").tell(told))
        for way in (mail(mailbox, user="gate", password="other"), mail(mailbox)):
            with pytest.raises(NotTold):
                asyncio.run(way.tell(told))
    assert [letter["Subject"] for letter in mailbox.letters] == ["two lines"]
    assert "geheim" not in repr(mail(mailbox, password="geheim")) + repr(Webhook("http://x", "geheim"))


def test_a_principal_sees_and_takes_on_only_its_own_systems_alerts(site: Worksite) -> None:
    """Promise 10."""
    alert = rouse(site)
    stranger = Principal(
        principal_id=UUID(int=8), name="s", role="operator", systems=("province",), key_hash=b"k", key_hint="",
        created_at=START,
    )  # fmt: skip
    assert site.run(list_alerts(site.gate, stranger, is_open=True)) == ()
    with pytest.raises(NotFound):
        site.run(acknowledge(site.gate, stranger, alert.alert_id, reason="x"))
    assert [one.alert_id for one in site.run(list_alerts(site.gate, PERSON, is_open=True))] == [alert.alert_id]
