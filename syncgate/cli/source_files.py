"""A source's files: which there are, in which format, and what their records are numbered by."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from syncgate.cli.context import BadArgument
from syncgate.cli.terminal import one_line
from syncgate.records.record import FileRefused

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping
    from syncgate.records.settings import Settings
    from syncgate.site.sources import Source

CASES: Final = "cases"
"""The format of files that hold canonical cases."""
LISTED: Final = (".refused.csv", ".check.csv")
"""How the names of our own lists end; a folder's are passed over."""
_FORMAT_BY_SUFFIX: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xml": "xml", ".json": "json", ".ndjson": "ndjson",
    ".jsonl": "ndjson", ".xlsx": "xlsx", ".form": "form",
}  # fmt: skip
FORMATS: Final = (*dict.fromkeys(_FORMAT_BY_SUFFIX.values()), CASES)
_OF_CASES: Final = frozenset({"json", "ndjson"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to be submitted. settings: how its records are written, None where it holds canonical cases."""

    path: Path
    batch: str
    settings: Settings | None

    @property
    def name(self) -> str:
        """The name without folders, as it can be shown."""
        return one_line(self.path.name)


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The given files, and those of the given folders by name: each whose suffix tells a format, but our own lists.

    Raises:
        BadArgument: a path is not there, or a folder holds no such file.
    """
    found: list[Path] = []
    for path in paths:
        if not _is(path.is_dir):
            found.append(path)
            continue
        inside = sorted(one for one in _listed(path) if _is_input(one))
        if not inside:
            raise BadArgument("expected files such as .csv or .xlsx in {folder}, got none", folder=path)
        found += inside
    return found


def chosen(path: Path, source: Source, *, batch: str | None, format_name: str | None) -> SourceFile:
    """A file with how to read it. Raises BadArgument where the source has no such format."""
    name = format_name or _FORMAT_BY_SUFFIX.get(path.suffix.lower())
    batch = unicodedata.normalize("NFC", path.name if batch is None else batch)
    if name is None:
        raise BadArgument("expected a file such as .csv or .xlsx, or --format, got {file}", file=path.name)
    settings = next((settings for known, settings in source.formats.items() if known == name), None)
    if settings is not None and source.mapping is not None and name != CASES:
        return SourceFile(path, batch, settings)
    if name == CASES or name in _OF_CASES:
        return SourceFile(path, batch, None)
    raise BadArgument(
        "expected a source with `mapping` and `{format}` for {file}, got {source} without",
        format=name,
        file=path.name,
        source=source.name,
    )


def require_one_batch_each(files: Sequence[SourceFile], mapping: FieldMapping | None) -> None:
    """Nothing where every file has a batch of its own that will be the same the next time. Raises BadArgument."""
    if mapping is None or not mapping.needs_record_no:
        return
    numbered = [file for file in files if file.settings is not None]
    batches = [file.batch for file in numbered]
    if any(not batch.strip() or one_line(batch) != batch for batch in batches):
        raise BadArgument(
            "expected a batch of visible characters, since this source's records are numbered by it, got another: "
            "use --batch"
        )
    if any(_is_stream(file.path) and file.batch == file.path.name for file in numbered):
        raise BadArgument("expected --batch for what is no file, since this source's records are numbered by it")
    if len(set(batches)) < len(batches):
        raise BadArgument(
            "expected files of different names, since this source's records are numbered by file, got one name twice"
        )


def opened(path: Path) -> BinaryIO:
    """The file as a stream of bytes. Raises FileRefused where it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise FileRefused(f"expected a readable file {path}, got {error.strerror}") from None


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        why = error.strerror
        raise BadArgument("expected a readable folder {folder}, got {why}", folder=folder, why=why) from None


def _is_stream(path: Path) -> bool:
    return _is(path.exists) and not _is(path.is_file)


def _is(claim: Callable[[], bool]) -> bool:
    """What a path says of itself; not so where it cannot be looked at."""
    try:
        return claim()
    except OSError:
        return False


def _is_input(path: Path) -> bool:
    name = path.name.lower()
    return (
        _is(path.is_file)
        and not name.startswith((".", "~$"))
        and not name.endswith(LISTED)
        and path.suffix.lower() in _FORMAT_BY_SUFFIX
    )
