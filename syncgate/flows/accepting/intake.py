"""The intake: one submission, one transaction, then the answer (promises 1, 2 and 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from syncgate.domain import ids
from syncgate.domain.case import patched, replaced, with_stages
from syncgate.domain.errors import FieldError, InvalidCase
from syncgate.domain.plan import Json
from syncgate.flows.accepting.committing import committed
from syncgate.flows.accepting.joining import Edit, posting
from syncgate.flows.accepting.submission import Call, Done, Taking, checked, sealed_document
from syncgate.flows.accepting.waiting import Said, answered, join_quietly, known_or_kept
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Waiting
from syncgate.ports import Tx

__all__ = ["Call", "append_stages", "patch_case", "post_case", "put_case", "written", "written_or_kept"]


async def post_case(gate: Gate, caller: Caller, document: Json, call: Call) -> Accepted:
    """Accepts a case posted whole: a new one, the same again, or the next revision of a known one.

    Raises:
        InvalidCase, Conflict, StaleRevision, KeyReused: see their lines in domain/errors.py.
        StoreUnavailable: nothing was stored. CommitUnknown: it may have been.
    """
    warnings = checked(gate, document)
    return await written(gate, posting_step(gate, caller, document, call), warnings)


def posting_step(gate: Gate, caller: Caller, document: Json, call: Call) -> Callable[[Tx], Done]:
    """What takes a valid posted case in, inside a transaction; a check runs it where nothing is kept."""
    wrapped_key = gate.keyring.new_wrapped_key()
    case_id = ids.uuid7(gate.clock.now(), gate.entropy.token(10))
    sealed = sealed_document(gate, case_id, wrapped_key, document)

    def step(tx: Tx) -> Done:
        taking = Taking(gate, tx, caller, call)
        if (replay := taking.replay()) is not None:
            return replay
        known = taking.known_case(document)
        if known is not None:
            return taking.change_known(known, posting(tx, caller.source, known.case, document))
        return taking.create(case_id, wrapped_key, document, sealed)

    return step


async def put_case(gate: Gate, caller: Caller, ref: CaseRef, document: Json, call: Call) -> Accepted:
    """Replaces a case's content; stages and materials unite by id. Raises NotFound and as `post_case`."""
    checked(gate, document)
    return await _change(gate, caller, ref, call, Edit(lambda current: replaced(current, document), whole=document))


async def patch_case(gate: Gate, caller: Caller, ref: CaseRef, patch: Json, call: Call) -> Accepted:
    """Changes a case by merge patch; stages and materials unite by id. Raises as `put_case`."""
    if not isinstance(patch, Mapping):
        raise InvalidCase("expected a merge patch that is an object", errors=[FieldError("", "type", "object")])
    _refuse_untyped_lists(patch)
    return await _change(gate, caller, ref, call, Edit(lambda current: patched(current, patch)))


async def append_stages(gate: Gate, caller: Caller, ref: CaseRef, stages: list[Json], call: Call) -> Accepted | Waiting:
    """Appends stages to a case, or keeps them until it comes, where nobody knows yet what its source calls so.

    Raises:
        As `put_case`; NotFound only of a name that is not by a number of the caller's own.
    """
    _refuse_untyped_lists({"stages": stages})

    def step(tx: Tx) -> Done | Waiting:
        taking = Taking(gate, tx, caller, call)
        if (replay := taking.replay()) is not None:
            return replay
        known = known_or_kept(taking, ref, Said(stages=tuple(stages)))
        if isinstance(known, Waiting):
            return known
        return taking.change_known(known, Edit(lambda current: with_stages(current, stages)))

    return await written_or_kept(gate, step)


async def _change(gate: Gate, caller: Caller, ref: CaseRef, call: Call, edit: Edit) -> Accepted:
    def step(tx: Tx) -> Done:
        taking = Taking(gate, tx, caller, call)
        return taking.replay() or taking.change_known(taking.named_case(ref), edit)

    return await written(gate, step, ())


async def written(gate: Gate, step: Callable[[Tx], Done], warnings: tuple[FieldError, ...]) -> Accepted:
    """Commits to its end, though the caller may be gone by then: what was leased must be served."""
    done = await asyncio.shield(_written(gate, step))
    return replace(done.accepted, warnings=done.accepted.warnings or warnings)


async def _written(gate: Gate, step: Callable[[Tx], Done]) -> Done:
    done = await committed(gate, step)
    if done.awaited:
        await join_quietly(gate, done.awaited)
    return done


async def written_or_kept(gate: Gate, step: Callable[[Tx], Done | Waiting]) -> Accepted | Waiting:
    """As `written`, of a step that may keep what is said of a case that nobody knows yet."""
    done = await asyncio.shield(committed(gate, step))
    return await answered(gate, done) if isinstance(done, Waiting) else done.accepted


def _refuse_untyped_lists(patch: Mapping[str, Json]) -> None:
    """Stages and materials must be lists of objects with an id before they can unite. Raises InvalidCase."""
    errors: list[FieldError] = []
    for name in ("stages", "materials"):
        added = patch.get(name)
        if added is None:
            continue
        if not isinstance(added, list):
            errors.append(FieldError(f"/{name}", "type", "array"))
            continue
        for no, entry in enumerate(added):
            if not isinstance(entry, Mapping):
                errors.append(FieldError(f"/{name}/{no}", "type", "object"))
            elif not isinstance(entry.get("id"), str):
                errors.append(FieldError(f"/{name}/{no}/id", "required", "string"))
    if errors:
        raise InvalidCase("expected stages and materials with ids, got others", errors=errors)
