"""JSON Pointer (RFC 6901) over JSON and XML: parsed once, followed often."""

from __future__ import annotations

from typing import Any, Final

from syncgate.transports.xml_document import XmlElement

MISSING: Final = object()
"""What a pointer gives where the document has nothing; JSON null is something."""


def parse_pointer(text: str) -> tuple[str, ...]:
    """The pointer's reference tokens; `""` is the whole document.

    Raises:
        ValueError: it is not a JSON Pointer.
    """
    if text == "":
        return ()
    if not text.startswith("/"):
        raise ValueError(f'expected a JSON Pointer such as "/data/id", got {text!r}')
    if "~" in text.replace("~0", "").replace("~1", ""):
        raise ValueError(f"expected ~0 or ~1 after a tilde, got {text!r}")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text[1:].split("/"))


def follow(document: Any, tokens: tuple[str, ...]) -> Any:
    """The value at the pointer, or MISSING. Of XML the value as `XmlElement.value` gives it."""
    if isinstance(document, XmlElement):
        return _follow_xml(document, tokens)
    for token in tokens:
        if isinstance(document, dict):
            document = document.get(token, MISSING)
        elif isinstance(document, list) and _is_index(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return MISSING
    return document


def follow_list(document: Any, tokens: tuple[str, ...]) -> Any:
    """The list at the pointer, or MISSING. Of XML the last step names the repeated element, of which there may be none
    where there is one element around it."""
    if not isinstance(document, XmlElement):
        found = follow(document, tokens)
        return found if isinstance(found, list) else MISSING
    around = [document]
    for step in tokens[:-1]:
        around = around[0].matching(step) if len(around) == 1 else []
    return [one.value() for one in around[0].matching(tokens[-1])] if tokens and len(around) == 1 else MISSING


def _follow_xml(document: XmlElement, tokens: tuple[str, ...]) -> Any:
    found = [document]
    for no, step in enumerate(tokens):
        if step.startswith("@") or step == "#text":
            return _leaf(found, step) if no == len(tokens) - 1 else MISSING
        if _is_index(step):
            found = found[int(step) : int(step) + 1]
        else:
            # Of several elements none is meant more than the others: the path must say which.
            found = found[0].matching(step) if len(found) == 1 else []
    values = [element.value() for element in found]
    return MISSING if not values else values[0] if len(values) == 1 else values


def _leaf(found: list[XmlElement], step: str) -> Any:
    if len(found) != 1:
        return MISSING
    return found[0].text() if step == "#text" else found[0].attributes.get(step[1:], MISSING)


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and (text == "0" or text[0] != "0")
