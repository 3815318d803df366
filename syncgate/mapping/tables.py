"""Code tables and effective-dated site tables, shared or of one system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from syncgate import documents
from syncgate.documents import JsonValue, Node, Place, Problems

_FILE = re.compile(r"(?:(?P<system>[^/]+)/)?tables/(?P<name>[^/]+)\.yaml\Z")

_CODE_KEYS = ("table", "title", "codes", "lossy")
_SITE_KEYS = ("table", "title", "key", "columns", "rows")


@dataclass(frozen=True, slots=True)
class CodeTable:
    """What one system writes for each of our codes. `is_lossy`: two of ours may become one of theirs."""

    place: Place
    name: str
    codes: Mapping[str, JsonValue]
    is_lossy: bool = False
    title: JsonValue = None
    place_by_code: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where each of our codes stands."""

    @property
    def is_injective(self) -> bool:
        """Whether no two of our codes become the same one."""
        return len({code_key(code) for code in self.codes.values()}) == len(self.codes)

    def reversed_codes(self) -> dict[str, str]:
        """Our code for each of theirs; only meaningful where the table is injective."""
        return {code_key(code): ours for ours, code in self.codes.items()}


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that holds from a day (included) until a day (not included); None: always."""

    place: Place
    key: str
    from_day: date | None
    until_day: date | None
    columns: Mapping[str, JsonValue]

    def holds_on(self, day: date) -> bool:
        """Whether the row is in force on a day."""
        return (self.from_day is None or self.from_day <= day) and (self.until_day is None or day < self.until_day)


@dataclass(frozen=True, slots=True)
class SiteTable:
    """Rows of a site's own knowledge: organisations, items. `key` names what they are found by."""

    place: Place
    name: str
    key: str
    columns: tuple[str, ...]
    rows_by_key: Mapping[str, tuple[TableRow, ...]]
    title: JsonValue = None

    @property
    def is_dated(self) -> bool:
        """Whether any row holds only for a time, so that a look-up must say when."""
        rows = (row for rows in self.rows_by_key.values() for row in rows)
        return any(row.from_day or row.until_day for row in rows)


Table = CodeTable | SiteTable


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a site by (system, name); the shared ones have the system None."""

    by_owner: Mapping[tuple[str | None, str], Table] = field(default_factory=dict)

    def find(self, name: str, system: str | None) -> Table | None:
        """The system's own table of that name, else the shared one, else None."""
        return self.by_owner.get((system, name)) or self.by_owner.get((None, name))

    def names(self, system: str | None) -> tuple[str, ...]:
        """Every name that `find` knows for a system."""
        return tuple(sorted({name for owner, name in self.by_owner if owner in (system, None)}))


NO_TABLES = Tables()


