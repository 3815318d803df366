"""Health, metrics, and the description of the interface."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.web.answers import caller, refusals
from syncgate.web.listing import page
from syncgate.web.metrics import snapshot
from syncgate.web.place import Place


@dataclass(frozen=True, slots=True)
class Health:
    """Whether this process is well."""

    status: Literal["ok"] = "ok"


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["health"])
    measures = caller(place, Action.READ_METRICS)

    @routes.head("/livez", summary="The same without a body", responses=refusals(500))
    @routes.get("/livez", summary="The process answers", responses=refusals(500))
    async def livez() -> Health:
        return Health()

    @routes.head("/readyz", summary="The same without a body", responses=refusals(500, 503))
    @routes.get("/readyz", summary="The process can take cases", responses=refusals(500, 503))
    async def readyz() -> Health:
        if not place.is_ready():
            raise StoreUnavailable("expected a gate that takes cases, got one that starts or stops")
        await place.gate.writer.read(lambda tx: tx.systems())
        return Health()

    @routes.get(
        "/metrics",
        summary="Metrics in Prometheus' text format",
        responses={
            200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **refusals(401, 403, 500, 503),
        },
        response_class=PlainTextResponse,
    )
    async def metrics(_principal: Annotated[Principal, Depends(measures)]) -> Response:
        taken = await place.gate.writer.read(snapshot)
        return Response(place.metrics.text(taken), media_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json", summary="This interface as OpenAPI 3.1", responses=refusals(500))
    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(request.app.openapi())

    @routes.get(
        "/docs",
        summary="This interface as a page",
        responses=refusals(500),
        response_class=HTMLResponse,
    )
    async def docs(request: Request) -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(page(request.app.openapi()), headers={"Content-Security-Policy": policy})

    return routes
