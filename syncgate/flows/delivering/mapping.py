"""From a piece of work to its payload: open the case, map, check the contract. Pure but for opening the seal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import orjson
import structlog

from syncgate.domain.delivery import Event
from syncgate.domain.plan import Json, part_of
from syncgate.domain.rows import Delivery, Submission
from syncgate.flows.delivering.content import without_content
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.numbers import refs_of_leg, refs_read
from syncgate.flows.delivering.work import Payload, PayloadFault, Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.mapping import Context, Fault, Inputs, Mapped, Unmappable, WaitsFor
from syncgate.mapping.results import MISSING
from syncgate.site.bundle import Bundle
from syncgate.site.contract import Violation
from syncgate.site.recipients import is_confidential, is_of_the_caller, without_the_caller

log = structlog.get_logger("syncgate.mapping")

WITHHELD = "withheld"
"""The reason where a confidential case is not mapped, since nothing says what stands for who called."""
ACTOR_BY_RULE = {"unmapped_code": "table", "no_row": "table", "unencodable": "source", "missing": "source"}
"""Who must act on a mapping's fault; the mapping's author for the rest."""


def payload_of(gate: Gate, work: Work, *, sent_at: datetime) -> Payload | Verdict:
    """The payload of a piece of work under the bundle that it was claimed with, or why there is none."""
    bundle = gate.bundles.get(work.delivery.bundle)
    if bundle is None or bundle.confirm_of(work.delivery) is None:
        return _refused("message_unknown", "operator", f"no bundle here sends {work.delivery.message}")
    if bundle.payload_of(work.delivery) is None:
        return Payload(None)
    try:
        return mapped(gate, work, work.delivery, work.submission, bundle, sent_at=sent_at)
    except Exception as error:
        log.error("mapping_broke", system=work.lane.system, error=type(error).__name__, at=place_of(error))
        return _refused("defect", "developer", "")


def mapped(
    gate: Gate,
    work: Work,
    delivery: Delivery,
    submission: Submission,
    bundle: Bundle,
    *,
    sent_at: datetime,
) -> Payload | Verdict:
    """The payload of one delivery of the work's slot, or why there is none."""
    spec = bundle.payload_of(delivery)
    assert spec is not None
    inputs = inputs_of(gate, work, delivery, submission, bundle, sent_at=sent_at)
    result, is_withheld = spec.mapping.apply(inputs), inputs.context.is_withheld
    match result:
        case WaitsFor(system):
            return Verdict(event=Event.HANDED_BACK, waits_for=system)
        case Unmappable(faults):
            faults = _as_withheld(gate, faults) if is_withheld else faults
            lines = "\n".join(f"{fault.field}: {fault.detail}" for fault in faults)
            refused = _refused(faults[0].rule, ACTOR_BY_RULE.get(faults[0].rule, "mapping"), lines)
            told = (PayloadFault(field=fault.field, rule=fault.rule, path=fault.path) for fault in faults)
            return replace(refused, faults=tuple(told))
        case Mapped(payload):
            return contract_broken(without_content(spec, payload)) or Payload(payload)


def inputs_of(
    gate: Gate,
    work: Work,
    delivery: Delivery,
    submission: Submission,
    bundle: Bundle,
    *,
    sent_at: datetime,
) -> Inputs:
    """What the mapping of one delivery of the work's slot reads; of a confidential case only what it may."""
    document = open_submission(gate, work, submission)
    is_withheld = is_confidential(document) and not bundle.adapter.confidential
    if is_withheld:
        document = without_the_caller(document, gate.schema)
    message = bundle.message(delivery.message)
    refs = refs_of_leg(gate, refs_read(delivery, work.refs), document, message, delivery.part)
    return Inputs(
        case=document,
        part=part_of(document, message.of, delivery.part),
        context=_context(work, delivery, sent_at, is_withheld=is_withheld),
        refs=refs,
    )


def _as_withheld(gate: Gate, faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """The faults, those named as such that are there only because who called is withheld."""

    def named(fault: Fault) -> Fault:
        is_so = fault.rule == MISSING and is_of_the_caller(fault.path, gate.schema.personal_classes(fault.path))
        return replace(fault, rule=WITHHELD) if is_so else fault

    return tuple(named(fault) for fault in faults)


def contract_broken(violations: Sequence[Violation]) -> Verdict | None:
    """The verdict on a payload that breaks its contract; None where nothing is broken."""
    if not violations:
        return None
    lines = "\n".join(f"{v.pointer}: {v.rule} {v.expected}" for v in violations)
    return replace(_refused("contract_violated", "mapping", lines), faults=_broken(violations))


def _broken(violations: Sequence[Violation]) -> tuple[PayloadFault, ...]:
    return tuple(PayloadFault(field=v.pointer.removeprefix("/"), rule=v.rule, expected=v.expected) for v in violations)


def open_submission(gate: Gate, work: Work, submission: Submission) -> Json:
    """The canonical document of the work's case as that submission left it."""
    assert submission.sealed_document is not None
    place = f"case:{work.case.case_id}"
    return orjson.loads(gate.keyring.open(work.case.wrapped_key, submission.sealed_document, bound_to=place))


def _context(work: Work, delivery: Delivery, sent_at: datetime, *, is_withheld: bool) -> Context:
    keys = work.keys
    return Context(
        case_id=keys["case_id"],
        revision=delivery.revision,
        slot_key=keys["slot_key"],
        send_key=keys["send_key"],
        version_no=delivery.version_no or 1,
        ordinal=delivery.part_no,
        sent_at=sent_at,
        system=delivery.system,
        message=delivery.message,
        is_withheld=is_withheld,
    )


def _refused(reason: str, actor: str, detail: str) -> Verdict:
    return Verdict(event=Event.REFUSED, rule="before_sending", reason=reason, actor=actor, detail=detail[:4000])
