"""The reference page says what the code says."""

from __future__ import annotations

from pathlib import Path

from syncgate.flows.operating.people import ACTIONS_BY_ROLE
from syncgate.web.words import PROBLEMS, RULES

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "http-api.md").read_text("utf-8")


def test_the_page_names_every_problem_role_and_rule_of_the_schema() -> None:
    inner = {"bad_request", "file_refused", "illegal_move"}
    named = {*PROBLEMS} - inner | {*ACTIONS_BY_ROLE} | set(list(RULES)[: list(RULES).index("known_with_other_content")])
    assert [name for name in named if f"`{name}`" not in PAGE] == []
