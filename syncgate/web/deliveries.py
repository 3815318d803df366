"""Deliveries: the list, one with its evidence, and what a person may do with one."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, model_validator

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing import reading
from syncgate.flows.showing.views import DeliveryView
from syncgate.ports import DeliveryFilter
from syncgate.web import standing
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Cursor, Limit, Names, Time
from syncgate.web.place import Place
from syncgate.web.problems import language_of
from syncgate.web.refs import case_ref


class ReasonAsked(Asked):
    """Why a person does something."""

    reason: Reason


class ConfirmAsked(Asked):
    """What a person knows about an unconfirmed delivery."""

    held: bool = Field(description="Whether the system holds it; if not, it is sent again.")
    remote_ref: str | None = Field(None, min_length=1, max_length=200, description="The system's own id.")
    reason: Reason

    @model_validator(mode="after")
    def _only_what_is_held_has_a_number(self) -> Self:
        if not self.held and self.remote_ref is not None:
            raise ValueError("expected a remote_ref only where the system holds the delivery")
        return self


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["deliveries"])
    _reading(routes, place)
    _moving(routes, place)
    return routes


def _reading(routes: APIRouter, place: Place) -> None:
    reads = caller(place, Action.READ_DELIVERIES)

    @routes.get("/v1/deliveries", summary="Deliveries, newest first", responses=refusals(*READING))
    async def list_deliveries(
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        phase: Annotated[list[Phase] | None, Query()] = None,
        system: Names = None,
        message: Names = None,
        reason: Names = None,
        case: Annotated[str | None, Query(description="A case_id, or system:number.")] = None,
        changed_from: Time | None = None,
        changed_until: Time | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> standing.DeliveryPageTold:
        where = DeliveryFilter(
            phases=tuple(phase) if phase is not None else None,
            systems=tuple(system) if system is not None else None,
            messages=tuple(message) if message is not None else None,
            reasons=tuple(reason) if reason is not None else None,
            case_id=await reading.case_id_of(place.gate, principal, case_ref(case)) if case is not None else None,
            changed_from=changed_from,
            changed_until=changed_until,
        )
        page = await reading.list_deliveries(place.gate, principal, where, after=cursor, limit=limit)
        return standing.page(page, language_of(request.scope, place.settings.language))

    @routes.get(
        "/v1/deliveries/{delivery_id}",
        summary="One delivery with its attempts and their evidence",
        responses=refusals(*READING),
    )
    async def read_delivery(
        delivery_id: UUID, principal: Annotated[Principal, Depends(reads)], request: Request
    ) -> standing.DeliveryDetailTold:
        detail = await reading.read_delivery(place.gate, principal, delivery_id)
        return standing.detail(detail, language_of(request.scope, place.settings.language))


def _moving(routes: APIRouter, place: Place) -> None:
    moves = caller(place, Action.MOVE_DELIVERIES)
    gate, flows = place.gate, place.flows
    why = asked(place, ReasonAsked)
    known = asked(place, ConfirmAsked)

    @routes.post(
        "/v1/deliveries/{delivery_id}/requeue",
        summary="Send a parked delivery again",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def requeue(
        delivery_id: UUID,
        principal: Annotated[Principal, Depends(moves)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> DeliveryView:
        await reading.require_delivery(gate, principal, delivery_id)
        return DeliveryView.of(await flows.requeue(gate, principal, delivery_id, reason=body.reason))

    @routes.post(
        "/v1/deliveries/{delivery_id}/cancel",
        summary="Never send a waiting delivery",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def cancel(
        delivery_id: UUID,
        principal: Annotated[Principal, Depends(moves)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> DeliveryView:
        await reading.require_delivery(gate, principal, delivery_id)
        return DeliveryView.of(await flows.cancel(gate, principal, delivery_id, reason=body.reason))

    @routes.post(
        "/v1/deliveries/{delivery_id}/confirm",
        summary="Say whether the system holds a delivery",
        responses=refusals(*WRITING),
        openapi_extra=takes(ConfirmAsked),
    )
    async def confirm(
        delivery_id: UUID,
        principal: Annotated[Principal, Depends(moves)],
        body: Annotated[ConfirmAsked, Depends(known)],
    ) -> DeliveryView:
        await reading.require_delivery(gate, principal, delivery_id)
        confirmed = await flows.confirm(
            gate,
            principal,
            delivery_id,
            held=body.held,
            remote_ref=body.remote_ref,
            reason=body.reason,
        )
        return DeliveryView.of(confirmed)