def code_key(value: JsonValue) -> str:
    """A scalar as the key of a code table: a number or truth value by its JSON text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def load_tables(files: Mapping[str, str]) -> Tables:
    """The tables of all files, by `mappings/tables/<name>.yaml` or `mappings/<system>/tables/<name>.yaml`.

    Args:
        files: Each file's text by its name.

    Raises:
        documents.ProblemSet: with everything wrong in any of them.
    """
    problems = Problems()
    by_owner: dict[tuple[str | None, str], Table] = {}
    for file, text in sorted(files.items()):
        try:
            node = documents.read_yaml(text, file)
        except documents.ProblemSet as error:
            problems.extend(error.problems)
            continue
        table = _Reading(problems, file).table(node)
        if table is not None:
            by_owner[_owner_of(file), table.name] = table
    problems.raise_if_any()
    return Tables(by_owner)


def _owner_of(file: str) -> str | None:
    found = _FILE.search(file)
    system = found["system"] if found else None
    return None if system == "mappings" else system


class _Reading:
    """Reads the table of one file and adds what is wrong with it."""

    def __init__(self, problems: Problems, file: str) -> None:
        self.problems = problems
        self.file = file

    def table(self, node: Node) -> Table | None:
        if not isinstance(node, documents.Mapping):
            self.problems.add(node.place, f"expected a table, got {documents.kind_of(node)}")
            return None
        is_code = "codes" in node
        if not is_code and "rows" not in node:
            self.problems.add(node.place, "expected the key 'codes' or the key 'rows', got neither")
            return None
        keys = _CODE_KEYS if is_code else _SITE_KEYS
        for entry in node:
            if entry.name not in keys:
                self.problems.add(entry.key.place, documents.unknown("key", entry.name, keys), "unknown_key")
        name = self._name(node)
        return self._code_table(node, name) if is_code else self._site_table(node, name)

    def _name(self, node: documents.Mapping) -> str:
        found = _FILE.search(self.file)
        expected = found["name"] if found else self.file.rsplit("/", 1)[-1].removesuffix(".yaml")
        name = node.get("table")
        if not isinstance(name, documents.Scalar) or name.value != expected:
            place = node.place if name is None else name.place
            self.problems.add(place, f"expected 'table: {expected}', the name of its file")
        return expected

    def _title(self, node: documents.Mapping) -> JsonValue:
        title = node.get("title")
        return None if title is None else documents.plain(title)

    def _code_table(self, node: documents.Mapping, name: str) -> CodeTable:
        codes = node.get("codes")
        found: dict[str, JsonValue] = {}
        places = {entry.name: entry.key.place for entry in codes} if isinstance(codes, documents.Mapping) else {}
        if isinstance(codes, documents.Mapping):
            for entry in codes:
                if isinstance(entry.value, documents.Scalar) and entry.value.value is not None:
                    found[entry.name] = entry.value.value
                else:
                    got = documents.kind_of(entry.value)
                    self.problems.add(entry.value.place, f"expected a code, got {got}")
        elif codes is not None:
            self.problems.add(codes.place, f"expected codes by key, got {documents.kind_of(codes)}")
        lossy = node.get("lossy")
        is_lossy = isinstance(lossy, documents.Scalar) and lossy.value is True
        if lossy is not None and not is_lossy:
            self.problems.add(lossy.place, "expected 'lossy: true' or no such key")
        return CodeTable(node.place, name, found, is_lossy, self._title(node), places)

    def _site_table(self, node: documents.Mapping, name: str) -> SiteTable:
        key = node.get("key")
        key_name = key.text if isinstance(key, documents.Scalar) else ""
        if not key_name:
            self.problems.add(node.place, "expected 'key: <what the rows are found by>', got none")
        columns = self._columns(node)
        rows: dict[str, list[TableRow]] = {}
        listed = node.get("rows")
        if isinstance(listed, documents.Sequence):
            for item in listed:
                row = self._row(item, columns)
                if row is not None:
                    self._refuse_overlap(row, rows.setdefault(row.key, []))
                    rows[row.key].append(row)
        elif listed is not None:
            self.problems.add(listed.place, f"expected a list of rows, got {documents.kind_of(listed)}")
        by_key = {row_key: tuple(found) for row_key, found in rows.items()}
        return SiteTable(node.place, name, key_name, columns, by_key, self._title(node))

    def _columns(self, node: documents.Mapping) -> tuple[str, ...]:
        columns = node.get("columns")
        if not isinstance(columns, documents.Sequence) or not columns.items:
            place = node.place if columns is None else columns.place
            self.problems.add(place, "expected 'columns: [<name>, ...]'")
            return ()
        names = [item.text for item in columns if isinstance(item, documents.Scalar)]
        for reserved in {"key", "from", "until"} & set(names):
            self.problems.add(columns.place, f"expected another column name than {reserved!r}")
        return tuple(names)

    def _row(self, node: Node, columns: tuple[str, ...]) -> TableRow | None:
        if not isinstance(node, documents.Mapping):
            self.problems.add(node.place, f"expected a row, got {documents.kind_of(node)}")
            return None
        known = ("key", "from", "until", *columns)
        for entry in node:
            if entry.name not in known:
                message = documents.unknown("column", entry.name, known)
                self.problems.add(entry.key.place, message, "unknown_key")
        key = node.get("key")
        if not isinstance(key, documents.Scalar) or not key.text:
            self.problems.add(node.place, "expected the row's 'key', got none")
            return None
        first, last = self._day(node, "from"), self._day(node, "until")
        if first and last and first >= last:
            self.problems.add(node.key_place("until"), "expected 'until' after 'from'")
        cells = {name: node.get(name) for name in columns}
        values = {name: documents.plain(cell) for name, cell in cells.items() if cell is not None}
        return TableRow(node.place, key.text, first, last, values)

    def _day(self, node: documents.Mapping, name: str) -> date | None:
        found = node.get(name)
        if found is None or (isinstance(found, documents.Scalar) and found.value is None):
            return None
        try:
            return date.fromisoformat(found.text if isinstance(found, documents.Scalar) else "")
        except ValueError:
            self.problems.add(found.place, f"expected a day such as 2020-01-01 as {name!r}")
            return None

    def _refuse_overlap(self, row: TableRow, others: list[TableRow]) -> None:
        for other in others:
            starts_before_end = row.from_day is None or other.until_day is None or row.from_day < other.until_day
            ends_after_start = other.from_day is None or row.until_day is None or other.from_day < row.until_day
            if starts_before_end and ends_after_start:
                message = f"the rows of key {row.key!r} overlap: the other one is in line {other.place.line}"
                self.problems.add(row.place, message, "overlap")
