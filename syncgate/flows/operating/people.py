"""Who may call, and what: keys, roles, scopes. A key is shown once and never stored."""

from __future__ import annotations

import base64
import hmac
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.errors import Conflict, FieldError, NotFound, RequestError, Unauthenticated
from syncgate.domain.rows import AuditEntry, Principal
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

KEY_PREFIX: Final = "sgk_"
_KEY_BYTES: Final = 32
_KEY_LONGEST: Final = 200


class Action(StrEnum):
    """What a principal may be allowed."""

    SUBMIT = "submit"
    """Posts, changes and withdraws cases of a source."""
    READ_CASES = "read_cases"
    READ_DELIVERIES = "read_deliveries"
    READ_SYSTEMS = "read_systems"
    READ_METRICS = "read_metrics"
    MOVE_DELIVERIES = "move_deliveries"
    """Requeues, cancels and confirms by hand."""
    PAUSE_SYSTEMS = "pause_systems"
    REPLAN = "replan"
    RECONCILE = "reconcile"
    """Begins and ends runs of reconciliation, and brings what stands for a listing."""
    ACKNOWLEDGE = "acknowledge"
    """Takes alerts on."""
    DEPLOY = "deploy"
    MANAGE_KEYS = "manage_keys"
    READ_AUDIT = "read_audit"
    READ_CONTENT = "read_content"
    """Reads the files of materials: a source those of the cases that it posted, others with a reason that is kept."""


_READ: Final = frozenset({Action.READ_CASES, Action.READ_DELIVERIES, Action.READ_SYSTEMS, Action.READ_METRICS})

ACTIONS_BY_ROLE: Final[dict[str, frozenset[Action]]] = {
    "source": frozenset({Action.SUBMIT, Action.READ_CASES, Action.READ_DELIVERIES, Action.READ_CONTENT}),
    "viewer": _READ,
    "operator": _READ
    | {Action.MOVE_DELIVERIES, Action.PAUSE_SYSTEMS, Action.RECONCILE, Action.ACKNOWLEDGE, Action.READ_CONTENT},
    "integrator": _READ | {Action.PAUSE_SYSTEMS, Action.REPLAN, Action.RECONCILE, Action.ACKNOWLEDGE, Action.DEPLOY},
    "admin": _READ
    | {
        Action.MOVE_DELIVERIES,
        Action.PAUSE_SYSTEMS,
        Action.REPLAN,
        Action.RECONCILE,
        Action.ACKNOWLEDGE,
        Action.DEPLOY,
        Action.READ_CONTENT,
    },
    "security": frozenset({Action.MANAGE_KEYS, Action.READ_SYSTEMS, Action.READ_METRICS}),
    "auditor": _READ | {Action.READ_AUDIT},
}
"""What each role may. Whoever grants keys can neither act nor audit, and so on: see `EXCLUSIVE`."""

EXCLUSIVE: Final = frozenset({"admin", "security", "auditor"})
"""One name holds at most one of these."""

LOCAL: Final = "local"
"""The command line of the same machine: it can read the master key anyway. Never stored, never granted."""


class InvalidPrincipal(RequestError):
    """A key was asked for that no principal can have."""

    code = "invalid_request"
    status = 422


