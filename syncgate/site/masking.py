"""What people see of personal values: enough to recognise a case, too little to know a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from syncgate.site.schema_tree import Node, SchemaTree

Json = Any
HIDDEN: Final = "**"


def masked(document: Json, tree: SchemaTree) -> Json:
    """The document with the same shape, every personal value masked by its class.

    What the schema does not know is hidden whole.
    """
    return _masked(document, tree, tree.root, "")


def _masked(value: Json, tree: SchemaTree, node: Node | None, inherited: str) -> Json:
    personal = inherited if node is None else str(node.get("x-personal", inherited))
    if node is None and not personal:
        personal = "content"
    if isinstance(value, Mapping):
        return {key: _masked(below, tree, tree.child(node, key), personal) for key, below in value.items()}
    if isinstance(value, list):
        return [_masked(below, tree, tree.child(node, 0), personal) for below in value]
    if value is None or not personal:
        return value
    return _MASKS.get(personal, _hidden)(value) if isinstance(value, str) else HIDDEN


def _hidden(_text: str) -> str:
    return HIDDEN


def _name(text: str) -> str:
    """张** : the first character of two or more."""
    return text[0] + HIDDEN if len(text) > 1 else HIDDEN


def _identity(text: str) -> str:
    """990**************X : the first three and the last one of a long number, nothing of a short one."""
    return f"{text[:3]}{'*' * (len(text) - 4)}{text[-1]}" if len(text) >= 15 else HIDDEN


def _contact(text: str) -> str:
    """154****0001 : the first three and the last four of a telephone number, nothing of anything else."""
    is_number = len(text) >= 11 and all(letter.isdigit() or letter in "+- " for letter in text)
    return f"{text[:3]}****{text[-4:]}" if is_number else HIDDEN


def _address(text: str) -> str:
    """示例市** : the first three characters of a long one."""
    return text[:3] + HIDDEN if len(text) >= 8 else HIDDEN


_MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": _name,
    "identity": _identity,
    "contact": _contact,
    "address": _address,
}
