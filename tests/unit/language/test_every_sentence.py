"""What the sources can say, the catalogue has in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from syncgate import cli, web  # noqa: F401  every error is defined below them
from syncgate.domain.errors import SyncgateError
from syncgate.language import in_chinese, piece
from syncgate.language.catalogue import sentences
from syncgate.language.said import names
from tests.support.sentences import Sentence, expected, files, prose, shape_of, told

HAN = re.compile("[\u4e00-\u9fff]")
SENTENCES = {shape_of(english): english for english in sentences()}
FOLDERS = ("bootstrap", "cli", "config.py", "documents.py", "domain", "flows", "mapping", "records", "site", "storage")
FOLDERS += ("transports", "values.py", "web")


def _names(root: type[SyncgateError]) -> set[str]:
    return {root.__name__}.union(*map(_names, root.__subclasses__()))


ERRORS = frozenset(_names(SyncgateError))


def _missing(found: Iterable[Sentence]) -> list[str]:
    """Those that stay English, whole or in part, once their placeholders are filled."""
    return [str(one) for one in found if not _is_chinese(one.shape)]


def _is_chinese(shape: str) -> bool:
    """A placeholder that a word ends in is one for a hint that may be empty."""
    sample = re.sub(r"(?<=[a-z}])\{\}\Z", "", shape.strip()).replace("{}", "X1")
    words = "\n".join(piece(line) if piece(line) != line else in_chinese(line) for line in sample.split("\n"))
    return bool(HAN.search(words)) and not re.search(r"(?<![\w/'])[a-z]{2,} [a-z]{2,} [a-z]{2,}", words)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sentence_that_is_told_is_in_the_catalogue(folder: str) -> None:
    assert _missing(one for file in files(folder) for one in told(file, ERRORS)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sentence_that_says_what_was_expected_is_in_the_catalogue(folder: str) -> None:
    assert _missing(one for file in files(folder) for one in expected(file)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_template_is_given_its_facts(folder: str) -> None:
    """A placeholder without a fact would be shown with its braces."""
    for file in files(folder):
        for one in told(file, ERRORS):
            template = SENTENCES.get(one.shape)
            if one.names is not None and template is not None and "{}" in one.shape:
                assert names(template) == one.names, str(one)


@pytest.mark.parametrize("english", sentences(), ids=lambda english: english[:60])
def test_both_languages_have_the_same_facts(english: str) -> None:
    assert names(english) - {"why"} == names(sentences()[english]) - {"why"}


def test_every_sentence_of_the_command_line_is_in_the_catalogue() -> None:
    assert _missing(one for file in files("cli") for one in prose(file) if _is_seen(one)) == []


def _is_seen(one: Sentence) -> bool:
    is_later = any(file in one.place for file in _LATER)
    return one.shape not in NO_SENTENCES and not one.shape.startswith(_UNSEEN) and not is_later


NO_SENTENCES = frozenset(
    {
        " because of {}",
        "asked for on the command line",
        "; no more is due",
        "  syncgate --site {} {}",
        "  syncgate deliveries requeues {}",
        "  syncgate deliveries show {}",
        "  syncgate reconcile discrepancies --system {}",
        "env var",
        "made on the command line",
        "mapping test",
        "map {}/examples/case.json",
        "revoked on the command line",
        "the audit chain of {} entries is",
    }
)
"""Literals of several words that are command lines, reasons that are stored, or parts of a sentence."""
_UNSEEN = ("Global options", "SELECT ", "INSERT ", "Bearer ", "#", "Usage: `", "Environment variable `")
_LATER = ("cli/submit.py", "cli/submitting.py")
"""Put together of single words; their whole sentences are in the catalogue where they are sentences."""
