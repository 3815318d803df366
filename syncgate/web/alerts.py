"""Alerts: what somebody must know of; taking one on."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from syncgate.domain.rows import Principal
from syncgate.flows.alerting.taking_on import AlertView, acknowledge, list_alerts
from syncgate.flows.operating.people import Action
from syncgate.web.answers import READING, WRITING, asked, caller, refusals, takes
from syncgate.web.deliveries import ReasonAsked
from syncgate.web.params import Limit
from syncgate.web.place import Place


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["alerts"])
    reads = caller(place, Action.READ_SYSTEMS)
    takes_on = caller(place, Action.ACKNOWLEDGE)
    why = asked(place, ReasonAsked)

    @routes.get("/v1/alerts", summary="Alerts, newest first", responses=refusals(*READING))
    async def read_alerts(
        principal: Annotated[Principal, Depends(reads)],
        is_open: Annotated[bool, Query(alias="open", description="Only those that are not over.")] = True,
        limit: Limit = 50,
    ) -> tuple[AlertView, ...]:
        return await list_alerts(place.gate, principal, is_open=is_open, limit=limit)

    @routes.post(
        "/v1/alerts/{alert_id}/acknowledge",
        summary="Take an alert on: nobody is told of it again",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def take_on(
        alert_id: UUID,
        principal: Annotated[Principal, Depends(takes_on)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> AlertView:
        return await acknowledge(place.gate, principal, alert_id, reason=body.reason)

    return routes
