"""Where a case stands is said in one sentence, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncgate.domain.delivery import Beginning, Event, Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import AttemptKind, BreakerState
from syncgate.language import Standing, Waiting, label, word
from syncgate.language.words import ACTORS, BREAKERS, KINDS, MODES, OUTCOMES, PHASES, REASONS
from syncgate.mapping import RULES

ROOT = Path(__file__).parents[3]
PARKED = Waiting(slot="step S1", phase="parked", reason="unmapped_code", actor="table")

AWAITING = Waiting(
    slot="step S1", phase="awaiting", reason="queued", actor="", since="2026-04-30 09:02", until="2026-05-01 09:02"
)


def _standing(**changes: Any) -> Standing:
    values = {"is_origin": False, "held_count": 2, "slots_count": 2, "case_ref": None, "waiting": None}
    return Standing(**(values | {"waits_for": None} | changes))


@pytest.mark.parametrize(
    ("standing", "zh", "en"),
    [
        (_standing(), "已持有 2 份，应持有 2 份", "holds 2 of 2 records"),
        (_standing(case_ref="P-1"), "已持有 2 份，应持有 2 份，对方编号 P-1", "holds 2 of 2 records as P-1"),
        (
            _standing(ended_as="withdrawn", held_count=0, slots_count=4),
            "已撤件；对方未持有任何数据",
            "the case is withdrawn; it holds nothing of it",
        ),
        (
            _standing(ended_as="withdrawn", case_ref="P-1"),
            "已撤件；对方仍持有 2 份，对方编号 P-1",
            "the case is withdrawn; it still holds 2 records as P-1",
        ),
        (
            _standing(ended_as="void", held_count=0),
            "已作废；对方未持有任何数据",
            "the case is void; it holds nothing of it",
        ),
        (
            _standing(ended_as="merged"),
            "已并入另一办件；对方仍持有 2 份",
            "the case was merged into another; it still holds 2 records",
        ),
        (_standing(slots_count=0), "不接收该办件", "gets nothing of this case"),
        (
            _standing(slots_count=0, case_ref="F-1"),
            "对方编号 F-1，无需推送",
            "knows it as F-1, and nothing is to go there",
        ),
        (
            _standing(own_count=1),
            "已持有 2 份，应持有 2 份，其中 1 份为其自有",
            "holds 2 of 2 records, 1 of them its own",
        ),
        (_standing(is_origin=True, slots_count=0), "由其提交，持有自己的数据", "posted it, and holds its own record"),
        (
            _standing(held_count=1),
            "已持有 1 份，应持有 2 份；其余不再推送",
            "holds 1 of 2 records; no more is due",
        ),
        (
            _standing(waiting=PARKED, waits_for="province"),
            "已持有 2 份，应持有 2 份；step S1 待人工处理：代码未对照，由对照表维护人员处理；等待 province",
            "holds 2 of 2 records; step S1 is parked because of unmapped_code, table must act; waits for province",
        ),
        (
            _standing(held_count=1, waiting=AWAITING),
            "已持有 1 份，应持有 2 份；step S1 待对方确认（自 2026-04-30 09:02 起，最迟至 2026-05-01 09:02）",
            "holds 1 of 2 records; step S1 is awaiting since 2026-04-30 09:02, at most until 2026-05-01 09:02",
        ),
    ],
)
def test_a_case_stands_somewhere(standing: Standing, zh: str, en: str) -> None:
    assert (standing.sentence("zh"), standing.sentence("en")) == (zh, en)


def test_what_waits_for_its_system_to_open_says_until_when() -> None:
    told = Waiting(slot="done", phase="pending", reason="outside_window", actor="", until="2026-04-30 17:30+08:00")
    assert told.sentence("zh") == "done 待推送：不在对方系统的接收时段内，至 2026-04-30 17:30+08:00"
    assert told.sentence("en") == "done is pending because of outside_window, until 2026-04-30 17:30+08:00"


def test_a_delivery_that_nobody_must_mend_names_nobody() -> None:
    waiting = Waiting(slot="step S1", phase="pending", reason=None, actor="operations")
    assert (waiting.sentence("zh"), waiting.sentence("en")) == ("step S1 待推送", "step S1 is pending")


def test_a_reason_that_a_site_made_up_stays_as_it_is() -> None:
    waiting = Waiting(slot="done", phase="parked", reason="quota_of_the_town", actor="")
    assert waiting.sentence("zh") == "done 待人工处理：quota_of_the_town"


def test_a_system_named_like_a_word_of_ours_keeps_its_name() -> None:
    assert _standing(case_ref="nothing", waiting=PARKED, waits_for="pending").sentence("zh").endswith("等待 pending")
    assert "对方编号 nothing；" in _standing(case_ref="nothing", waiting=PARKED).sentence("zh")


def test_every_code_has_a_word() -> None:
    assert set(PHASES) == set(Phase)
    assert set(Outcome) | set(Event) <= set(OUTCOMES)
    assert {*Beginning} - {"planned"} <= set(REASONS)
    assert set(KINDS) == set(AttemptKind)
    assert set(BREAKERS) == set(BreakerState)
    assert set(RULES) <= set(REASONS)
    assert {"draft", "shadow", "live", "manual", "retired"} == set(MODES)


@pytest.mark.parametrize("file", sorted(ROOT.glob("adapters/*/adapter.yaml")), ids=lambda file: file.parent.name)
def test_every_reason_and_actor_of_the_example_adapters_has_a_word(file: Path) -> None:
    answers = yaml.safe_load(file.read_text("utf-8"))["answers"]
    assert {rule["reason"] for rule in answers if "reason" in rule} <= set(REASONS)
    assert {rule["actor"] for rule in answers if "actor" in rule} <= set(ACTORS)


def test_every_reason_and_actor_that_the_engine_writes_has_a_word() -> None:
    """Found in the sources: what is given as `reason` or `actor`, and the constants that stand for one."""
    texts = [path.read_text("utf-8") for name in ("flows", "domain", "transports") for path in _sources(name)]
    written = {code for text in texts for code in re.findall(r'\breason=(?:[\w.]+ or )?"([a-z_]+)"', text)}
    actors = {code for text in texts for code in re.findall(r'\bactor=(?:[\w.]+ or )?"([a-z_]+)"', text)}
    assert len(written) > 10
    assert written - set(REASONS) == set()
    assert actors - {"syncgate"} <= set(ACTORS)


def _sources(name: str) -> list[Path]:
    return sorted((ROOT / "syncgate" / name).rglob("*.py"))


def test_a_code_is_a_word_in_chinese_and_itself_in_english() -> None:
    assert (word("phase", "parked", "zh"), word("phase", "parked", "en")) == ("待人工处理", "parked")
    assert (word("system", "parked", "zh"), word("reason", "made_up", "zh")) == ("parked", "made_up")
    assert (label("remote_ref", "zh"), label("remote_ref", "en")) == ("对方业务编号", "remote ref")
