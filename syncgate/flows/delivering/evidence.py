"""What an answer leaves in a delivery's history: what was said, and what left and came, sealed (promise 8)."""

from __future__ import annotations

from syncgate.domain.head import Task
from syncgate.domain.outcome import Evidence
from syncgate.domain.rows import Attempt, AttemptKind, Blob, Case, Delivery
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import noted
from syncgate.ports import Tx


def kind_of(work: Work, verdict: Verdict) -> AttemptKind:
    """What an entry is of: a question, a send, or what the gate did by itself where nothing left."""
    if work.task is Task.CONFIRM:
        return AttemptKind.CONFIRM
    return AttemptKind.SEND if verdict.outcome is not None else AttemptKind.SYSTEM


def entry_of(
    gate: Gate, tx: Tx, work: Work, delivery: Delivery, verdict: Verdict, kind: AttemptKind
) -> tuple[Delivery, Attempt]:
    """The next entry of the delivery's history with its evidence, and the delivery that counts it."""
    return noted(
        delivery,
        kind=kind,
        outcome=verdict.event.value,
        actor="syncgate",
        at=tx.now,
        started_at=verdict.started_at,
        lease_token=work.token,
        detail=facts_of(verdict),
        **evidence_blobs(gate, tx, work.case, verdict.evidence),
    )


def facts_of(verdict: Verdict) -> dict[str, str | int | bool | None]:
    """What an entry keeps of a verdict beside the evidence: flat, and never a value of the case."""
    evidence = verdict.evidence
    facts: dict[str, str | int | bool | None] = {
        "request": evidence.request_line,
        "status": evidence.status,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "actor": verdict.actor,
        "note": evidence.note,
        "faults": verdict.detail,
        "waits_for": verdict.waits_for,
        "file_size": verdict.file.size if verdict.file is not None else None,
        "file_digest": verdict.file.digest if verdict.file is not None else None,
    }
    return {name: value for name, value in facts.items() if value not in ("", None)}


def evidence_blobs(gate: Gate, tx: Tx, case: Case, evidence: Evidence) -> dict[str, bytes | None]:
    """Stores what left and what came, sealed. Gives the digests for an entry."""
    scope = str(case.case_id)
    macs: dict[str, bytes | None] = {}
    blobs: list[Blob] = []
    for name, content in (("sent_blob", evidence.sent), ("received_blob", evidence.received)):
        if content is None:
            continue
        mac = gate.keyring.mac("blob", case.case_id.bytes, content)
        sealed = gate.keyring.seal(case.wrapped_key, content, bound_to=f"blob:{scope}:{mac.hex()}")
        blobs.append(Blob(scope=scope, mac=mac, sealed=sealed, created_at=tx.now))
        macs[name] = mac
    tx.put_blobs(blobs)
    return macs
