"""The glossary has every word in both languages, and what people read uses its words and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncgate.domain.alerts import AlertKind
from syncgate.domain.reconciliation.kinds import Action, Kind, Level, SourceKind
from syncgate.domain.reconciliation.run import RunOutcome, RunStage
from syncgate.language.catalogue import sentences
from syncgate.language.chinese import PIECES
from syncgate.language.reconciling import TABLES
from syncgate.language.words import (
    ACTORS,
    ANSWERS,
    BREAKERS,
    COLUMNS,
    KINDS,
    MODES,
    OUTCOMES,
    PHASES,
    REASONS,
    STATES,
    WORK,
)
from syncgate.web.words import PROBLEMS, RULES

ROOT = Path(__file__).parents[3]
GLOSSARY = (ROOT / "docs/glossary.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in GLOSSARY.splitlines() if line.startswith("| ")
]
EXPLAINED = {match[1]: row for row in ROWS if len(row) == 4 and (match := re.search(r"(?:\*\*|`)([^*`]+)", row[0]))}
CODES = {row[0].strip("`"): row[1] for row in ROWS if len(row) == 2 and row[0].startswith("`")}
MEANINGS = {tuple(cell.strip("`") for cell in row) for row in ROWS if len(row) == 5 and row[0].startswith("`")}

NEVER = {
    "送达": "a legal term; a delivery is 推送成功",
    "挂起": "a special procedure; a delivery is 待人工处理",
    "字典": "a code table is 对照表",
    "租户": "a deployment is 部署实例",
    "下发": "a case is 推送",
    "目标系统": "a system is 对接系统",
    "适配器": "an adapter is 对接配置",
    "队列": "nobody reads of queues: 待推送",
    "熔断": "a breaker is 对方异常，自动暂停",
    "模型": "a contract is 接口规范",
    "工单号": "a case's number is 编号",
    "案件": "a case is 办件",
    "您": "the gate is short",
}
SAID = {
    **sentences(),
    **PIECES,
    **ACTORS,
    **ANSWERS,
    **BREAKERS,
    **COLUMNS,
    **KINDS,
    **MODES,
    **OUTCOMES,
    **REASONS,
    **STATES,
}
SAID |= {
    f"{of} {code}": zh for of, codes in TABLES.items() for code, one in codes.items() for zh in (one.zh, one.means_zh)
}
SAID |= {code: zh for code, (zh, _) in (PROBLEMS | RULES).items()}


@pytest.mark.parametrize("word", NEVER)
def test_a_word_with_another_meaning_is_never_used(word: str) -> None:
    assert {english: zh for english, zh in SAID.items() if word in zh} == {}, NEVER[word]


def test_every_word_has_its_chinese_and_is_explained_in_both_languages() -> None:
    assert len(EXPLAINED) > 40
    for word, (_, zh, meaning, zh_meaning) in EXPLAINED.items():
        assert re.search("[\u4e00-\u9fff]", zh) and meaning and re.search("[\u4e00-\u9fff]", zh_meaning), word


def test_the_phases_are_called_as_in_the_glossary() -> None:
    assert {phase: EXPLAINED[phase][1] for phase in PHASES} == dict(PHASES)


def test_every_code_stands_in_the_glossary() -> None:
    assert CODES == {**ACTORS, **REASONS, **OUTCOMES, **STATES, **ANSWERS, **WORK}


def test_every_code_of_reconciliation_stands_in_the_glossary_with_its_meaning() -> None:
    assert {(code, *meaning) for codes in TABLES.values() for code, meaning in codes.items()} == MEANINGS


def test_every_code_of_reconciliation_has_a_word() -> None:
    """A code that the engine can say and nobody could read would be shown as it is."""
    assert set(TABLES["discrepancy"]) == {*Kind, *SourceKind}
    codes = {"run_outcome": RunOutcome, "stage": RunStage, "action": Action, "level": Level, "alert": AlertKind}
    assert {of: set(TABLES[of]) for of in codes} == {of: set(words) for of, words in codes.items()}


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"\bdeliver(y|ies)\b", "推送任务|批次"),
        (r"\bsources?\b", "来源系统|来源|submit"),
        (r"\bstages\b", "办理环节|stages"),
        (r"\bmaterials\b", "申请材料"),
        (r"\bcontract\b", "接口规范"),
        (r"\bbundle\b", "配置版本"),
    ],
)
def test_a_word_of_the_glossary_is_said_by_its_chinese(pattern: str, word: str) -> None:
    wrong = {e: zh for e, zh in sentences().items() if re.search(pattern, e) and not re.search(word, zh)}
    assert wrong == {}


def test_chinese_has_the_punctuation_of_chinese() -> None:
    """Between or beside Chinese characters no comma, semicolon, colon, bracket or question mark of another script."""
    bare = {english: re.sub("“[^”]*”|`[^`]*`", "", zh) for english, zh in SAID.items()}
    assert {english: zh for english, zh in bare.items() if re.search("[\u4e00-\u9fff] ?[,;:?!()]", zh)} == {}


def test_no_sentence_is_in_the_catalogue_twice() -> None:
    """A later entry would silently take the place of an earlier one."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "syncgate/language/chinese").glob("*.py"))]
    keys = [key for text in texts for key in re.findall(r'^    ((?:"(?:[^"\\]|\\.)*")|(?:\'[^\']*\')):', text, re.M)]
    in_sentences = [key for key in keys if key[1:-1] in sentences()]
    assert sorted({key for key in in_sentences if in_sentences.count(key) > 1}) == []
