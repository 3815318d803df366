"""Letters of correction and proofs of submission: pages for paper, or JSON."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.letters import prove, write_letter
from syncgate.language import Language
from syncgate.reports.letter import letter_page, proof_page
from syncgate.reports.letter_model import Letter, LetterFace, Proof
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.materials import reason_in
from syncgate.web.place import Place
from syncgate.web.problems import language_of
from syncgate.web.refs import case_ref

Form = Annotated[Literal["html", "json"], Query(alias="format")]
Wording = Annotated[Language | None, Query(description="Left out: as Accept-Language says.")]
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The page, or JSON.",
        "content": {"text/html": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    }
}


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["letters"])
    reads = caller(place, Action.READ_DELIVERIES)
    reads_cases = caller(place, Action.READ_CASES)
    face = LetterFace(site=place.settings.site_title, zone=ZoneInfo(place.settings.time_zone))

    @routes.get(
        "/v1/deliveries/{delivery_id}/letter",
        summary="The letter about a correction that a system does not take",
        description="Values are hidden unless `reveal` asks for them, which X-Reason must explain.",
        responses={**PAGE, **refusals(*READING, 409)},
        response_class=Response,
    )
    async def read_letter(
        delivery_id: UUID,
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        reveal: bool = False,
        form: Form = "html",
        language: Wording = None,
    ) -> Response:
        reason = reason_in(request.scope["headers"])
        letter = await write_letter(place.gate, principal, delivery_id, face=face, reveals=reveal, reason=reason)
        return await _answer(letter, form, language or language_of(request.scope, place.settings.language))

    @routes.get(
        "/v1/cases/{case}/proof",
        summary="When a case was sent where, and what was answered",
        responses={**PAGE, **refusals(*READING)},
        response_class=Response,
    )
    async def read_proof(
        case: str,
        principal: Annotated[Principal, Depends(reads_cases)],
        request: Request,
        form: Form = "html",
        language: Wording = None,
    ) -> Response:
        proof = await prove(place.gate, principal, case_ref(case), face=face)
        return await _answer(proof, form, language or language_of(request.scope, place.settings.language))

    return routes


async def _answer(about: Letter | Proof, form: str, language: Language) -> Response:
    headers = {"Content-Language": language, "Cache-Control": "no-store"}
    if form == "json":
        told = {name: value for name, value in asdict(about).items() if name != "face"}
        return Response(orjson.dumps(told), media_type="application/json", headers=headers)
    write = letter_page if isinstance(about, Letter) else proof_page
    page = await asyncio.to_thread(write, about, language)  # type: ignore[arg-type]
    return Response(
        page, media_type="text/html; charset=utf-8", headers={**headers, "Content-Security-Policy": _POLICY}
    )
