"""Reads text operations: steps, charsets and limits."""

from __future__ import annotations

from syncgate import documents
from syncgate.documents import JsonValue, Node, Scalar, Sequence
from syncgate.mapping import document as model
from syncgate.mapping.document import Expression, Options
from syncgate.mapping.reading_pieces import (
    PieceReader,
)
from syncgate.mapping.tables import CodeTable
from syncgate.mapping.texts import CHARSETS, STEP_ARGUMENTS


class TextReader(PieceReader):
    """Reads `text`."""

    def _read_text(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        charset = self._charset(node)
        table = self._unencodable(node)
        if table is not None and charset is None:
            self._add(node.key_place("unencodable"), "unencodable needs a charset")
        limit = node.get("limit")
        return model.Text(
            place=node.place,
            options=options,
            of=self._operand(node, "text"),
            steps=self._steps(node.get("steps")),
            charset=charset,
            unencodable=table,
            limit=None if limit is None else self._limit(limit, charset),
        )

    def _charset(self, node: documents.Mapping) -> model.Charset | None:
        if "charset" not in node:
            return None
        name = self._choice(node, "charset", CHARSETS, "")
        return next((charset for charset in CHARSETS if charset == name), None)

    def _unencodable(self, node: documents.Mapping) -> str | None:
        found = node.get("unencodable")
        if found is None or (isinstance(found, Scalar) and found.value == "error"):
            return None
        if not isinstance(found, documents.Mapping) or found.names != ("table",):
            self._add(found.place, "expected 'error' or {table: <name>} as unencodable")
            return None
        name = self._text(found, "table")
        table = self.tables.find(name, self.system)
        if not isinstance(table, CodeTable):
            self._unknown_table(found.get("table") or found, name, table, "code")
        return name

    def _limit(self, node: Node, charset: model.Charset | None) -> model.Limit | None:
        if not isinstance(node, documents.Mapping):
            self._add(node.place, "expected a limit such as {bytes: 100, charset: gbk, beyond: error}")
            return None
        known = ("bytes", "chars", "charset", "beyond", "marker")
        for entry in node:
            if entry.name not in known:
                self._unknown(entry.key.place, "key of limit", entry.name, known)
        if ("bytes" in node) == ("chars" in node):
            self._add(node.place, "expected one of the keys 'bytes' and 'chars'")
            return None
        is_bytes = "bytes" in node
        most = self._count(node, "bytes" if is_bytes else "chars", most=100_000_000) or 0
        own = self._charset(node) or charset
        if is_bytes and own is None and "charset" not in node:
            self._add(node.place, "a limit in bytes names its charset: expected the key 'charset', got none")
        if "beyond" not in node:
            self._add(node.place, "expected 'beyond: error' or 'beyond: cut', got neither")
        beyond = self._choice(node, "beyond", ("error", "cut"), "error")
        marker = self._marker(node, beyond, most=most, charset=own, is_bytes=is_bytes)
        unit_is_bytes = is_bytes and own is not None
        return model.Limit(
            most=most,
            unit="bytes" if unit_is_bytes else "chars",
            charset=own,
            beyond="cut" if beyond == "cut" else "error",
            marker=marker,
        )

    def _marker(
        self,
        node: documents.Mapping,
        beyond: str,
        *,
        most: int,
        charset: model.Charset | None,
        is_bytes: bool,
    ) -> str:
        if "marker" not in node:
            return ""
        marker = self._text(node, "marker")
        place = (node.get("marker") or node).place
        if beyond != "cut":
            self._add(place, "a marker needs 'beyond: cut'")
        try:
            length = len(marker.encode(charset)) if is_bytes and charset else len(marker)
            if charset:
                marker.encode(charset)
        except UnicodeEncodeError:
            self._add(place, f"expected a marker that {charset} has, got another one")
            return ""
        if length > most:
            self._add(place, f"expected a marker within the limit of {most}, got a longer one")
        return marker

    def _steps(self, node: Node | None) -> tuple[model.Step, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self._add(node.place, f"expected a list of steps, got {documents.kind_of(node)}")
            return ()
        steps = (self._step(item) for item in node)
        return tuple(step for step in steps if step is not None)

    def _step(self, node: Node) -> model.Step | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            name, place, given = node.value, node.place, None
        elif isinstance(node, documents.Mapping) and len(node.entries) == 1:
            name, place, given = node.entries[0].name, node.entries[0].key.place, node.entries[0].value
        else:
            self._add(node.place, "expected a step such as trim or {prefix: A}")
            return None
        if name not in STEP_ARGUMENTS:
            self._unknown(place, "step", name, STEP_ARGUMENTS)
            return None
        arguments = _arguments(name, None if given is None else documents.plain(given))
        if arguments is None:
            takes = STEP_ARGUMENTS[name] or "nothing"
            self._add(place if given is None else given.place, f"the step {name} takes {takes}")
            return None
        return model.Step(name, arguments)


def _arguments(name: str, given: JsonValue) -> tuple[str | int, ...] | None:
    takes = STEP_ARGUMENTS[name]
    if not takes:
        return () if given is None else None
    if name in ("prefix", "suffix"):
        return (given,) if isinstance(given, str) and given else None
    if not isinstance(given, list):
        return None
    match name, given:
        case "replace", [str(old), str(new)] if old:
            return (old, new)
        case (("pad_left" | "pad_right"), [int(length), str(fill)]) if len(fill) == 1 and 0 < length <= 1000:
            return (length, fill)
        case "slice", [int(start)] if start >= 0 and start is not True and start is not False:
            return (start,)
        case "slice", [int(start), int(end)] if 0 <= start <= end:
            return (start, end)
    return None
