"""Reconciliation: runs are asked for, followed and ended; a file may stand for what a system lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from syncgate.domain.errors import NotFound
from syncgate.domain.reconciliation.run import RunOutcome, RunWish
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.reconciling import asking, exports
from syncgate.flows.reconciling.asking import DiscrepancyPage, RunPage, RunView
from syncgate.ports.store import DiscrepancyFilter
from syncgate.reports import ReportForm
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.auth import require
from syncgate.web.params import Cursor, Limit, Names, Time
from syncgate.web.place import Place
from syncgate.web.problems import language_of
from syncgate.web.reports import REPORT, Form, Wording, respond
from syncgate.web.uploads import FILE, Upload, taken_in

Message = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str | None, Query(max_length=500)]


class RunAsked(Asked):
    """A run of one system."""

    system: str = Field(min_length=1, max_length=200)
    mode: Literal["list", "mend", "adopt"] = Field(
        "list",
        description="`list` only finds; `mend` does what the policy says; `adopt` links what was typed there by hand.",
    )
    messages: list[Message] | None = Field(None, min_length=1, max_length=100, description="Only these; left out: all.")
    since: Time | None = Field(None, description="The window's beginning; left out: as the adapter says.")
    until: Time | None = Field(None, description="The window's end; left out: now.")
    cap: int | None = Field(None, ge=0, le=1_000_000, description="Sends that it may cause; left out: the adapter's.")
    export: str | None = Field(None, min_length=1, max_length=36, description="The export that stands for the listing.")
    reason: Reason

    def wish(self) -> RunWish:
        """What is asked."""
        return RunWish(
            mode=self.mode,
            reason=self.reason,
            messages=None if self.messages is None else tuple(self.messages),
            since=_text(self.since),
            until=_text(self.until),
            cap=self.cap,
            export=self.export,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A file that was taken in. export_id: what a run names it by; it is kept for seven days."""

    export_id: str
    system: str
    format: str
    size: int
    sha256: str

    @classmethod
    def of(cls, export: exports.Export) -> "Uploaded":
        """The export as it is answered."""
        return cls(**{name: getattr(export, name) for name in cls.__slots__})


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["reconciliation"])
    _asking(routes, place)
    _following(routes, place)
    _reporting(routes, place)
    _uploading(routes, place)
    return routes


def _asking(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    acts = caller(place, Action.RECONCILE)
    wished = asked(place, RunAsked)

    @routes.post(
        "/v1/reconciliations",
        status_code=202,
        summary="Compare what a system holds with what it should hold",
        responses=refusals(*WRITING),
        openapi_extra=takes(RunAsked),
    )
    async def begin_run(
        principal: Annotated[Principal, Depends(acts)],
        body: Annotated[RunAsked, Depends(wished)],
        response: Response,
    ) -> RunView:
        begun = await asking.ask_run(gate, principal, body.system, body.wish())
        response.headers["Location"] = f"/v1/reconciliations/{begun.reconciliation_id}"
        return begun

    @routes.delete(
        "/v1/reconciliations/{reconciliation_id}",
        summary="End a run; what it found is kept",
        responses=refusals(401, 403, 404, 422, 500, 503),
    )
    async def cancel_run(reconciliation_id: str, principal: Annotated[Principal, Depends(acts)]) -> RunView:
        return await asking.cancel_run(gate, principal, reconciliation_id)


def _following(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    reads = caller(place, Action.READ_SYSTEMS)
    sees = caller(place, Action.READ_DELIVERIES)

    @routes.get("/v1/reconciliations", summary="Runs, newest first", responses=refusals(*READING))
    async def list_runs(
        principal: Annotated[Principal, Depends(reads)],
        system: Names = None,
        outcome: Annotated[list[RunOutcome] | None, Query(description="How they ended.")] = None,
        open: Annotated[bool, Query(description="Only those that have not ended.")] = False,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before.")] = None,
        limit: Limit = 50,
    ) -> RunPage:
        return await asking.list_runs(
            gate, principal, systems=system, outcomes=outcome, is_open=open, after=cursor, limit=limit
        )

    @routes.get("/v1/reconciliations/{reconciliation_id}", summary="One run", responses=refusals(*READING))
    async def read_run(reconciliation_id: str, principal: Annotated[Principal, Depends(reads)]) -> RunView:
        return await asking.read_run(gate, principal, reconciliation_id)

    @routes.get(
        "/v1/reconciliations/{reconciliation_id}/discrepancies",
        summary="What a run found first, newest first",
        responses=refusals(*READING),
    )
    async def list_of_run(
        reconciliation_id: str,
        principal: Annotated[Principal, Depends(sees)],
        kind: Names = None,
        open: Annotated[bool | None, Query(description="Only those that are open, or that are not.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> DiscrepancyPage:
        run = await asking.run_of(gate, principal, reconciliation_id)
        system = run.job.partition(":")[2]
        kinds = None if kind is None else tuple(kind)
        where = DiscrepancyFilter(systems=(system,), run_slot=run.slot, kinds=kinds, is_open=open)
        return await asking.list_discrepancies(gate, principal, where, after=cursor, limit=limit)


def _reporting(routes: APIRouter, place: Place) -> None:
    reads = caller(place, Action.READ_SYSTEMS)

    @routes.get(
        "/v1/reconciliations/{reconciliation_id}/report",
        summary="What a run came to, as a page, a workbook or JSON",
        responses={**REPORT, **refusals(*READING)},
        response_class=Response,
    )
    async def read_report(
        reconciliation_id: str,
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        form: Form = ReportForm.JSON,
        language: Wording = None,
    ) -> Response:
        run = await asking.run_of(place.gate, principal, reconciliation_id)
        chosen = language or language_of(request.scope, place.settings.language)
        return await respond(
            place, principal, system=run.job.partition(":")[2], slot=run.slot, form=form, language=chosen
        )


def _uploading(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    acts = caller(place, Action.RECONCILE)

    @routes.post(
        "/v1/systems/{system}/exports",
        status_code=201,
        summary="Bring a file that stands for what a system lists",
        description="The body is the file as it is. It is kept sealed for seven days; nothing is compared yet.",
        responses=refusals(*WRITING),
        openapi_extra=FILE,
    )
    async def upload_export(
        system: str,
        principal: Annotated[Principal, Depends(acts)],
        request: Request,
        format: Annotated[str, Query(max_length=20, description="csv, xlsx, ndjson, json or xml.")],
        charset: Text = None,
        delimiter: Text = None,
        sheet: Text = None,
        records: Annotated[str | None, Query(max_length=500, description="JSON Pointer of a JSON list.")] = None,
        record: Annotated[str | None, Query(max_length=500, description="Path of an XML record.")] = None,
    ) -> Uploaded:
        if system not in gate.active:
            raise NotFound("expected a system of this site, got none of that name")
        require(principal, Action.RECONCILE, system=system)
        asking.require_whole(principal)
        given = {"charset": charset, "delimiter": delimiter, "sheet": sheet, "records": records, "record": record}
        written = exports.settings_of(format, given)
        upload = Upload(system, format_name=format, settings=written)
        return Uploaded.of(await taken_in(place, principal, request, upload))


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
