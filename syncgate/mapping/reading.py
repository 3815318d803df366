"""Reads expressions and conditions from nodes, and adds everything that is wrong with them at once.

What cannot be read becomes a constant nothing, so that the rest is still read; the problems keep the result
from ever being used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncgate import documents
from syncgate.documents import JsonValue, Node, Place, Scalar, Sequence
from syncgate.mapping import document as model
from syncgate.mapping.confidential import instead_of
from syncgate.mapping.document import Const, Expression, Options
from syncgate.mapping.reading_conditions import ConditionReader
from syncgate.mapping.reading_pieces import (
    COMMON,
    DEEPEST,
    OPERATIONS,
    listed,
    nothing,
)
from syncgate.mapping.reading_scalars import ScalarReader
from syncgate.mapping.reading_texts import TextReader
from syncgate.mapping.results import CONTEXT_NAMES, OUTWARD_CONTEXT

_OUTWARD_ONLY = ("remote_ref", "case_ref")


class Reader(TextReader, ScalarReader, ConditionReader):
    """Reads the expressions and conditions of one mapping, or the condition of an adapter."""

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
            return nothing(node)
        if isinstance(node, Sequence):
            self._add(node.place, "expected a path or an operation, got a list: write {list: [...]}")
            return nothing(node)
        if self.depth >= DEEPEST:
            self._add(node.place, f"expected at most {DEEPEST} nested expressions, got more")
            return nothing(node)
        self.depth += 1
        try:
            return self._operation(node, is_slot=is_slot, is_field=is_field)
        finally:
            self.depth -= 1

    def _operation(self, node: documents.Mapping, *, is_slot: bool, is_field: bool) -> Expression:
        name = self._operation_name(node)
        if name is None:
            return nothing(node)
        known = (name, *OPERATIONS[name], *COMMON)
        for entry in node:
            if entry.name not in known:
                self._unknown(entry.key.place, f"key of {name}", entry.name, known)
        is_foreign = name in _OUTWARD_ONLY and self.context_names != OUTWARD_CONTEXT
        if is_foreign or (name == "context" and not self.context_names):
            self._add(node.key_place(name), f"{name} has no meaning here: it belongs in a mapping outward")
        options = self._options(node, is_slot=is_slot, is_field=is_field)
        read: Callable[[documents.Mapping, Options, bool], Expression] = getattr(self, f"_read_{name}")
        made = read(node, options, is_slot)
        return self._confidential(node, made) if "confidential" in node else made

    def _confidential(self, node: documents.Mapping, made: Expression) -> Expression:
        """The expression, and in its place the constant that stands for it where the caller is withheld."""
        written, place = node.get("confidential"), node.key_place("confidential")
        if self.context_names != OUTWARD_CONTEXT:
            self._add(place, "confidential has no meaning here: it belongs in a mapping outward")
            return made
        if not isinstance(written, Scalar) or written.value is None:
            self._add(place, "expected what stands instead in a confidential case, a constant, got none")
            return made
        return instead_of(made, Const(place=written.place, value=written.value))

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
            absent_as=self._absent_as(node),
            empty_as="text" if empty == "" else "absent" if empty == "absent" else "keep",
            is_compared=not is_uncompared,
        )

    def _absent_as(self, node: documents.Mapping) -> tuple[JsonValue, ...]:
        if "absent_as" not in node:
            return ()
        items = self._items(node.get("absent_as"), "absent_as")
        for item in items:
            if not isinstance(item, Scalar) or item.value is None:
                self._add(item.place, f"expected a value that means nothing, got {documents.kind_of(item)}")
            elif item.value == "":
                self._add(item.place, "an empty text that means nothing is written 'empty_as: absent'")
        return tuple(item.value for item in items if isinstance(item, Scalar))

    def _path(self, node: Scalar, options: Options) -> Expression:
        steps = node.text.split(".")
        for step in steps[1:]:
            if step.isascii() and step.isdigit():
                message = f"expected a name, got the index {step}: a list is read with each"
                self._add(node.place, f"{message}, a key of digits as a list of names")
        return self._path_of(node.place, steps, options, node.text)

    def _path_of(self, place: Place, steps: list[str], options: Options, written: str) -> Expression:
        roots = (*self.roots, "it") if self.each_count else self.roots
        if steps[0] not in roots:
            near = documents.nearest(steps[0], roots) if len(steps) > 1 else None
            hint = f"; the nearest known is {near!r}" if near else ""
            hint = hint or f"; a constant is written {{const: {written}}}"
            message = f"expected a path that starts with {listed(roots)}, got {written!r}{hint}"
            self._add(place, message, "unknown_root")
        for step in steps[1:]:
            if not step:
                self._add(place, f"expected a name between the dots of {written!r}, got none")
        return model.Path(place=place, options=options, root=steps[0], keys=tuple(steps[1:]))

    def _read_path(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        written = node.get("path")
        if isinstance(written, Sequence):
            steps = [item.value for item in written if isinstance(item, Scalar) and isinstance(item.value, str)]
            if steps and len(steps) == len(written):
                return self._path_of(written.place, steps, options, ".".join(steps))
        elif isinstance(written, Scalar) and isinstance(written.value, str):
            return self._path(written, options)
        place = node.place if written is None else written.place
        self._add(place, "expected a path or a list of its names, each a text")
        return nothing(node)

    def _read_const(self, node: documents.Mapping, options: Options, _: bool) -> Expression:
        value = node.get("const")
        assert value is not None
        if options.when_absent or options.is_optional or options.absent_as or options.empty_as != "keep":
            self._add(node.place, "a constant is never absent: expected no other key beside const")
        return Const(place=node.place, options=options, value=documents.plain(value))

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
        is_one_listed = self._choice(node, "one_as", ("list",), "") == "list"
        with self._inside_each():
            return model.Each(
                place=node.place,
                options=options,
                of=of,
                where=None if where is None else self.condition(where),
                do=nothing(node) if do is None else self.expression(do, is_slot=True),
                is_one_listed=is_one_listed,
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
        if name and self.context_names and name not in self.context_names:
            place = (node.get("context") or node).place
            if name in CONTEXT_NAMES:
                direction = "inward" if self.context_names == OUTWARD_CONTEXT else "outward"
                self._add(place, f"the context value {name!r} belongs in a mapping {direction}")
            else:
                self._unknown(place, "context value", name, self.context_names)
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
                self._add(node.place, f"expected the arguments {listed(lacking)} of {name}, got none")
        return model.Call(place=node.place, options=options, function=name, arguments=given)
