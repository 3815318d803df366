"""Giving out the bytes of a material: to the source that posted the case, and to others with a reason that is noted."""

from __future__ import annotations

from syncgate.domain.errors import Forbidden, NotFound, RequestError
from syncgate.domain.rows import AuditEntry, Case, Principal
from syncgate.flows.files import KeptFile, kept_file
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.showing.scope import find_case, sees_open
from syncgate.ports import Tx


class ReasonMissing(RequestError):
    """What is personal is shown for a reason only, which is kept."""

    code = "reason_missing"
    status = 422


async def read_material(gate: Gate, principal: Principal, ref: CaseRef, material: str, *, reason: str) -> KeptFile:
    """A stored file, noted in the audit before a byte of it is given.

    Raises:
        NotFound: no such case or material in scope, or its bytes are not stored.
        Forbidden: a source that did not post the case.
        ReasonMissing: anybody else without a reason.
    """

    def step(tx: Tx) -> KeptFile:
        case = find_case(tx, principal, ref)
        if not sees_open(principal, case):
            _require_reason(principal, reason)
        stored = tx.material(case.case_id, material) if case.wrapped_key else None
        if stored is None:
            raise NotFound("expected a material whose file is stored, got none of that id")
        tx.append_audit(_entry(tx, principal, case, material, reason))
        return kept_file(gate, case, stored)

    return await gate.writer.write(step)


def _require_reason(principal: Principal, reason: str) -> None:
    if principal.role == "source":
        raise Forbidden("expected the source that posted the case, got another")
    if not reason:
        raise ReasonMissing("expected X-Reason to say why the file is read, got none")


def _entry(tx: Tx, principal: Principal, case: Case, material: str, reason: str) -> AuditEntry:
    thing = f"material:{case.case_id}/{material}"
    return AuditEntry(at=tx.now, actor=principal.name, action="material_read", object=thing, reason=reason)
