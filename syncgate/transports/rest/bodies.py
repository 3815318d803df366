"""A payload as the bytes of a request's body: JSON, form or XML, in the charset that the system reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

import orjson

from syncgate.transports.rest.options import Const, OperationOptions, XmlOptions
from syncgate.transports.rest.scalars import scalar_text
from syncgate.transports.rest.unsendable import unfit
from syncgate.transports.rest.xml_text import xml_text

Write = Callable[[Any], bytes]
"""Gives the body of a payload.

Raises:
    Unsendable: its format or its charset cannot carry the payload.
"""

_TYPES: Final = {"json": "application/json", "form": "application/x-www-form-urlencoded", "xml": "application/xml"}


def content_type_of(operation: OperationOptions) -> str:
    """What the body is declared as."""
    return f"{_TYPES[operation.body]}; charset={operation.charset}"


def writer_of(operation: OperationOptions) -> Write:
    """Writes the bodies of one operation."""
    charset, envelope, xml = operation.charset, operation.envelope, operation.xml

    def wrapped(payload: Any) -> Any:
        if envelope is None:
            return payload
        return {name: _member(part, payload, xml, charset) for name, part in envelope.items()}

    match operation.body:
        case "json":
            return lambda payload: _encoded(_json(wrapped(payload)), charset, payload)
        case "form":
            return lambda payload: "&".join(_fields(wrapped(payload), charset)).encode()
        case "xml":
            return lambda payload: _document(payload, xml, charset)


def _member(part: str | Const, payload: Any, xml: XmlOptions | None, charset: str) -> Any:
    if isinstance(part, Const):
        return part.const
    match part:
        case "text":
            return _json(payload)
        case "xml":
            return _document(payload, xml, charset).decode(charset)
        case _:
            return payload


def _json(payload: Any) -> str:
    try:
        return orjson.dumps(payload).decode()
    except (TypeError, UnicodeEncodeError):
        # The library's message may repeat a value.
        note = "expected a payload that JSON can carry, got one that it cannot"
        raise unfit(note, reason="payload_not_json") from None


def fields_of(operation: OperationOptions, payload: Any) -> Iterator[tuple[str, str]]:
    """The fields of a form, of which every character is one of the operation's charset. Raises Unsendable."""
    envelope, xml, charset = operation.envelope, operation.xml, operation.charset
    if envelope is not None:
        payload = {name: _member(part, payload, xml, charset) for name, part in envelope.items()}
    for name, text in _texts(payload):
        _encoded(name + text, charset, {name: text})
        yield name, text


def _fields(payload: Any, charset: str) -> Iterator[str]:
    for name, text in _texts(payload):
        field = {name: text}
        yield f"{quote_plus(_encoded(name, charset, field))}={quote_plus(_encoded(text, charset, field))}"


def _texts(payload: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(payload, Mapping):
        raise unfit("expected an object as a form's payload, got something else", reason="payload_not_form")
    for name, value in payload.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            text = scalar_text(one)
            if text is None:
                expected = "text, a number, true, false or a list of these"
                got = "null" if one is None else "something nested"
                raise unfit(f"/{name}: expected {expected}, got {got}", reason="payload_not_form")
            yield name, text


def _document(payload: Any, xml: XmlOptions | None, charset: str) -> bytes:
    assert xml is not None, "the options see to it"
    text = xml_text(payload, root=xml.root, namespace=xml.namespace)
    if xml.declaration:
        text = f'<?xml version="1.0" encoding="{charset.upper()}"?>{text}'
    if xml.beyond_charset == "reference":
        _encoded("".join(_names(payload)), charset, payload)
        return text.encode(charset, errors="xmlcharrefreplace")
    return _encoded(text, charset, payload)


def _encoded(text: str, charset: str, payload: Any) -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        # The place and the code point alone: the text around it is somebody's.
        got = f"U+{ord(text[error.start]):04X}"
        note = f"{_place(payload, text[error.start])}: expected characters of {charset}, got {got}"
        raise unfit(note, reason="unencodable", actor="source") from None


def _place(value: Any, char: str, at: str = "") -> str:
    """Where the character is first, as a JSON Pointer."""
    if isinstance(value, Mapping):
        pairs: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list | tuple):
        pairs = iter(enumerate(value))
    else:
        return at if isinstance(value, str) and char in value else ""
    for key, part in pairs:
        found = _place(part, char, f"{at}/{key}") or (f"{at}/" if char in str(key) else "")
        if found:
            return found
    return ""


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        for part in value.values():
            yield from _names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _names(part)
