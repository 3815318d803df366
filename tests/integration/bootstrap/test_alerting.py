"""A site's configuration as the ways that alerts are told by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from syncgate.bootstrap import SitePlace
from syncgate.bootstrap.alerting import ways_of, wording_of
from syncgate.config import load_config
from syncgate.documents import ProblemSet
from syncgate.domain.errors import SiteInvalid
from syncgate.telling import Mail, Webhook

HOOK = {"url": "https://duty.example/alerts", "secret": "hook"}
MAIL = {"host": "mail.example", "from": "gate@city.example", "to": ["duty@city.example"], "user": "g", "password": "pw"}


def a_site(folder: Path, alerts: dict[str, Any], *secrets: str) -> SitePlace:
    for name in secrets:
        (folder / name).write_text(f"value of {name}\n", "utf-8")
    config = {
        "site": {"name": "city", "title": {"zh": "示例市", "en": "City"}, "region": "990100"},
        "master_key": {"file": "master.key"},
        "secrets": {name: {"file": name} for name in ("hook", "pw")},
        "alerts": alerts,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    return SitePlace(folder)


def test_every_way_that_is_named_is_there_with_its_secret(tmp_path: Path) -> None:
    place = a_site(tmp_path, {"webhook": HOOK, "mail": MAIL, "repeat": "90m"}, "hook", "pw")
    ways = ways_of(place, place.config())
    assert ways == (
        Mail(
            host="mail.example", port=587, tls="starttls", sender="gate@city.example", to=("duty@city.example",),
            user="g", password="value of pw",
        ),
        Webhook("https://duty.example/alerts", "value of hook"),
    )  # fmt: skip
    wording = wording_of(place.config())
    assert (wording.language, wording.repeat.total_seconds(), wording.site["zh"]) == ("zh", 5400, "示例市")


def test_a_site_that_names_nobody_needs_no_secret(tmp_path: Path) -> None:
    place = a_site(tmp_path, {})
    assert ways_of(place, place.config()) == ()


def test_every_missing_secret_is_named(tmp_path: Path) -> None:
    place = a_site(tmp_path, {"webhook": HOOK, "mail": MAIL})
    with pytest.raises(SiteInvalid, match=r"hook .*pw "):
        ways_of(place, place.config())


@pytest.mark.parametrize(
    "alerts",
    [
        {"webhook": HOOK | {"url": "ftp://x"}},
        {"webhook": HOOK | {"url": "https://user:password@x/"}},
        {"webhook": {"url": "https://x"}},
        {"mail": MAIL | {"to": []}},
        {"mail": MAIL | {"to": ["nobody"]}},
        {"mail": MAIL | {"from": "a@b\r\nBcc: c@d"}},
        {"mail": {name: value for name, value in MAIL.items() if name != "password"}},
        {"repeat": "1s"},
    ],
)
def test_what_cannot_be_told_by_is_refused(tmp_path: Path, alerts: dict[str, Any]) -> None:
    with pytest.raises(ProblemSet):
        load_config(a_site(tmp_path, alerts).root)
