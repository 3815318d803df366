"""The canonical case as a value: its one written form, and how what a source sends changes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from syncgate.domain.errors import Conflict, FieldError, StaleRevision

Json = Any

UNITED: tuple[str, ...] = ("stages", "materials")
"""Lists whose entries are known by `id`, only ever added to (design §6)."""

REFERENCES = "references"
"""What other systems call the case, by system; only ever added to."""

IDENTITY: tuple[str, ...] = ("kind", "case_no")
"""What a change cannot touch."""


WITHDRAWN = "withdrawn"
"""The kind of the stage that withdraws a case."""

REOPENED = "reopened"
"""The kind of the stage that takes a case up again, whatever ended it before."""

_FINISHED = "finished"


def withdrawing_stage(document: Json) -> Json | None:
    """The stage that withdrew the case, the last one where there are several; None where it is not withdrawn now."""
    stage = _last_of(document, WITHDRAWN, REOPENED)
    return stage if stage is not None and stage["kind"] == WITHDRAWN else None


def is_withdrawn(document: Json) -> bool:
    """Whether the case was withdrawn: then no system should hold anything of it."""
    return withdrawing_stage(document) is not None


def is_finished(document: Json) -> bool:
    """Whether the case came to its end and was not taken up again since, so that it cannot be withdrawn any more."""
    last = _last_of(document, _FINISHED, REOPENED)
    if last is None or last["kind"] == _FINISHED:
        return last is not None or bool(document.get("finished_at"))
    return bool(document.get("finished_at")) and not _is_later(last.get("at"), document["finished_at"])


def _last_of(document: Json, *kinds: str) -> Json | None:
    """The last stage, by arrival, of one of these kinds."""
    return next((stage for stage in reversed(document.get("stages") or ()) if stage.get("kind") in kinds), None)


def _is_later(late: str, early: str) -> bool:
    return datetime.fromisoformat(late) >= datetime.fromisoformat(early)


def canonical_bytes(document: Json) -> bytes:
    """The one written form: sorted keys, no spaces, UTF-8. Equal content gives equal bytes."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def replaced(current: Json, posted: Json) -> Json:
    """The case after a source posted it again, or PUT it: all replaced but stages and materials, which unite.

    Raises:
        Conflict: the case's identity changes, or a known stage or material comes with other content.
        StaleRevision: `source_version` is older than the stored one.
    """
    _refuse_stale(current, posted)
    after = dict(posted)
    for name in UNITED:
        united = _unite(current.get(name) or (), posted.get(name) or (), at=name)
        if united:
            after[name] = united
    if current.get("source_version") is not None:
        after.setdefault("source_version", current["source_version"])
    _keep_references(current, posted, after)
    _refuse_identity(current, after)
    return after


def merged(current: Json, posted: Json) -> Json:
    """A case that several sources post, after one of them posted it: what the post leaves out, stays.

    Objects merge deeply, lists other than stages and materials are replaced when given, everything else that is
    given counts. Posting the same twice is posting it once.

    Raises:
        Conflict, StaleRevision: as `replaced`.
    """
    _refuse_stale(current, posted)
    after = _overlaid(current, {name: value for name, value in posted.items() if name not in UNITED})
    for name in UNITED:
        if united := _unite(current.get(name) or (), posted.get(name) or (), at=name):
            after[name] = united
    _refuse_identity(current, after)
    return after


def patched(current: Json, patch: Json) -> Json:
    """The case after a merge patch; stages and materials in it unite by id.

    Source: RFC 7396.

    Raises:
        Conflict, StaleRevision: as `replaced`.
    """
    _refuse_stale(current, patch)
    lists = {name: patch[name] for name in UNITED if patch.get(name) is not None}
    after = _merge(current, {name: value for name, value in patch.items() if name not in (*UNITED, REFERENCES)})
    for name, added in lists.items():
        if united := _unite(current.get(name) or (), added, at=name):
            after[name] = united
    _keep_references(current, patch, after)
    _refuse_identity(current, after)
    return after


def refuse_changed(before: Json, posted: Json) -> None:
    """Raises Conflict where a known stage or material comes with other content."""
    for name in UNITED:
        _unite(before.get(name) or (), posted.get(name) or (), at=name)


def with_stages(current: Json, stages: Sequence[Json]) -> Json:
    """The case with these stages appended. Raises Conflict on a known id with other content."""
    return patched(current, {"stages": list(stages)})


def _keep_references(current: Json, came: Json, after: dict[str, Json]) -> None:
    """References are only ever added; a null takes none away."""
    added = came.get(REFERENCES) or {}
    if not isinstance(added, Mapping):
        after[REFERENCES] = added  # left for the schema to refuse
        return
    given = {system: number for system, number in added.items() if number is not None}
    if references := {**(current.get(REFERENCES) or {}), **given}:
        after[REFERENCES] = references


def _overlaid(target: Json, posted: Json) -> Json:
    if not (isinstance(target, Mapping) and isinstance(posted, Mapping)):
        return posted
    return {**target, **{name: _overlaid(target.get(name), value) for name, value in posted.items()}}


def _merge(target: Json, patch: Json) -> Json:
    if not isinstance(patch, Mapping):
        return patch
    after = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merge(after.get(name), value)
    return after


def _unite(known: Sequence[Json], added: Sequence[Json], *, at: str) -> list[Json]:
    united = list(known)
    by_id = {entry["id"]: entry for entry in known}
    errors: list[FieldError] = []
    for no, entry in enumerate(added):
        entry_id = entry.get("id") if isinstance(entry, Mapping) else None
        if entry_id not in by_id:
            united.append(entry)
            if entry_id is not None:
                by_id[entry_id] = entry
        elif canonical_bytes(by_id[entry_id]) != canonical_bytes(entry):
            errors.append(FieldError(f"/{at}/{no}", "known_with_other_content", "the content first given"))
    if errors:
        raise Conflict("expected {parts} that are new or as first given, got others", parts=at, errors=errors)
    return united


def _refuse_identity(current: Json, after: Json) -> None:
    errors = [
        FieldError(f"/{name}", "identity_is_fixed", "the value first given")
        for name in IDENTITY
        if after.get(name) != current.get(name)
    ]
    if errors:
        raise Conflict("expected the identity that the case has, got another", errors=errors)


def _refuse_stale(current: Json, posted: Json) -> None:
    if not isinstance(posted, Mapping):
        return
    known, came = current.get("source_version"), posted.get("source_version")
    if known is None or came is None:
        return
    if version_key(came) < version_key(known):
        raise StaleRevision("expected a source_version at least as new as the stored one, got an older one")


def version_key(version: Json) -> tuple[int, int, str]:
    """What orders source versions: numbers by value, before texts, which order as text."""
    text = str(version)
    return (0, int(text), "") if text.isascii() and text.isdigit() else (1, 0, text)
