"""Links to a material's file: they end, open one file for one system, and say nothing of the case.

A token is `version, link_id, end, system, keyed digest`, in base64url. The digest covers the case and the material too.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Final
from uuid import UUID

from syncgate.domain.errors import NotFound
from syncgate.domain.rows import AuditEntry, StoredMaterial
from syncgate.flows.files import KeptFile, kept_file
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

PATH: Final = "/v1/materials/"
_HEAD: Final = Struct(">B16sQ")
_VERSION: Final = 1
_MAC_SIZE: Final = 16
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class _Link:
    link_id: UUID
    end: int
    system: str
    mac: bytes


def link_to(gate: Gate, kept: KeptFile, system: str, *, valid_for: timedelta) -> str:
    """The address by which a system may fetch a file until the time is up."""
    end = int((gate.clock.now() + valid_for).timestamp())
    return f"{gate.link_address}{PATH}{_token(gate, kept.material, system, end)}"


async def linked_file(gate: Gate, token: str) -> KeptFile:
    """The file that a link opens; noted in the audit, with the system that the link was made for.

    Raises:
        NotFound: it is no link of ours, its time is up, or its system or case is no more.
    """
    link = _parsed(token)

    def step(tx: Tx) -> KeptFile:
        material = tx.material_by_link(link.link_id)
        if material is None or not _holds(gate, material, link, now=tx.now):
            raise _unknown()
        case = tx.case(material.case_id)
        if case is None or not case.wrapped_key or link.system not in gate.active:
            raise _unknown()
        thing = f"material:{material.case_id}/{material.material}"
        tx.append_audit(AuditEntry(at=tx.now, actor=link.system, action="material_fetched", object=thing))
        return kept_file(gate, case, material)

    return await gate.writer.write(step)


def _token(gate: Gate, material: StoredMaterial, system: str, end: int) -> str:
    head = _HEAD.pack(_VERSION, material.link_id.bytes, end)
    mac = _mac(gate, material, system, head)
    return base64.urlsafe_b64encode(head + system.encode() + mac).rstrip(b"=").decode()


def _mac(gate: Gate, material: StoredMaterial, system: str, head: bytes) -> bytes:
    bound = (material.case_id.bytes, material.material.encode(), system.encode())
    return gate.keyring.mac("material link", head, *bound)


def _holds(gate: Gate, material: StoredMaterial, link: _Link, *, now: datetime) -> bool:
    head = _HEAD.pack(_VERSION, link.link_id.bytes, link.end)
    is_ours = compare_digest(_mac(gate, material, link.system, head), link.mac)
    return is_ours and now < datetime.fromtimestamp(link.end, UTC)


def _parsed(token: str) -> _Link:
    """Raises NotFound."""
    try:
        plain = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        version, link_id, end = _HEAD.unpack(plain[: _HEAD.size])
        system = plain[_HEAD.size : -_MAC_SIZE].decode("ascii")
    except (ValueError, StructError):
        raise _unknown() from None
    if version != _VERSION or len(token) > _LONGEST or end > 2**38:
        raise _unknown()
    return _Link(UUID(bytes=link_id), end, system, plain[-_MAC_SIZE:])


def _unknown() -> NotFound:
    return NotFound("expected a link that holds, got another")
