"""Joins a material's file to its payload: as text, as a link, or beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import structlog

from syncgate.domain.delivery import Event
from syncgate.domain.errors import StoreUnavailable, SyncgateError
from syncgate.domain.material import ending_of, material_in
from syncgate.domain.plan import Json
from syncgate.domain.rows import Change
from syncgate.flows.delivering.content import MATERIAL_MISSING, MATERIAL_TOO_LARGE, PlaceTaken, placed
from syncgate.flows.delivering.mapping import contract_broken, open_submission
from syncgate.flows.delivering.work import FileSent, Payload, Verdict, Work
from syncgate.flows.files import KeptFile, kept_file, pieces_of
from syncgate.flows.gate import Gate
from syncgate.flows.links import link_to
from syncgate.ports import SentFile
from syncgate.site.bundle import MessageSpec
from syncgate.transports.content import Base64Content, Content, MultipartContent, UrlContent

log = structlog.get_logger("syncgate.materials")
FILE_BROKEN: Final = "file_broken"


async def with_content(gate: Gate, work: Work, payload: Payload | Verdict) -> Payload | Verdict:
    """The payload with the file that its message says goes along, or why it cannot be sent.

    A payload whose message sends no file, and a verdict, are given back as they are.
    """
    bundle = gate.bundles.get(work.delivery.bundle)
    spec = None if bundle is None else bundle.specs.get(work.delivery.message)
    if isinstance(payload, Verdict) or spec is None or spec.content is None:
        return payload
    if work.delivery.change is Change.RETRACT:
        return payload
    try:
        return await _joined(gate, work, spec, spec.content, payload)
    except StoreUnavailable:
        return Verdict(event=Event.HANDED_BACK, rule="file_not_read")
    except SyncgateError as error:
        log.error("file_broken", system=work.lane.system, code=error.code)
        return _parked(FILE_BROKEN, "operations", "")


async def _joined(gate: Gate, work: Work, spec: MessageSpec, content: Content, payload: Payload) -> Payload | Verdict:
    material = await gate.writer.read(lambda tx: tx.material(work.case.case_id, work.delivery.part))
    if material is None:
        return _parked(MATERIAL_MISSING, "file", "")
    kept = kept_file(gate, work.case, material)
    if content.size_at_most is not None and kept.facts.size > content.size_at_most:
        detail = f"expected a file of at most {content.size_at_most} bytes, got {kept.facts.size}"
        return _parked(MATERIAL_TOO_LARGE, "file", detail)
    match content:
        case Base64Content():
            text = await _as_text(gate, kept)
            return _within(spec, content, payload, kept, text=text, shown=_shown(kept))
        case UrlContent():
            if gate.link_address is None:
                return _parked("link_address_missing", "operations", "")
            link = link_to(gate, kept, work.lane.system, valid_for=content.valid_for)
            return _within(spec, content, payload, kept, text=link, shown=None)
        case MultipartContent():
            return await _beside(gate, work, content, payload, kept)


def _within(
    spec: MessageSpec,
    content: Base64Content | UrlContent,
    payload: Payload,
    kept: KeptFile,
    *,
    text: str,
    shown: str | None,
) -> Payload | Verdict:
    """The payload with the text at its place, held against the whole contract."""
    try:
        value = placed(payload.value, content.tokens, text)
        instead = None if shown is None else placed(payload.value, content.tokens, shown)
    except PlaceTaken:
        return _parked("contract_violated", "mapping", f"{content.at}: expected an object around it, got another type")
    broken = contract_broken(spec.contract.violations(value))
    return broken or Payload(value, kept=instead, file=FileSent(kept.facts.size, kept.digest))


async def _as_text(gate: Gate, kept: KeptFile) -> str:
    """The file in Base64. Of what is left over of a chunk after groups of three bytes the next begins with it."""
    texts: list[str] = []
    left = b""
    async for piece in pieces_of(gate, kept):
        left += piece
        whole = len(left) - len(left) % 3
        texts.append(base64.b64encode(left[:whole]).decode())
        left = left[whole:]
    texts.append(base64.b64encode(left).decode())
    return "".join(texts)


def _shown(kept: KeptFile) -> str:
    """What evidence says in place of a file's bytes."""
    return f"[{kept.facts.size} bytes, digest {kept.digest}]"


async def _beside(
    gate: Gate, work: Work, content: MultipartContent, payload: Payload, kept: KeptFile
) -> Payload | Verdict:
    """The payload and the file as a part of its own. Its first bytes are read now: a file that cannot be opened is
    found before anything leaves."""
    async for _ in pieces_of(gate, kept):
        break
    name = _file_name(content, open_submission(gate, work, work.submission), kept)
    if any(sign in name for sign in "/\\") or not name.isprintable():
        return _parked("file_name_unusable", "source", "")
    beside = SentFile(
        name=content.name,
        payload_name=content.payload_name,
        file_name=name,
        file_name_charset=content.file_name_charset,
        media_type=kept.facts.media_type,
        size=kept.facts.size,
        digest=kept.digest,
        pieces=lambda: pieces_of(gate, kept),
    )
    return Payload(payload.value, beside=beside, file=FileSent(kept.facts.size, kept.digest))


def _file_name(content: MultipartContent, document: Json, kept: KeptFile) -> str:
    material = kept.material.material
    found = material_in(document, material)
    record: Mapping[str, Any] = found[1] if found is not None else {}
    own = f"{material}{ending_of(kept.facts.media_type)}"
    return str(record.get("file_name") or own) if content.file_name == "record" else own


def _parked(reason: str, actor: str, detail: str) -> Verdict:
    return Verdict(event=Event.REFUSED, rule="before_sending", reason=reason, actor=actor, detail=detail)
