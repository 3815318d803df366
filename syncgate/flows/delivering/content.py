"""Where a payload holds a material's file, and the checks of the rest of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syncgate.domain.plan import Json
from syncgate.site.bundle import MessageSpec
from syncgate.site.contract import Violation
from syncgate.transports.content import MultipartContent

MATERIAL_MISSING: Final = "material_missing"
"""Why a delivery waits for a person to bring a file."""
MATERIAL_TOO_LARGE: Final = "material_too_large"

_STAND_IN: Final = ""


class PlaceTaken(Exception):
    """The mapping made something else than an object where the file's place is."""


def without_content(spec: MessageSpec, payload: Json) -> Sequence[Violation]:
    """What breaks the contract in a payload whose file is not there yet; nothing is said of the file's own place."""
    content = spec.content
    if content is None or isinstance(content, MultipartContent):
        return spec.contract.violations(payload)
    try:
        filled = placed(payload, content.tokens, _STAND_IN)
    except PlaceTaken:
        return spec.contract.violations(payload)
    return [found for found in spec.contract.violations(filled) if found.pointer != content.at]


def placed(payload: Json, tokens: tuple[str, ...], text: str) -> Json:
    """The payload with a text at a place; objects on the way to it are made. Raises PlaceTaken."""
    if not isinstance(payload, dict):
        raise PlaceTaken
    token, *below = tokens
    value: Any = text if not below else placed(payload.get(token, {}), tuple(below), text)
    return {**payload, token: value}