def may(
    principal: Principal,
    action: Action,
    *,
    source: str | None = None,
    system: str | None = None,
    region: str | None = None,
) -> bool:
    """Whether a principal may do something to what belongs to a source, a system and a region.

    A scope that is left out of the question is not asked; an empty region is in no scope.
    """
    if principal.role != LOCAL and action not in ACTIONS_BY_ROLE.get(principal.role, frozenset()):
        return False
    return (
        (source is None or not principal.sources or source in principal.sources)
        and (system is None or not principal.systems or system in principal.systems)
        and (region is None or not principal.regions or region.startswith(principal.regions))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """What a new key is for. The scopes are names; empty: all, but a source has at least one source."""

    name: str
    role: str
    sources: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A principal with its key, which is shown this once."""

    principal: Principal
    key: str

    def __repr__(self) -> str:
        return f"NewKey({self.principal.name!r})"


async def create_key(gate: Gate, wish: KeyWish, *, by: str, reason: str = "") -> NewKey:
    """A new principal and its key; the store keeps only a keyed digest.

    Raises:
        InvalidPrincipal: the role or a scope does not exist.
        Conflict: the name holds a role that excludes this one.
    """
    _refuse_impossible(gate, wish)
    key = KEY_PREFIX + base64.urlsafe_b64encode(gate.entropy.token(_KEY_BYTES)).decode().rstrip("=")
    principal = Principal(
        principal_id=ids.uuid7(gate.clock.now(), gate.entropy.token(10)),
        name=wish.name,
        role=wish.role,
        sources=wish.sources,
        systems=wish.systems,
        regions=wish.regions,
        key_hash=_digest(gate, key),
        key_hint=f"{KEY_PREFIX}…{key[-4:]}",
        created_at=gate.clock.now(),
        expires_at=wish.expires_at,
    )

    def step(tx: Tx) -> None:
        _refuse_excluded(tx.principals(), wish, tx.now)
        tx.save_principal(principal)
        tx.append_audit(_entry(principal, "key_created", at=tx.now, by=by, reason=reason))

    await gate.writer.write(step)
    return NewKey(principal=principal, key=key)


async def revoke_key(gate: Gate, principal_id: UUID, *, by: str, reason: str = "") -> Principal:
    """The principal without a valid key; revoking twice changes nothing. Raises NotFound."""

    def step(tx: Tx) -> Principal:
        known = next((p for p in tx.principals() if p.principal_id == principal_id), None)
        if known is None:
            raise NotFound("expected a key that is known, got none of that id")
        if known.revoked_at is not None:
            return known
        revoked = replace(known, revoked_at=tx.now)
        tx.save_principal(revoked)
        tx.append_audit(_entry(revoked, "key_revoked", at=tx.now, by=by, reason=reason))
        return revoked

    return await gate.writer.write(step)


async def list_keys(gate: Gate) -> list[Principal]:
    """Every principal, revoked ones too, by name and age."""
    principals = await gate.writer.read(lambda tx: tx.principals())
    return sorted(principals, key=lambda principal: (principal.name, principal.created_at))


class Doorkeeper:
    """Knows principals by their keys, and remembers them for a moment so that the store is not asked each time.

    What another process revokes is believed for `remembered_for` at most; what this one revokes, not at all.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        remembered_for: timedelta = timedelta(seconds=1),
        remembered_at_most: int = 4096,
        local_token: str | None = None,
    ) -> None:
        """Args: gate: what to ask; local_token: the key of the same machine's command line."""
        self._gate = gate
        self._remembered_for = remembered_for
        self._at_most = remembered_at_most
        self._known: OrderedDict[bytes, tuple[Principal, datetime]] = OrderedDict()
        self._local = _local(gate, local_token) if local_token else None

    async def authenticate(self, key: str | None) -> Principal:
        """The principal of a key. Raises Unauthenticated."""
        if not key or len(key) > _KEY_LONGEST:
            raise Unauthenticated("expected a key in Authorization: Bearer or X-Api-Key, got none")
        digest = _digest(self._gate, key)
        if self._local is not None and hmac.compare_digest(digest, self._local.key_hash):
            return self._local
        now = self._gate.clock.now()
        principal = self._remembered(digest, now)
        if principal is None:
            principal = await self._gate.writer.read(lambda tx: tx.principal_by_hash(digest))
        if principal is None or not is_valid(principal, now):
            raise Unauthenticated("expected a valid key, got one that is unknown, expired or revoked")
        self._remember(digest, principal, now)
        return principal

    def forget(self, principal_id: UUID) -> None:
        """Asks the store anew for whatever this principal calls next."""
        for digest, (principal, _) in list(self._known.items()):
            if principal.principal_id == principal_id:
                del self._known[digest]

    def _remembered(self, digest: bytes, now: datetime) -> Principal | None:
        principal, until = self._known.get(digest, (None, now))
        return principal if now < until else None

    def _remember(self, digest: bytes, principal: Principal, now: datetime) -> None:
        if digest in self._known and now < self._known[digest][1]:
            return
        self._known[digest] = (principal, now + self._remembered_for)
        self._known.move_to_end(digest)
        if len(self._known) > self._at_most:
            self._known.popitem(last=False)


def is_valid(principal: Principal, now: datetime) -> bool:
    """Whether a principal's key still opens anything."""
    return principal.revoked_at is None and (principal.expires_at is None or now < principal.expires_at)


def _local(gate: Gate, token: str) -> Principal:
    return Principal(
        principal_id=UUID(int=0),
        name=LOCAL,
        role=LOCAL,
        key_hash=_digest(gate, token),
        key_hint=LOCAL,
        created_at=gate.clock.now(),
    )


def _digest(gate: Gate, key: str) -> bytes:
    return gate.keyring.mac("api_key", key.encode("utf-8", "surrogatepass"))


def _refuse_impossible(gate: Gate, wish: KeyWish) -> None:
    errors: list[FieldError] = []
    if not wish.name.strip():
        errors.append(FieldError("/name", "required", "string"))
    if wish.role not in ACTIONS_BY_ROLE:
        errors.append(FieldError("/role", "enum", ", ".join(ACTIONS_BY_ROLE)))
    if wish.role == "source" and not wish.sources:
        errors.append(FieldError("/sources", "min_items", "1"))
    errors += _unknown("/sources", wish.sources, gate.sources)
    errors += _unknown("/systems", wish.systems, {*gate.active, *gate.sources})
    if errors:
        raise InvalidPrincipal("expected a role and scopes that exist, got others", errors=errors)


def _unknown(pointer: str, names: Sequence[str], known: Collection[str]) -> list[FieldError]:
    expected = ", ".join(sorted(known))
    return [FieldError(f"{pointer}/{no}", "enum", expected) for no, name in enumerate(names) if name not in known]


def _refuse_excluded(principals: Sequence[Principal], wish: KeyWish, now: datetime) -> None:
    if wish.role not in EXCLUSIVE:
        return
    for held in principals:
        if held.name == wish.name and held.role in EXCLUSIVE - {wish.role} and is_valid(held, now):
            errors = [FieldError("/role", "excluded_role", f"not beside {held.role}")]
            raise Conflict("expected a name that is not {role} already, got one that is", role=held.role, errors=errors)


def _entry(principal: Principal, action: str, *, at: datetime, by: str, reason: str) -> AuditEntry:
    return AuditEntry(
        at=at,
        actor=by,
        action=action,
        object=f"principal:{principal.principal_id}",
        reason=reason,
        detail={"name": principal.name, "role": principal.role, "hint": principal.key_hint},
    )
