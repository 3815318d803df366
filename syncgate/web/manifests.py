"""What sources list of their own cases, compared with what was accepted from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from syncgate.domain.errors import FieldError
from syncgate.domain.reconciliation.run import RunWish
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.reconciling import asking
from syncgate.flows.reconciling.asking import RunView
from syncgate.flows.reconciling.exports import InvalidExport, Manifest
from syncgate.flows.reconciling.manifests import refuse_unreadable, settings_for
from syncgate.web.answers import WRITING, caller, refusals
from syncgate.web.params import Time
from syncgate.web.place import Place
from syncgate.web.uploads import FILE, Upload, taken_in

Text = Annotated[str | None, Query(max_length=500)]
Column = Annotated[str, Query(max_length=500)]
Reason = Annotated[str, Query(min_length=1, max_length=500, description="Why; kept in the audit.")]


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["reconciliation"])
    gate = place.gate
    acts = caller(place, Action.RECONCILE)

    @routes.post(
        "/v1/sources/{source}/manifests",
        status_code=202,
        summary="Compare what a source lists of its own cases with what was accepted from it",
        description="The body is the file as it is, written as the source writes its records but for what is said "
        "here. It is kept sealed for seven days; a run begins with it.",
        responses=refusals(*WRITING),
        openapi_extra=FILE,
    )
    async def compare_manifest(
        source: str,
        principal: Annotated[Principal, Depends(acts)],
        request: Request,
        response: Response,
        format: Annotated[str, Query(max_length=20, description="csv, xlsx, ndjson, json or xml.")],
        reason: Reason,
        since: Annotated[Time | None, Query(description="Cases accepted from then on must be listed.")] = None,
        until: Annotated[Time | None, Query(description="Cases accepted before must be listed.")] = None,
        as_of: Annotated[Time | None, Query(description="When it was written; left out: now.")] = None,
        batch: Annotated[str, Query(max_length=500, description="The name that its records are numbered by.")] = "",
        column: Annotated[
            list[Column] | None,
            Query(description="`/case_no=编号`: which column holds which field; else its mapping reads the records."),
        ] = None,
        charset: Text = None,
        delimiter: Text = None,
        sheet: Text = None,
        records: Annotated[str | None, Query(max_length=500, description="JSON Pointer of a JSON list.")] = None,
        record: Annotated[str | None, Query(max_length=500, description="Path of an XML record.")] = None,
    ) -> RunView:
        asking.require_source(gate, principal, source)
        await asking.refuse_under_way(gate, source)
        columns = _columns(column or ())
        refuse_unreadable(gate, source, columns, batch=batch)
        given = {"charset": charset, "delimiter": delimiter, "sheet": sheet, "records": records, "record": record}
        now = gate.clock.now()
        manifest = Manifest(columns=columns, batch=batch, as_of=as_of or now)
        wish = RunWish(reason=reason, since=_text(since), until=_text(until))
        asking.refuse_reversed(wish)
        written = settings_for(gate, source, format, given)
        upload = Upload(source, format_name=format, settings=written, manifest=manifest)
        export = await taken_in(place, principal, request, upload)
        begun = await asking.ask_source_run(gate, principal, source, wish, export.export_id)
        response.headers["Location"] = f"/v1/reconciliations/{begun.reconciliation_id}"
        return begun

    return routes


def _columns(given: Sequence[str]) -> dict[str, str]:
    """Columns by pointer. Raises InvalidExport."""
    split = [one.partition("=") for one in given]
    if any(not equals or not column for _, equals, column in split):
        errors = [FieldError("/query/column", "format", "/pointer=column")]
        raise InvalidExport("expected columns as `/pointer=column`, got another text", errors=errors)
    return {pointer: column for pointer, _, column in split}


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
