"""What makes two cases look alike (疑似重复): one item, and the same text, applicant or place. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

Json = Any

CLOSE: Final = timedelta(days=7)
"""Cases that came further apart are not taken for the same."""
_TEXT_SHORTEST: Final = 6
"""Shorter texts say the same by chance."""


class Feature(StrEnum):
    """In what two cases are alike."""

    TEXT = "text"
    """What is told, or asked for."""
    APPLICANT = "applicant"
    """Who applies, by the number of a document, or by name and telephone."""
    LOCATION = "location"
    """Where it is."""


def features(document: Json) -> dict[Feature, str]:
    """By feature, a text that equals that of every case that is alike in it; none where the case says too little."""
    subject = f"{document.get('kind')}\n{_item(document)}\n"
    said = {
        Feature.TEXT: _text(document),
        Feature.APPLICANT: _applicant(document),
        Feature.LOCATION: normalised(_at(document, "location", "text")),
    }
    return {feature: f"{feature}\n{subject}{text}" for feature, text in said.items() if text}


def normalised(text: Json) -> str:
    """The letters and digits of a text, in one form: width, case, spaces and punctuation do not tell two apart."""
    if not isinstance(text, str):
        return ""
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())


def _item(document: Json) -> str:
    names = (_at(document, "item", name) for name in ("task_code", "local_code", "name"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _text(document: Json) -> str:
    """Of a hotline case what the caller told; an application's title is that of its item, and tells nothing."""
    if document.get("kind") != "hotline":
        return ""
    text = normalised(document.get("description")) or normalised(document.get("title"))
    return text if len(text) >= _TEXT_SHORTEST else ""


def _applicant(document: Json) -> str:
    number = normalised(_at(document, "applicant", "id_no"))
    if number:
        return number
    name, mobile = normalised(_at(document, "applicant", "name")), normalised(_at(document, "contact", "mobile"))
    return f"{name}\n{mobile}" if name and mobile else ""


def _at(document: Json, *path: str) -> Json:
    for step in path:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document
