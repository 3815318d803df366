"""What systems give back by a list: its import, its causes, and the way back to the source."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from syncgate.domain.errors import FieldError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.failed import Failed, refuse_unknown
from syncgate.flows.operating.people import Action
from syncgate.flows.returning.causes import CauseList, SentBack, list_causes, send_back
from syncgate.flows.returning.importing import Imported, import_returns
from syncgate.flows.showing.scope import narrowed
from syncgate.flows.showing.systems import read_system
from syncgate.web import body as bodies
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Names
from syncgate.web.place import Place
from syncgate.web.problems import InvalidRequest
from syncgate.web.requeues import FailedAsked
from syncgate.web.uploads import EXPORT_MEDIA, FILE

LIST_AT_MOST: Final = 32 * 1024**2
"""Bytes of a list of returns."""
Text = Annotated[str | None, Query(max_length=100)]


class SendBackAsked(Asked):
    """Which returns go back to the worklist of their source."""

    filter: FailedAsked
    dry_run: bool = False
    reason: Reason

    def failed(self) -> Failed:
        """What is meant. Raises InvalidRequest where no cause is named."""
        failed = self.filter.failed()
        if failed.cause is None:
            errors = [FieldError("/filter/cause", "required", "string")]
            raise InvalidRequest("expected a filter that names a cause, got one without", errors=errors)
        return failed


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["returns"])
    _importing(routes, place)
    _deciding(routes, place)
    return routes


def _importing(routes: APIRouter, place: Place) -> None:
    moves = caller(place, Action.MOVE_DELIVERIES)

    @routes.post(
        "/v1/systems/{system}/returns",
        summary="Import a list of what a system gave back",
        description="The body is the file as it is, a workbook or CSV. Every row is answered; a row moves its delivery "
        "alone or not at all, and the same list once more changes nothing.",
        responses=refusals(*WRITING),
        openapi_extra=FILE,
    )
    async def import_list(
        system: str,
        principal: Annotated[Principal, Depends(moves)],
        request: Request,
        reason: Annotated[str, Query(min_length=1, max_length=500, description="Why; kept in the audit.")],
        dry_run: Annotated[bool, Query(description="Only say what each row would come to.")] = False,
        format: Annotated[str | None, Query(max_length=20, description="xlsx or csv; left out: as it shows.")] = None,
        charset: Annotated[
            str | None, Query(max_length=20, description="Of CSV; left out: UTF-8, else GB18030.")
        ] = None,
        delimiter: Text = None,
        sheet: Text = None,
        header_row: Annotated[int | None, Query(ge=1, le=1000, description="Of a workbook.")] = None,
    ) -> Imported:
        bodies.require_media(request.scope["headers"], EXPORT_MEDIA)
        settings = place.settings
        content = await bodies.read(
            request.scope["headers"], request.receive, limit=LIST_AT_MOST, within=settings.material_within
        )
        given = {"format": format, "charset": charset, "delimiter": delimiter, "sheet": sheet, "header_row": header_row}
        return await import_returns(place.gate, principal, system, content, given=given, dry_run=dry_run, reason=reason)


def _deciding(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    reads = caller(place, Action.READ_DELIVERIES)
    moves = caller(place, Action.MOVE_DELIVERIES)
    wish = asked(place, SendBackAsked)

    @routes.get(
        "/v1/returns",
        summary="What was given back and waits, by its cause, the most first",
        responses=refusals(*READING),
    )
    async def list_returns(
        principal: Annotated[Principal, Depends(reads)],
        system: Names = None,
    ) -> CauseList:
        return await list_causes(gate, principal, narrowed(system, principal.systems))

    @routes.post(
        "/v1/returns:send_back",
        summary="Put returns into the worklist of their source",
        responses=refusals(*WRITING),
        openapi_extra=takes(SendBackAsked),
    )
    async def send_returns_back(
        principal: Annotated[Principal, Depends(moves)], body: Annotated[SendBackAsked, Depends(wish)]
    ) -> SentBack:
        failed = body.failed()
        await read_system(gate, principal, failed.system)
        await refuse_unknown(gate, failed)
        return await send_back(gate, principal, failed, reason=body.reason, dry_run=body.dry_run)
