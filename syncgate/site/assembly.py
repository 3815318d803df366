"""From what was read and checked to a bundle; nothing can go wrong any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType, ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncgate.config import SystemSettings
from syncgate.documents import Problem
from syncgate.domain.breaker import BreakerPolicy
from syncgate.domain.case import canonical_bytes
from syncgate.domain.plan import Json, Message, NextAfter, OnChange, OnUnplanned, PartOf, legs_of
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import document as doc
from syncgate.mapping.walks import expressions_in
from syncgate.site.adapter import Adapter, AdapterLimits, AdapterMessage, Confirm, RetractBy, UpdateBy
from syncgate.site.bundle import Acknowledgement, Bundle, ConfirmPolicy, Limits, Mac, MessageSpec, RetractionSpec
from syncgate.site.contract import Contract
from syncgate.site.packing import digest_of
from syncgate.site.personal import Permitted
from syncgate.site.readback import ReadBack
from syncgate.site.returning import ReturnRules
from syncgate.site.windows import timetable
from syncgate.transports.kind import Asks

Holds = Callable[[Json, Json], bool]


@dataclass(frozen=True, slots=True)
class CompiledPayload:
    """What makes a payload and says whether it is right, compiled."""

    mapping: FieldMapping
    contract: Contract


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """A message of the adapter with what it names, compiled. taken_back: the payload of its retraction, if any."""

    declared: AdapterMessage
    mapping: FieldMapping
    contract: Contract
    exists: Holds
    taken_back: CompiledPayload | None = None


def assemble(
    adapter: Adapter,
    files: Mapping[str, bytes],
    *,
    options: Any,
    secret_names: frozenset[str],
    quirks: ModuleType | None,
    settings: SystemSettings,
    permitted: Permitted,
    lease_margin: timedelta,
    applies: Holds,
    owns: Holds | None,
    messages: Sequence[CompiledMessage],
    mac: Mac,
    readback: ReadBack | None,
    returns: ReturnRules | None,
    warnings: Iterable[Problem],
    zone: str,
    asks: Callable[[str], Asks],
) -> Bundle:
    """The bundle of an adapter whose messages are compiled. asks: what an operation is for, by its name."""
    specs = {message.declared.name: _spec(adapter, message) for message in messages}
    retractions = {name: spec for message in messages for name, spec in _retractions(adapter, message)}
    of_cases = _of_cases(messages)
    specs |= {name: spec.payload for name in of_cases if (spec := retractions[name]).payload is not None}
    planned = tuple(_plan_message(messages, position, mac, owns) for position in range(len(messages)))
    return Bundle(
        system=adapter.system,
        digest=digest_of(files),
        title=MappingProxyType({"zh": adapter.title.zh, "en": adapter.title.en}),
        mode=settings.mode or adapter.mode,
        adapter=adapter,
        transport=adapter.transport,
        address=settings.address,
        options=options,
        answers=adapter.answers,
        messages=(*planned, *(_only_takes_back(name, message, mac) for name, message in of_cases.items())),
        specs=MappingProxyType(specs),
        retractions=MappingProxyType(retractions),
        limits=_limits(adapter.limits, settings, lease_margin),
        schedule=adapter.schedule,
        breaker=BreakerPolicy(adapter.breaker.failures, adapter.breaker.probe_after),
        personal=permitted.entries,
        secret_names=secret_names,
        quirks=quirks,
        files=MappingProxyType(dict(files)),
        condition=lambda case: applies(case, None) and (owns is None or any(owns(case, leg) for leg in legs_of(case))),
        owns=owns,
        warnings=tuple(warnings),
        acknowledgements=MappingProxyType(_acknowledgements(adapter, of_cases)),
        readback=readback,
        returns=returns,
        timetable=timetable(adapter.windows, adapter.maintenance, adapter.calendar, zone=ZoneInfo(zone)),
        cutoff=adapter.cutoff,
        zone=ZoneInfo(zone),
        promised_within=None if adapter.priority is None else adapter.priority.promised_within,
        by_sending=_by_sending([*specs.values(), *retractions.values()], planned, asks),
    )


def _by_sending(
    specs: Iterable[MessageSpec | RetractionSpec], messages: Iterable[Message], asks: Callable[[str], Asks]
) -> frozenset[str]:
    names = {spec.confirm.operation for spec in specs}
    names |= {spec.operation for spec in specs if isinstance(spec, RetractionSpec)}
    names |= {name for message in messages for name in (message.operation, message.update_operation)}
    return frozenset(name for name in names if name is not None and "send_key" in asks(name).keys)


def payloads_of(messages: Iterable[CompiledMessage | None]) -> dict[str, CompiledPayload]:
    """What makes the payload of each message, and of each retraction of the case, that could be compiled."""
    found = [message for message in messages if message is not None]
    payloads = {one.declared.name: CompiledPayload(one.mapping, one.contract) for one in found}
    for name, message in _of_cases(found).items():
        if message.taken_back is not None:
            payloads[name] = message.taken_back
    return payloads


def _acknowledgements(adapter: Adapter, retractions: Iterable[str]) -> dict[str, Acknowledgement]:
    declared = {message.name: adapter.acknowledged_of(message) for message in adapter.messages}
    declared |= dict.fromkeys(retractions, adapter.acknowledged)
    return {
        name: Acknowledgement(
            operation=one.operation, waits=one.waits, final_after=one.final_after, returned_for=one.returned_for
        )
        for name, one in declared.items()
        if one is not None
    }


def _spec(adapter: Adapter, message: CompiledMessage) -> MessageSpec:
    declared, at = message.declared, message.declared.remote_ref
    return MessageSpec(
        name=declared.name,
        mapping=message.mapping,
        contract=message.contract,
        remote_ref_at=MappingProxyType({} if at is None else at.model_dump(exclude_none=True)),
        is_case_ref=declared.is_case_ref,
        confirm=_confirm(adapter.confirm_of(declared)),
        compared_fields=message.mapping.compared_fields,
        refers_to=_refers_to(message.mapping),
        content=None if declared.content == "none" else declared.content,
    )


def _refers_to(mapping: FieldMapping) -> frozenset[str]:
    found = expressions_in(mapping.document.payload)
    return frozenset(one.system for one in found if isinstance(one, doc.RemoteRef | doc.CaseRef))


def _retractions(adapter: Adapter, message: CompiledMessage) -> Iterator[tuple[str, RetractionSpec]]:
    """How the message's slots are taken back, by the name of the message that the taking back is a delivery of."""
    declared, unplanned = message.declared, message.declared.on_unplanned
    if not isinstance(unplanned, RetractBy):
        return
    confirm = _confirm(adapter.confirm_of_retraction(declared, unplanned))
    payload = None
    if message.taken_back is not None:
        payload = _retraction_payload(unplanned.name, message.taken_back, confirm)
    name = unplanned.name if unplanned.of == "case" else declared.name
    yield name, RetractionSpec(operation=unplanned.retract, payload=payload, confirm=confirm)


