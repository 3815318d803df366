"""Keys: made, listed, revoked by who is trusted with security, and by nobody else."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from syncgate.domain.rows import Principal
from syncgate.flows.operating import people
from syncgate.flows.operating.people import Action, KeyWish
from syncgate.flows.showing.views import KeyMade, PrincipalView
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.deliveries import ReasonAsked
from syncgate.web.params import Time
from syncgate.web.place import Place

Role = Literal["source", "viewer", "operator", "integrator", "admin", "security", "auditor"]
Scope = Annotated[tuple[str, ...], Field(max_length=100)]


class KeyAsked(Asked):
    """What a new key is for. Empty scopes: all."""

    name: str = Field(min_length=1, max_length=100)
    role: Role
    sources: Scope = ()
    systems: Scope = ()
    regions: Scope = ()
    expires_at: Time | None = None
    reason: Reason


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["keys"])
    gate = place.gate
    manages = caller(place, Action.MANAGE_KEYS)
    wished, why = asked(place, KeyAsked), asked(place, ReasonAsked)

    @routes.post(
        "/v1/keys",
        status_code=201,
        summary="Make a key; it is shown this once",
        responses=refusals(*WRITING),
        openapi_extra=takes(KeyAsked),
    )
    async def create_key(
        principal: Annotated[Principal, Depends(manages)], body: Annotated[KeyAsked, Depends(wished)]
    ) -> KeyMade:
        wish = KeyWish(**body.model_dump(exclude={"reason"}))
        made = await people.create_key(gate, wish, by=principal.name, reason=body.reason)
        return KeyMade(principal=PrincipalView.of(made.principal), key=made.key)

    @routes.get("/v1/keys", summary="Every principal", responses=refusals(*READING))
    async def list_keys(principal: Annotated[Principal, Depends(manages)]) -> tuple[PrincipalView, ...]:
        return tuple(map(PrincipalView.of, await people.list_keys(gate)))

    @routes.post(
        "/v1/keys/{principal_id}/revoke",
        summary="Make a key open nothing",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def revoke_key(
        principal_id: UUID,
        principal: Annotated[Principal, Depends(manages)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> PrincipalView:
        revoked = await people.revoke_key(gate, principal_id, by=principal.name, reason=body.reason)
        place.doorkeeper.forget(principal_id)
        return PrincipalView.of(revoked)

    return routes
