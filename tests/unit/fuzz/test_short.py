"""A few hostile inputs for every parser, and every input that was once a finding. `make fuzz` tries many more."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from tests.fuzz.parsers import TARGETS
from tests.fuzz.target import FOUND, Target, TookTooLong, judged, kept, tried
from tests.support.properties import IS_QUICK

FEW = 3 if IS_QUICK else 12


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_ends_in_its_own_refusal_whatever_comes(name: str) -> None:
    """Promises 7 and 10: nothing silent, and no personal value or secret in what is told."""
    tally = tried(TARGETS[name], number=1, examples=FEW)
    assert tally.finding == "", tally.content[:2000]


KEPT = [(name, file.name) for name in TARGETS for file in kept(TARGETS[name])]


@pytest.mark.parametrize(("name", "file"), KEPT)
def test_what_was_once_found_is_found_no_more(name: str, file: str) -> None:
    judged(TARGETS[name], (FOUND / name / file).read_bytes())


def test_every_kept_input_belongs_to_a_target() -> None:
    assert {folder.name for folder in FOUND.glob("*")} <= set(TARGETS)


def _breaks(content: bytes) -> None:
    if b"9" in content:
        raise KeyError("9")


def test_a_parser_that_breaks_is_found_with_the_least_that_breaks_it() -> None:
    """The fuzzers themselves can fail."""
    target = Target("broken", lambda: st.binary(min_size=1), _breaks)
    tally = tried(target, number=1, examples=20_000)
    assert (tally.finding, tally.content) == ("KeyError: '9'", b"9")


def test_a_parser_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.target.CPU_AT_MOST", 0.2)

    def endless(_: bytes) -> None:
        while True:
            pass

    with pytest.raises(TookTooLong):
        judged(Target("endless", lambda: st.just(b""), endless), b"")
