"""The tables of a site or system, read one by one, so that a broken one spoils no other."""

from __future__ import annotations

from collections.abc import Mapping

from syncgate.documents import Problems, ProblemSet
from syncgate.mapping import CodeTable, SiteTable, Tables, load_tables
from syncgate.site.files import decoded, is_table


def read_tables(files: Mapping[str, bytes], problems: Problems) -> Tables:
    """Every table among the files that can be read; what is wrong with the others is added to the problems."""
    found: dict[tuple[str | None, str], CodeTable | SiteTable] = {}
    for path, content in files.items():
        if not is_table(path):
            continue
        try:
            found.update(load_tables({path: decoded(content, path)}).by_owner)
        except ProblemSet as error:
            problems.extend(error.problems)
    return Tables(found)
