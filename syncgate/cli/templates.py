"""The site that `syncgate init` writes: packaged files, and the canonical schema that the product is tested with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from syncgate.domain.errors import SiteInvalid

SCHEMA: Final = "schemas/case.schema.json"
_TEMPLATE: Final = "template"
_NAME_BY_PACKAGED: Final = {"gitignore": ".gitignore"}
"""A packaged `.gitignore` would be obeyed in the folder where it is packaged."""
_NAMED_AT_MOST: Final = 5


def write_site(folder: Path) -> list[Path]:
    """The files of a new site, written; the folder is made where it is not there yet.

    Raises:
        SiteInvalid: the folder is no folder, holds something, or cannot be written.
    """
    content_by_name = _contents()
    written: list[Path] = []
    try:
        _make_empty(folder)
        for name, content in sorted(content_by_name.items()):
            written.append(folder / name)
            _write(folder / name, content)
        return written
    except OSError as error:
        _remove(folder, written)
        raise SiteInvalid(
            "expected a folder that can be written at {folder}, got {error}", folder=folder, error=error.strerror
        ) from None


def _make_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise SiteInvalid("expected an empty folder at {folder}, got a file", folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    there = sorted(path.name for path in folder.iterdir())
    if there:
        more = f" and {len(there) - _NAMED_AT_MOST} more" if len(there) > _NAMED_AT_MOST else ""
        raise SiteInvalid(f"expected an empty folder at {folder}, got {', '.join(there[:_NAMED_AT_MOST])}{more}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        out.write(content)


def _remove(folder: Path, written: Sequence[Path]) -> None:
    """Leaves the folder as empty as it was, so that the same command can be said again."""
    for path in reversed(written):
        with suppress(OSError):
            path.unlink(missing_ok=True)
            for above in path.relative_to(folder).parents[:-1]:
                (folder / above).rmdir()


def _contents() -> dict[str, bytes]:
    """Every file of the new site by its path within it."""
    packaged = files("syncgate.cli") / _TEMPLATE
    found = {_renamed(name): file.read_bytes() for name, file in _below(packaged, "")}
    return found | {SCHEMA: _schema(packaged)}


def _below(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for child in folder.iterdir():
        name = f"{path}{child.name}"
        found += _below(child, f"{name}/") if child.is_dir() else [(name, child)]
    return found


def _schema(packaged: Traversable) -> bytes:
    """The canonical schema: packaged in a wheel, and the repository's own where the engine runs from there."""
    inside = packaged / SCHEMA
    if inside.is_file():
        return inside.read_bytes()
    beside = Path(__file__).parents[2] / SCHEMA
    try:
        return beside.read_bytes()
    except OSError:
        raise SiteInvalid("expected the canonical schema within this installation, got none: install it anew") from None


def _renamed(name: str) -> str:
    return _NAME_BY_PACKAGED.get(name, name)
