"""Reads the operations from one value to another: tables, rows, times and numbers."""

from __future__ import annotations

from typing import Literal, get_args
from zoneinfo import ZoneInfo

from syncgate import documents
from syncgate.documents import Scalar, Sequence
from syncgate.mapping import document as model
from syncgate.mapping import time_formats
from syncgate.mapping.document import Const, Expression, Options
from syncgate.mapping.reading_pieces import (
    PieceReader,
)
from syncgate.mapping.tables import CodeTable, SiteTable


class ScalarReader(PieceReader):
    """Reads `table`, `row`, `time`, `parse_time`, `number` and `parse_number`."""

    def _read_table(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        name = self._text(node, "table")
        table = self.tables.find(name, self.system)
        is_lossy = self._only(node, "lossy", True)
        is_reversed = self._only(node, "reverse", True)
        if not isinstance(table, CodeTable):
            self._unknown_table(node.get("table") or node, name, table, "code")
        elif is_reversed and not table.is_injective:
            self._add(node.key_place("reverse"), f"the table {name!r} has a code twice and cannot be reversed")
        elif not (table.is_injective or table.is_lossy or is_lossy):
            message = f"the table {name!r} gives one code for two of ours: write 'lossy: true' if that is meant"
            self._add(node.key_place("table"), message, "lossy")
        return model.Lookup(
            place=node.place,
            options=options,
            table=name,
            of=self._operand(node, "of"),
            otherwise=self._otherwise(node),
            is_reversed=is_reversed,
            is_lossy=is_lossy,
        )

    def _otherwise(self, node: documents.Mapping) -> Const | Literal["error", "keep"]:
        found = node.get("otherwise")
        if found is None:
            return "error"
        if isinstance(found, Scalar) and found.value in ("keep", "error"):
            return "keep" if found.value == "keep" else "error"
        if isinstance(found, documents.Mapping) and found.names == ("const",):
            value = found.get("const")
            assert value is not None
            return Const(place=found.place, value=documents.plain(value))
        self._add(found.place, "expected 'error', 'keep' or {const: ...} as otherwise")
        return "error"

    def _read_row(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        name = self._text(node, "row")
        column = self._text(node, "column")
        table = self.tables.find(name, self.system)
        if not isinstance(table, SiteTable):
            self._unknown_table(node.get("row") or node, name, table, "site")
        else:
            if column and column not in table.columns:
                place = (node.get("column") or node).place
                self._unknown(place, f"column of {name}", column, table.columns)
            if table.is_dated and "at" not in node:
                self._add(node.place, f"the rows of {name!r} hold for a time: expected 'at', got none")
        at = self._operand(node, "at") if "at" in node else None
        return model.Row(
            place=node.place,
            options=options,
            table=name,
            key=self._operand(node, "key"),
            column=column,
            at=at,
            zone=self.zone,
        )

    def _read_time(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        return model.Time(
            place=node.place,
            options=options,
            of=self._operand(node, "time"),
            format=self._format(node),
            zone=self._zone(node),
        )

    def _format(self, node: documents.Mapping) -> str | None:
        if "format" not in node:
            return None
        form = self._text(node, "format")
        problem = time_formats.format_problem(form) if form else None
        if problem:
            self._add((node.get("format") or node).place, problem)
        return form

    def _zone(self, node: documents.Mapping) -> str:
        if "zone" not in node:
            return self.zone
        zone = self._text(node, "zone")
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):
            self._add((node.get("zone") or node).place, f"expected a time zone such as {self.zone}, got {zone!r}")
            return self.zone
        return zone

    def _read_parse_time(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        if ("format" in node) == ("formats" in node):
            self._add(node.place, "expected one of the keys 'format' and 'formats'")
        name = "format" if "format" in node else "formats"
        written = node.get(name)
        listed = written.items if isinstance(written, Sequence) else () if written is None else (written,)
        forms = [item.text for item in listed if isinstance(item, Scalar)]
        for item, form in zip(listed, forms, strict=False):
            problem = time_formats.parse_problem(form)
            if problem:
                self._add(item.place, problem)
        if len(forms) != len(listed) or (written is not None and not forms):
            self._add(node.key_place(name), "expected formats such as %Y%m%d")
        return model.ParseTime(
            place=node.place,
            options=options,
            of=self._operand(node, "parse_time"),
            formats=tuple(forms),
            zone=self._zone(node),
            fold=self._fold(node),
        )

    def _fold(self, node: documents.Mapping) -> model.Fold:
        chosen = self._choice(node, "fold", get_args(model.Fold), "error")
        return "earlier" if chosen == "earlier" else "later" if chosen == "later" else "error"

    def _read_number(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        form = self._form(node)
        decimals = self._count(node, "decimals", most=20)
        rounding = self._choice(node, "rounding", ("error", "half_up"), "error")
        if "rounding" in node and decimals is None and form != "integer":
            self._add(node.key_place("rounding"), "rounding needs 'decimals' or 'as: integer'")
        if form == "integer" and decimals:
            self._add(node.key_place("decimals"), "an integer has no decimals")
        return model.Number(
            place=node.place,
            options=options,
            of=self._operand(node, "number"),
            form=form,
            decimals=0 if form == "integer" and rounding == "half_up" else decimals,
            rounding="half_up" if rounding == "half_up" else "error",
            unit=self._unit(node, form),
        )

    def _read_parse_number(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        return model.ParseNumber(
            place=node.place,
            options=options,
            of=self._operand(node, "parse_number"),
            form=self._form(node),
            unit=self._text(node, "unit") if "unit" in node else "",
            thousands=self._thousands(node),
        )

    def _thousands(self, node: documents.Mapping) -> str:
        if "thousands" not in node:
            return ""
        separator = self._text(node, "thousands")
        if any(char in ".-" or char.isdigit() for char in separator):
            self._add(node.key_place("thousands"), "expected a separator without digits, points and signs")
        return separator

    def _form(self, node: documents.Mapping) -> model.NumberForm:
        if "as" not in node:
            self._add(node.place, "expected the key 'as', got none")
            return "text"
        form = self._choice(node, "as", get_args(model.NumberForm), "text")
        return "integer" if form == "integer" else "number" if form == "number" else "text"

    def _unit(self, node: documents.Mapping, form: str) -> str:
        if "unit" not in node:
            return ""
        if form != "text":
            self._add(node.key_place("unit"), "a unit needs 'as: text'")
        return self._text(node, "unit")
