"""A JSON Schema as a tree of fields: what stands under a key, its titles, its class of personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
Token = str | int


class SchemaTree:
    """Looks fields up in a schema whose `$ref`s are local."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Args: schema: the document; `$ref`s point into its own `$defs`."""
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self.root = self.resolved(schema)

    def resolved(self, node: Node) -> Node:
        """The node with what it refers to; its own titles and marks win."""
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        referred = self._definitions[reference.removeprefix("#/$defs/")]
        return {**self.resolved(referred), **{key: value for key, value in node.items() if key != "$ref"}}

    def child(self, node: Node | None, token: Token) -> Node | None:
        """The node under a key or position; None where the schema says nothing of it."""
        if node is None:
            return None
        if isinstance(token, int) and "items" in node:
            below = node["items"]
        else:
            below = node.get("properties", {}).get(str(token), node.get("additionalProperties"))
        return self.resolved(below) if isinstance(below, Mapping) else None

    def at(self, tokens: Sequence[Token]) -> Node | None:
        """The node of a field; None where the schema says nothing of it."""
        node: Node | None = self.root
        for token in tokens:
            node = self.child(node, token)
        return node

    def titles(self, tokens: Sequence[Token]) -> dict[str, str]:
        """The field's title by language; empty where it has none."""
        node = self.at(tokens)
        if node is None or "title" not in node:
            return {}
        return {"zh": str(node["title"]), "en": str(node.get("x-title-en", node["title"]))}

    def fields(self, node: Node | None = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """Every field with its path; `*` stands for any position of a list and for any other key."""
        node = self.root if node is None else node
        if path:
            yield path, node
        for name, below in node.get("properties", {}).items():
            yield from self.fields(self.resolved(below), (*path, name))
        for keyword in ("items", "additionalProperties"):
            if isinstance(node.get(keyword), Mapping):
                yield from self.fields(self.resolved(node[keyword]), (*path, "*"))
