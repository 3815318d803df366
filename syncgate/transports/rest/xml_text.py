"""A payload as XML 1.0 text: one serializer, so that nothing is escaped twice and nothing is dropped.

`@name` is an attribute, `#text` the text of an element that has attributes, a list the same element again and
again. Names are the payload's own, whatever they are called in the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from syncgate.transports.rest.scalars import scalar_text
from syncgate.transports.rest.unsendable import Unsendable, unfit

_START: Final = "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
_START_REST: Final = "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
_NAME: Final = re.compile(f"[{_START}{_START_REST}][{_START}{_START_REST}.0-9\xb7\u0300-\u036f\u203f\u2040-]*")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE: Final = _IN_TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def is_xml_name(text: str) -> bool:
    """Whether the text names an element or attribute (Namespaces in XML 1.0, NCName)."""
    return _NAME.fullmatch(text) is not None


def xml_text(payload: Any, *, root: str, namespace: str | None = None) -> str:
    """The payload as one element, without a declaration.

    Raises:
        Unsendable: the payload is no object, or holds what XML cannot: null, lists in lists, names that are
            none, text beside elements, characters that XML 1.0 forbids.
    """
    if not isinstance(payload, Mapping):
        raise _unfit("", "an object", payload)
    if namespace is not None:
        payload = {"@xmlns": namespace, **payload}
    return "".join(_element(root, payload, ""))


def _element(name: str, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"<{name}>{_text(value, at).translate(_IN_TEXT)}</{name}>"
        return
    yield f"<{name}"
    for key, part in value.items():
        if key.startswith("@"):
            yield _attribute(key, part, at)
    yield ">"
    yield from _content(value, at)
    yield f"</{name}>"


def _attribute(key: str, value: Any, at: str) -> str:
    name = key[1:]
    # The root alone has a namespace, and it comes from the options.
    if not is_xml_name(name) or (name == "xmlns" and at):
        raise _named(at, key)
    return f' {name}="{_text(value, f"{at}/{key}").translate(_IN_ATTRIBUTE)}"'


def _content(value: Mapping[str, Any], at: str) -> Iterator[str]:
    inner = [key for key in value if not key.startswith("@")]
    if "#text" in inner:
        if len(inner) > 1:
            raise unfit(f"{at or '/'}: expected #text or elements, got both", reason="payload_not_xml")
        yield _text(value["#text"], f"{at}/#text").translate(_IN_TEXT)
        return
    for key in inner:
        if not is_xml_name(key):
            raise _named(at, key)
        part, where = value[key], f"{at}/{key}"
        for one in part if isinstance(part, list | tuple) else (part,):
            yield from _element(key, one, where)


def _text(value: Any, at: str) -> str:
    text = scalar_text(value)
    if text is None:
        raise _unfit(at, "text, a number, true, false, an object or a list of these", value)
    found = _FORBIDDEN.search(text)
    if found is not None:
        got = f"U+{ord(found.group()):04X}"
        raise unfit(f"{at}: expected characters that XML 1.0 allows, got {got}", reason="payload_not_xml")
    return text


def _unfit(at: str, expected: str, value: Any) -> Unsendable:
    got = {type(None): "null", list: "a list", tuple: "a list", dict: "an object"}.get(type(value), "something else")
    return unfit(f"{at or '/'}: expected {expected}, got {got}", reason="payload_not_xml")


def _named(at: str, key: str) -> Unsendable:
    return unfit(f"{at or '/'}: expected names that XML allows, got {key!r}", reason="payload_not_xml")