def _retraction_payload(name: str, compiled: CompiledPayload, confirm: ConfirmPolicy) -> MessageSpec:
    return MessageSpec(
        name=name,
        mapping=compiled.mapping,
        contract=compiled.contract,
        remote_ref_at=MappingProxyType({}),
        is_case_ref=False,
        confirm=confirm,
        compared_fields=compiled.mapping.compared_fields,
        refers_to=_refers_to(compiled.mapping),
    )


def _of_cases(messages: Sequence[CompiledMessage]) -> dict[str, CompiledMessage]:
    """The retractions that take back once for the case, by name, each with the first message that names it."""
    found: dict[str, CompiledMessage] = {}
    for message in messages:
        unplanned = message.declared.on_unplanned
        if isinstance(unplanned, RetractBy) and unplanned.of == "case":
            found.setdefault(unplanned.name, message)
    return found


def _only_takes_back(name: str, first: CompiledMessage, mac: Mac) -> Message:
    """The message of a retraction of the whole case: no plan ever has it."""
    unplanned, compiled = first.declared.on_unplanned, first.taken_back
    assert isinstance(unplanned, RetractBy)
    is_of_stage = compiled is not None and compiled.mapping.reads == "stage"

    def inputs(case: Json, part: Json) -> bytes:
        return mac(_written({} if compiled is None else compiled.mapping.inputs_of(case, part)))

    return Message(
        name=name,
        of=PartOf.STAGE if is_of_stage else PartOf.CASE,
        after=(),
        on_change=OnChange.HOLD,
        on_unplanned=OnUnplanned.IGNORE,
        operation=unplanned.retract,
        exists=lambda case, part: False,
        inputs=inputs,
    )


def _confirm(confirm: Confirm) -> ConfirmPolicy:
    absent = {} if confirm.absent is None else confirm.absent.model_dump(mode="json", exclude_unset=True)
    return ConfirmPolicy(
        by=confirm.by,
        operation=confirm.operation,
        record_at=confirm.record,
        absent=MappingProxyType(absent),
        visible_after=confirm.visible_after,
        waits=confirm.waits,
        final_after=confirm.final_after,
    )


def _plan_message(messages: Sequence[CompiledMessage], position: int, mac: Mac, owns: Holds | None) -> Message:
    message = messages[position]
    declared, inputs_of = message.declared, message.mapping.inputs_of
    earlier = tuple(other.declared.name for other in messages[:position])
    change, unplanned = declared.on_change, declared.on_unplanned
    return Message(
        name=declared.name,
        of=PartOf(declared.of),
        after=earlier if declared.after is None else declared.after,
        is_ordered=declared.is_ordered,
        next_after=NextAfter(declared.next_after),
        on_change=OnChange.UPDATE if isinstance(change, UpdateBy) else OnChange(change),
        on_unplanned=OnUnplanned.RETRACT if isinstance(unplanned, RetractBy) else OnUnplanned(unplanned),
        operation=declared.operation,
        update_operation=change.update if isinstance(change, UpdateBy) else None,
        retract_operation=unplanned.retract if isinstance(unplanned, RetractBy) else None,
        retraction=unplanned.name if isinstance(unplanned, RetractBy) and unplanned.of == "case" else None,
        exists=message.exists,
        inputs=lambda case, part: mac(_written(inputs_of(case, part))),
        owns=owns,
        closes=declared.closes,
    )


def _written(read: Json) -> bytes:
    """The one written form of what a mapping reads; equal reading gives equal bytes, also after a restart."""
    try:
        return orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        return canonical_bytes(read)


def _limits(declared: AdapterLimits, settings: SystemSettings, margin: timedelta) -> Limits:
    own = {key: value for key, value in settings.limits if value is not None}
    limits = declared.model_copy(update=own)
    return Limits(
        rate=limits.rate,
        burst=limits.burst or max(1, round(limits.rate or limits.concurrency)),
        concurrency=limits.concurrency,
        connect_timeout=limits.connect_timeout.total_seconds(),
        timeout=limits.timeout.total_seconds(),
        lease=limits.connect_timeout + limits.timeout + margin,
        retry_after_at_most=limits.retry_after_at_most,
    )
