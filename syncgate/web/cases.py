"""Reading cases: the list, one, its revisions, its passport."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing import reading
from syncgate.flows.showing.views import CasePage, CaseView, RevisionView
from syncgate.ports import CaseFilter
from syncgate.web import standing
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.params import Cursor, Limit, Names, Time
from syncgate.web.place import Place
from syncgate.web.problems import language_of
from syncgate.web.refs import case_ref


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["cases"], responses=refusals(*READING))
    reads = caller(place, Action.READ_CASES)

    @routes.get("/v1/cases", summary="Cases, newest first")
    async def list_cases(
        principal: Annotated[Principal, Depends(reads)],
        origin: Names = None,
        region: Annotated[list[str] | None, Query(description="Prefix of a division code.")] = None,
        kind: Names = None,
        created_from: Time | None = None,
        created_until: Time | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> CasePage:
        where = CaseFilter(
            origins=_tuple(origin),
            regions=_tuple(region),
            kinds=_tuple(kind),
            created_from=created_from,
            created_until=created_until,
        )
        return await reading.list_cases(place.gate, principal, where, after=cursor, limit=limit)

    @routes.get("/v1/cases/{case}", summary="One case, masked for all but the source that posted it")
    async def read_case(case: str, principal: Annotated[Principal, Depends(reads)], response: Response) -> CaseView:
        view = await reading.read_case(place.gate, principal, case_ref(case))
        response.headers["ETag"] = f'"{view.case.revision}"'
        return view

    @routes.get("/v1/cases/{case}/revisions", summary="Every accepted submission of a case")
    async def read_revisions(case: str, principal: Annotated[Principal, Depends(reads)]) -> tuple[RevisionView, ...]:
        return await reading.read_revisions(place.gate, principal, case_ref(case))

    @routes.get("/v1/cases/{case}/passport", summary="What each system holds of a case")
    async def read_passport(
        case: str, principal: Annotated[Principal, Depends(reads)], request: Request
    ) -> standing.PassportTold:
        passport = await reading.read_passport(place.gate, principal, case_ref(case))
        return standing.passport(passport, language_of(request.scope, place.settings.language))

    return routes


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
