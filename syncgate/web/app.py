"""The REST surface as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from syncgate.flows.gate import Gate
from syncgate.flows.operating.people import Doorkeeper
from syncgate.web import (
    alerts,
    arrivals,
    batch,
    cases,
    checks,
    deliveries,
    deployments,
    discrepancies,
    duplicates,
    explanations,
    health,
    holds,
    keys,
    letters,
    maintenance,
    manifests,
    manual,
    materials,
    meter,
    problems,
    reconciliations,
    records,
    replans,
    reports,
    requeues,
    returns,
    submissions,
    systems,
    worklist,
)
from syncgate.web.flows import Flows
from syncgate.web.metrics import Metrics
from syncgate.web.openapi import describe
from syncgate.web.place import Place
from syncgate.web.refs import EncodedSlashes
from syncgate.web.settings import WebSettings


def create_app(
    gate: Gate,
    settings: WebSettings,
    *,
    flows: Flows | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    is_ending: Callable[[], bool] = lambda: False,
    deploy: deployments.Deploy | None = None,
) -> FastAPI:
    """The application of one gate; it starts and stops nothing.

    Args:
        gate: what the flows work on.
        settings: limits and habits.
        flows: what the routes call instead of the real flows, for tests.
        is_ready: whether the process takes cases now; asked by /readyz.
        is_ending: whether the process is about to end, so that batches come to theirs.
        deploy: activates the site's folder; None where this process has none.
    """
    place = Place(
        gate=gate,
        settings=settings,
        flows=flows or Flows(),
        doorkeeper=Doorkeeper(gate, remembered_for=settings.key_remembered_for, local_token=settings.local_token),
        metrics=Metrics(),
        is_ready=is_ready,
        is_ending=is_ending,
    )
    app = FastAPI(
        title="syncgate",
        version=settings.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"logs": False},
    )
    for raw in (submissions, batch, checks, materials, records):
        app.router.routes.extend(raw.routes(place))
    for router in (
        cases,
        explanations,
        deliveries,
        duplicates,
        requeues,
        returns,
        letters,
        worklist,
        systems,
        replans,
        holds,
        maintenance,
        reconciliations,
        manifests,
        manual,
        discrepancies,
        reports,
        meter,
        alerts,
        arrivals,
        keys,
        health,
    ):
        app.include_router(router.router(place))
    if deploy is not None:
        app.include_router(deployments.router(place, deploy))
    problems.install(app, default=settings.language, schema=gate.schema)
    describe(app, place)
    app.add_middleware(EncodedSlashes, default=settings.language)
    app.add_middleware(problems.Guard, default=settings.language)
    return app
