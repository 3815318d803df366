"""Reads expressions and conditions from nodes, and adds everything that is wrong with them at once.

What cannot be read becomes a constant nothing, so that the rest is still read; the problems keep the result
from ever being used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from syncgate import documents
from syncgate.documents import JsonValue, Node, Place, Problems, Scalar, Sequence
from syncgate.mapping import document as model
from syncgate.mapping import times
from syncgate.mapping.document import Condition, Const, Expression, Operand, Options
from syncgate.mapping.functions import Functions
from syncgate.mapping.results import CONTEXT_NAMES
from syncgate.mapping.tables import CodeTable, SiteTable, Tables
from syncgate.mapping.texts import CHARSETS, STEP_ARGUMENTS

DEEPEST = 16
"""How many expressions may nest."""

COMMON = ("optional", "when_absent", "compared", "empty_as")

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "path": (),
    "const": (),
    "table": ("of", "otherwise", "lossy", "reverse"),
    "row": ("key", "at", "column"),
    "time": ("format", "zone"),
    "parse_time": ("format", "formats", "zone"),
    "number": ("as", "decimals", "rounding", "unit"),
    "parse_number": ("as", "unit", "thousands"),
    "text": ("steps", "charset", "unencodable", "limit"),
    "join": ("with",),
    "split": ("on",),
    "choose": ("otherwise",),
    "first": (),
    "each": ("where", "do"),
    "object": (),
    "list": (),
    "remote_ref": ("message",),
    "case_ref": (),
    "context": ("format", "zone"),
    "function": ("args",),
}
"""Every operation with its own keys; the common ones go with each."""

CONDITIONS = ("present", "equals", "in", "not", "all", "any", "at_least", "at_most")

_OUTWARD_ONLY = ("remote_ref", "case_ref", "context")


class Reader:
    """Reads the expressions of one mapping or condition."""

    def __init__(
        self,
        problems: Problems,
        *,
        roots: tuple[str, ...],
        tables: Tables,
        functions: Functions,
        system: str | None,
        zone: str,
        is_outward: bool,
    ) -> None:
        self.problems = problems
        self.is_outward = is_outward
        self.roots = roots
        self.tables = tables
        self.functions = functions
        self.system = system
        self.zone = zone
        self.each_count = 0
        self.depth = 0

    # --- expressions -------------------------------------------------------------------------------------

    def expression(self, node: Node, *, is_slot: bool = False, is_field: bool = False) -> Expression:
        """The expression that a node writes.

        Args:
            node: A text (a path) or an object with one operation.
            is_slot: Whether what it gives may be left out here, so that `optional` has a meaning.
            is_field: Whether it is a field of the payload, so that `compared` has a meaning.
        """
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self._path(node, Options())
        if isinstance(node, Scalar):
            written = node.text or "nothing"
            self._add(node.place, f"expected a path or an operation, got {written}: write {{const: {written}}}")
            return _nothing(node)
        if isinstance(node, Sequence):
            self._add(node.place, "expected a path or an operation, got a list: write {list: [...]}")
            return _nothing(node)
        if self.depth >= DEEPEST:
            self._add(node.place, f"expected at most {DEEPEST} nested expressions, got more")
            return _nothing(node)
        self.depth += 1
        try:
            return self._operation(node, is_slot=is_slot, is_field=is_field)
        finally:
            self.depth -= 1

    def _operation(self, node: documents.Mapping, *, is_slot: bool, is_field: bool) -> Expression:
        name = self._operation_name(node)
        if name is None:
            return _nothing(node)
        known = (name, *OPERATIONS[name], *COMMON)
        for entry in node:
            if entry.name not in known:
                self._unknown(entry.key.place, f"key of {name}", entry.name, known)
        if name in _OUTWARD_ONLY and not self.is_outward:
            self._add(node.key_place(name), f"{name} has no meaning here: it belongs in a mapping outward")
        options = self._options(node, is_slot=is_slot, is_field=is_field)
        read: Callable[[documents.Mapping, Options, bool], Expression] = getattr(self, f"_read_{name}")
        return read(node, options, is_slot)

    def _operation_name(self, node: documents.Mapping) -> str | None:
        found = [name for name in node.names if name in OPERATIONS]
        if len(found) == 1:
            return found[0]
        if found:
            self._add(node.key_place(found[1]), f"expected one operation, got {' and '.join(found)}")
            return None
        first = next((name for name in node.names if name not in COMMON), None)
        if first is None:
            self._add(node.place, "expected an operation, got none")
            return None
        near = documents.nearest(first, OPERATIONS, cutoff=0.7)
        hint = f"the nearest known is {near!r}" if near else "an object of fields is written {object: {...}}"
        self._add(node.key_place(first), f"unknown operation {first!r}; {hint}", "unknown_operation")
        return None

    def _options(self, node: documents.Mapping, *, is_slot: bool, is_field: bool) -> Options:
        is_optional = self._only(node, "optional", True)
        if is_optional and not is_slot:
            self._add(
                node.key_place("optional"),
                "optional has no meaning here: write it at the outermost expression of the field or item",
            )
        is_uncompared = self._only(node, "compared", False)
        if is_uncompared and not is_field:
            self._add(
                node.key_place("compared"),
                "compared has no meaning here: write it at the outermost expression of a payload's field",
            )
        absent = node.get("when_absent")
        when_absent = None if absent is None else self.expression(absent, is_slot=is_slot)
        if is_optional and when_absent is not None:
            self._add(node.key_place("optional"), "expected optional or when_absent, got both")
        empty = self._choice(node, "empty_as", ("absent", "", "keep"), "keep")
        return Options(
            is_optional=is_optional,
            when_absent=when_absent,
            empty_as="text" if empty == "" else "absent" if empty == "absent" else "keep",
            is_compared=not is_uncompared,
        )

    def _path(self, node: Scalar, options: Options) -> Expression:
        return self._path_of(node.place, node.text.split("."), options, node.text)

    def _path_of(self, place: Place, steps: list[str], options: Options, written: str) -> Expression:
        roots = (*self.roots, "it") if self.each_count else self.roots
        if steps[0] not in roots:
            near = documents.nearest(steps[0], roots) if len(steps) > 1 else None
            hint = f"; the nearest known is {near!r}" if near else ""
            hint = hint or f"; a constant is written {{const: {written}}}"
            message = f"expected a path that starts with {_listed(roots)}, got {written!r}{hint}"
            self._add(place, message, "unknown_root")
        for step in steps[1:]:
            if not step:
                self._add(place, f"expected a name between the dots of {written!r}, got none")
            elif step.isascii() and step.isdigit():
                self._add(place, f"expected a name, got the index {step}: a list is read with each")
        return model.Path(place=place, options=options, root=steps[0], keys=tuple(steps[1:]))

    def _read_path(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        written = node.get("path")
        if isinstance(written, Sequence):
            steps = [item.text for item in written if isinstance(item, Scalar)]
            if steps and len(steps) == len(written):
                return self._path_of(written.place, steps, options, ".".join(steps))
        elif isinstance(written, Scalar) and isinstance(written.value, str):
            return self._path(written, options)
        place = node.place if written is None else written.place
        self._add(place, "expected a path or a list of its names")
        return _nothing(node)

    def _read_const(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        value = node.get("const")
        assert value is not None
        if options.when_absent is not None or options.is_optional or options.empty_as != "keep":
            self._add(node.place, "a constant is never absent: expected no other key beside const")
        return Const(place=node.place, options=options, value=documents.plain(value))

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

    def _unknown_table(self, node: Node, name: str, found: object, kind: str) -> None:
        if not name:
            return
        if found is not None:
            self._add(node.place, f"expected a {kind} table, got {name!r}, which is of the other kind")
        else:
            self._unknown(node.place, "table", name, self.tables.names(self.system))

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
        problem = times.format_problem(form) if form else None
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
            problem = times.parse_problem(form)
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
        )

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
            thousands=self._text(node, "thousands") if "thousands" in node else "",
        )

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

    def _read_join(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        of = node.get("join")
        assert of is not None
        operand: Expression | tuple[Expression, ...]
        if isinstance(of, Sequence):
            operand = tuple(self.expression(item, is_slot=True) for item in of)
        else:
            operand = self.expression(of)
        separator = self._text(node, "with", is_empty_allowed=True) if "with" in node else ""
        return model.Join(place=node.place, options=options, of=operand, separator=separator)

    def _read_split(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        on = self._text(node, "on")
        return model.Split(place=node.place, options=options, of=self._operand(node, "split"), on=on)

    def _read_choose(self, node: documents.Mapping, options: Options, is_slot: bool) -> Expression:
        listed = node.get("choose")
        branches: list[model.Branch] = []
        if isinstance(listed, Sequence):
            branches = [branch for item in listed for branch in self._branch(item, is_slot)]
        elif listed is not None:
            self._add(listed.place, f"expected a list of {{when, then}}, got {documents.kind_of(listed)}")
        otherwise = node.get("otherwise")
        return model.Choose(
            place=node.place,
            options=options,
            branches=tuple(branches),
            otherwise=None if otherwise is None else self.expression(otherwise, is_slot=is_slot),
        )

    def _branch(self, node: Node, is_slot: bool) -> Iterator[model.Branch]:
        if not isinstance(node, documents.Mapping):
            self._add(node.place, f"expected {{when: ..., then: ...}}, got {documents.kind_of(node)}")
            return
        for entry in node:
            if entry.name not in ("when", "then"):
                self._unknown(entry.key.place, "key of a branch", entry.name, ("when", "then"))
        when, then = node.get("when"), node.get("then")
        for name, found in (("when", when), ("then", then)):
            if found is None:
                self._add(node.place, f"expected the key {name!r}, got none")
        if when is not None and then is not None:
            yield model.Branch(self.condition(when), self.expression(then, is_slot=is_slot))

    def _read_first(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        items = self._items(node.get("first"), "first")
        return model.First(place=node.place, options=options, of=tuple(self.expression(item) for item in items))

    def _read_each(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        of = self._operand(node, "each")
        where, do = node.get("where"), node.get("do")
        if do is None:
            self._add(node.place, "expected the key 'do', got none")
        with self._inside_each():
            return model.Each(
                place=node.place,
                options=options,
                of=of,
                where=None if where is None else self.condition(where),
                do=_nothing(node) if do is None else self.expression(do, is_slot=True),
            )

    @contextmanager
    def _inside_each(self) -> Iterator[None]:
        self.each_count += 1
        try:
            yield
        finally:
            self.each_count -= 1

    def _read_object(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        fields = node.get("object")
        assert fields is not None
        return model.Object(place=node.place, options=options, fields=self.fields(fields))

    def fields(self, node: Node, *, is_payload: bool = False) -> tuple[model.Field, ...]:
        """The fields of an object, by the target's own names."""
        if not isinstance(node, documents.Mapping):
            self._add(node.place, f"expected an object of fields, got {documents.kind_of(node)}")
            return ()
        return tuple(
            model.Field(
                entry.key.place,
                entry.name,
                self.expression(entry.value, is_slot=True, is_field=is_payload),
            )
            for entry in node
        )

    def _read_list(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        listed = node.get("list")
        items = listed.items if isinstance(listed, Sequence) else ()
        if listed is not None and not isinstance(listed, Sequence):
            self._add(listed.place, f"expected a list of expressions, got {documents.kind_of(listed)}")
        found = tuple(self.expression(item, is_slot=True) for item in items)
        return model.List(place=node.place, options=options, items=found)

    def _read_remote_ref(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        message = self._text(node, "message") if "message" in node else None
        system = self._text(node, "remote_ref")
        return model.RemoteRef(place=node.place, options=options, system=system, message=message)

    def _read_case_ref(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        return model.CaseRef(place=node.place, options=options, system=self._text(node, "case_ref"))

    def _read_context(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        name = self._text(node, "context")
        if name and name not in CONTEXT_NAMES:
            self._unknown((node.get("context") or node).place, "context value", name, CONTEXT_NAMES)
        for key in ("format", "zone"):
            if key in node and name != "sent_at":
                self._add(node.key_place(key), f"{key} goes only with {{context: sent_at}}")
        return model.ContextValue(
            place=node.place, options=options, name=name, format=self._format(node), zone=self._zone(node)
        )

    def _read_function(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        name = self._text(node, "function")
        args = node.get("args")
        given: tuple[tuple[str, Expression], ...] = ()
        if isinstance(args, documents.Mapping):
            given = tuple((entry.name, self.expression(entry.value)) for entry in args)
        elif args is not None:
            self._add(args.place, f"expected arguments by name, got {documents.kind_of(args)}")
        function = self.functions.by_name.get(name)
        if function is None:
            if name:
                place = (node.get("function") or node).place
                self._unknown(place, "function", name, self.functions.by_name)
        else:
            for entry in args if isinstance(args, documents.Mapping) else ():
                if entry.name not in function.parameters:
                    self._unknown(entry.key.place, f"argument of {name}", entry.name, function.parameters)
            lacking = [parameter for parameter in function.parameters if parameter not in dict(given)]
            if lacking:
                self._add(node.place, f"expected the arguments {_listed(lacking)} of {name}, got none")
        return model.Call(place=node.place, options=options, function=name, arguments=given)

    # --- conditions --------------------------------------------------------------------------------------

    def condition(self, node: Node) -> Condition:
        """The condition that a node writes: an object with one of CONDITIONS."""
        never = model.Any(node.place, ())
        if not isinstance(node, documents.Mapping) or len(node.entries) != 1:
            got = documents.kind_of(node)
            self._add(node.place, f"expected one condition such as {{present: case.agent}}, got {got}")
            return never
        entry = node.entries[0]
        if entry.name not in CONDITIONS:
            self._unknown(entry.key.place, "condition", entry.name, CONDITIONS)
            return never
        if self.depth >= DEEPEST:
            self._add(node.place, f"expected at most {DEEPEST} nested conditions, got more")
            return never
        self.depth += 1
        try:
            return self._condition(entry.name, entry.value, node.place)
        finally:
            self.depth -= 1

    def _condition(self, name: str, node: Node, place: Place) -> Condition:
        if name == "present":
            return model.Present(place, self._read_operand(node))
        if name == "not":
            return model.Not(place, self.condition(node))
        if name in ("all", "any"):
            conditions = tuple(self.condition(item) for item in self._items(node, name))
            return model.All(place, conditions) if name == "all" else model.Any(place, conditions)
        pair = self._items(node, name)
        if len(pair) != 2:
            if isinstance(node, Sequence) and node.items:
                self._add(node.place, f"expected two values to compare, got {len(pair)}")
            return model.Any(place, ())
        left = self._read_operand(pair[0])
        if name == "in":
            return model.In(place, left, self._among(pair[1]))
        right = self._read_operand(pair[1])
        if name == "equals":
            for side in (left, right):
                if isinstance(side, Const) and side.value is None:
                    self._add(side.place, "nothing equals null: write {not: {present: ...}}")
            return model.Equals(place, left, right)
        return self._bound(name, place, left, right)

    def _bound(self, name: str, place: Place, left: Operand, right: Operand) -> Condition:
        if isinstance(right, Const) and (isinstance(right.value, bool) or not isinstance(right.value, int | float)):
            got = documents.kind_of_value(right.value)
            self._add(right.place, f"expected a number as bound, got {got}")
        if name == "at_least":
            return model.AtLeast(place, left, right)
        return model.AtMost(place, left, right)

    def _read_operand(self, node: Node) -> Operand:
        expression = self.expression(node)
        if isinstance(expression, model.Path | Const | model.ContextValue):
            if expression.options.when_absent is None:
                return expression
            self._add(node.place, "when_absent has no meaning in a condition")
            return _nothing(node)
        name = next((key for key in _names(node) if key in OPERATIONS), "an operation")
        self._add(node.place, f"expected a path, a constant or a context value in a condition, got {name}")
        return _nothing(node)

    def _among(self, node: Node) -> tuple[Operand, ...]:
        if isinstance(node, documents.Mapping) and node.names == ("list",):
            return tuple(self._read_operand(item) for item in self._items(node.get("list"), "list"))
        if isinstance(node, documents.Mapping) and node.names == ("const",):
            items = self._items(node.get("const"), "const")
            return tuple(Const(place=item.place, value=documents.plain(item)) for item in items)
        self._add(node.place, "expected {const: [...]} or {list: [...]} to look in")
        return ()

    # --- pieces ------------------------------------------------------------------------------------------

    def _operand(self, node: documents.Mapping, key: str) -> Expression:
        found = node.get(key)
        if found is None:
            self._add(node.place, f"expected the key {key!r}, got none")
            return _nothing(node)
        return self.expression(found)

    def _items(self, node: Node | None, name: str) -> tuple[Node, ...]:
        if isinstance(node, Sequence) and node.items:
            return node.items
        if node is not None:
            got = "an empty list" if isinstance(node, Sequence) else documents.kind_of(node)
            self._add(node.place, f"expected a list for {name}, got {got}")
        return ()

    def _text(self, node: documents.Mapping, key: str, *, is_empty_allowed: bool = False) -> str:
        found = node.get(key)
        if isinstance(found, Scalar) and isinstance(found.value, str) and (found.value or is_empty_allowed):
            return found.value
        if found is None:
            self._add(node.place, f"expected the key {key!r}, got none")
        else:
            got = "an empty text" if isinstance(found, Scalar) and found.value == "" else documents.kind_of(found)
            self._add(found.place, f"expected a text as {key!r}, got {got}")
        return ""

    def _count(self, node: documents.Mapping, key: str, *, most: int) -> int | None:
        found = node.get(key)
        if found is None:
            return None
        value = found.value if isinstance(found, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        self._add(found.place, f"expected a whole number from 0 to {most} as {key!r}")
        return None

    def _choice(self, node: documents.Mapping, key: str, known: tuple[str, ...], default: str) -> str:
        found = node.get(key)
        if found is None:
            return default
        value = found.value if isinstance(found, Scalar) else None
        if isinstance(value, str) and value in known:
            return value
        if isinstance(value, str):
            self._unknown(found.place, key, value, [name for name in known if name])
        else:
            self._add(found.place, f"expected one of {_listed(known)} as {key!r}")
        return default

    def _only(self, node: documents.Mapping, key: str, value: bool) -> bool:
        """Whether a switch is written; its other position is the default and is not written."""
        found = node.get(key)
        if found is None:
            return False
        if not isinstance(found, Scalar) or found.value is not value:
            self._add(found.place, f"expected '{key}: {str(value).lower()}' or no such key")
        return True

    def _add(self, place: Place, message: str, code: str = "invalid") -> None:
        self.problems.add(place, message, code)

    def _unknown(self, place: Place, kind: str, name: str, known: object) -> None:
        names = list(known) if isinstance(known, Mapping | tuple | list) else []
        self.problems.add(place, documents.unknown(kind, name, names), "unknown_name")


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


def _nothing(node: Node) -> Const:
    return Const(place=node.place, value=None)


def _names(node: Node) -> tuple[str, ...]:
    return node.names if isinstance(node, documents.Mapping) else ()


def _listed(names: object) -> str:
    found = [repr(name) if name == "" else str(name) for name in names]  # type: ignore[attr-defined]
    return " or ".join((", ".join(found[:-1]), found[-1])) if len(found) > 1 else "".join(found)
