"""A letter of correction, and a proof of submission, as pages for A4 paper."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from syncgate.language import Language, word
from syncgate.reports.letter_model import Letter, Proof
from syncgate.reports.words import text, titled


def letter_page(letter: Letter, language: Language) -> str:
    """The letter as a page."""
    return _page("letter.html.j2", language, letter=letter, zone=letter.face.zone)


def proof_page(proof: Proof, language: Language) -> str:
    """The proof as a page."""
    return _page("proof.html.j2", language, proof=proof, zone=proof.face.zone)


def _page(template: str, language: Language, *, zone: Any, **about: Any) -> str:
    def time(at: datetime | None) -> str:
        return "–" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    def day(at: datetime) -> str:
        local = at.astimezone(zone)
        return f"{local.year}年{local.month}月{local.day}日" if language == "zh" else local.strftime("%d %B %Y")

    return (
        _environment()
        .get_template(template)
        .render(
            **about,
            language=language,
            style=Markup(_resource("letter.css")),  # noqa: S704  ours, from the package
            t=lambda sentence, **facts: text(sentence, language, **facts),
            w=lambda column, code: word(column, str(code), language),
            titled=lambda titles, name: titled(titles, name, language),
            time=time,
            day=day,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_resource),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def _resource(name: str) -> str:
    return resources.files("syncgate.reports").joinpath(name).read_text("utf-8")
