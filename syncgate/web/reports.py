"""Reports of reconciliation: of one run, and of all runs over a time, as a page, a workbook or JSON."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from syncgate.domain.errors import FieldError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.reconciliation_report import SiteFace, period_report, run_report
from syncgate.language import Language
from syncgate.reports import Report, ReportForm, file_name, media_type, render
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.auth import require
from syncgate.web.params import Names, Time
from syncgate.web.place import Place
from syncgate.web.problems import InvalidRequest, language_of

PERIOD: Final = timedelta(days=31)
"""What a report over a time is about where nothing is said."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
Form = Annotated[ReportForm, Query(alias="format", description="A page, a workbook, or JSON for machines.")]
Wording = Annotated[Language | None, Query(description="Left out: as Accept-Language says.")]
REPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report.",
        "content": {
            "text/html": {"schema": {"type": "string"}},
            media_type(ReportForm.XLSX): {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
"""What a route that answers with a report says in OpenAPI."""


def face_of(place: Place) -> SiteFace:
    """How the deployment shows itself on reports."""
    return SiteFace(place.settings.site_title, ZoneInfo(place.settings.time_zone), place.settings.minutes_per_entry)


async def respond(
    place: Place, principal: Principal, *, system: str, slot: str, form: ReportForm, language: Language
) -> Response:
    """The answer with the report of one run. Raises NotFound, Forbidden."""
    require(principal, Action.READ_CASES)
    return await answer(
        await run_report(place.gate, principal, face_of(place), system=system, slot=slot), form, language
    )


async def answer(report: Report, form: ReportForm, language: Language) -> Response:
    """The answer with a report."""
    body = await asyncio.to_thread(render, report, form, language)
    kept = "attachment" if form is ReportForm.XLSX else "inline"
    headers = {
        "Content-Disposition": f'{kept}; filename="{file_name(report, form)}"',
        "Content-Language": language,
        "Cache-Control": "no-store",
    }
    if form is ReportForm.HTML:
        headers["Content-Security-Policy"] = _POLICY
    return Response(body, media_type=media_type(form), headers=headers)


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["reconciliation"])
    reads = caller(place, Action.READ_SYSTEMS)

    @routes.get(
        "/v1/reports/reconciliation",
        summary="What all runs over a time came to",
        responses={**REPORT, **refusals(*READING)},
        response_class=Response,
    )
    async def read_report(
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        since: Time | None = None,
        until: Time | None = None,
        system: Names = None,
        form: Form = ReportForm.JSON,
        language: Wording = None,
    ) -> Response:
        require(principal, Action.READ_CASES)
        ends = until or place.gate.clock.now()
        begins = since or ends - PERIOD
        if begins >= ends:
            errors = [FieldError("/query/since", "before", "until")]
            raise InvalidRequest("expected a time that begins before it ends, got another", errors=errors)
        report = await period_report(place.gate, principal, face_of(place), since=begins, until=ends, systems=system)
        return await answer(report, form, language or language_of(request.scope, place.settings.language))

    return routes
