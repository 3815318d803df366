"""Where each value of what a system is sent of a case comes from. Personal values are never shown here."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing import explain
from syncgate.flows.showing.views import CaseSummary
from syncgate.language import Language, in_language
from syncgate.mapping.explanation_document import document_of
from syncgate.web import body as bodies
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.place import Place
from syncgate.web.problems import language_of
from syncgate.web.refs import case_ref

_SUMMARY: Final = TypeAdapter(CaseSummary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The parameters that say what is to be explained, and under which bundle."""

    system: Annotated[str, Query(description="The system that it is sent to.")]
    message: Annotated[str, Query(description="One of the system's messages.")]
    part: Annotated[str, Query(description="Id of the stage or material, for a message that has parts.")] = ""
    bundle: Annotated[
        explain.Under,
        Query(
            description="newest: as the slot's newest delivery has it; active: the current revision under the active "
            "bundle."
        ),
    ] = "newest"


def router(place: Place) -> APIRouter:
    """The route of one gate."""
    routes = APIRouter(tags=["cases"])
    reads = caller(place, Action.READ_CASES)
    told: dict[int | str, dict[str, Any]] = {
        200: {"description": "Field by field.", "content": {bodies.JSON: {"schema": _ref("ExplainedPayload")}}}
    }

    @routes.get(
        "/v1/cases/{case}/explanation",
        summary="Where each value of a payload comes from, with personal values hidden",
        responses={**refusals(*READING), **told},
        response_class=Response,
    )
    async def explain_case(
        case: str,
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        slot: Annotated[Slot, Depends()],
    ) -> Response:
        wish = explain.Wish(system=slot.system, message=slot.message, part=slot.part, under=slot.bundle)
        explained = await explain.explain_case(place.gate, principal, case_ref(case), wish)
        return JSONResponse(_told(explained, wish, language_of(request.scope, place.settings.language)))

    return routes


def _told(explained: explain.Explained, wish: explain.Wish, language: Language) -> dict[str, Any]:
    delivery = explained.delivery
    return {
        "case": _SUMMARY.dump_python(explained.case, mode="json"),
        "system": wish.system,
        "message": wish.message,
        "part": wish.part,
        "delivery_id": str(delivery.delivery_id) if delivery is not None else None,
        "phase": delivery.phase.value if delivery is not None else None,
        "revision": explained.revision,
        "bundle": explained.bundle,
        "planned": explained.is_planned,
        "explanation": document_of(explained.explanation, say=partial(in_language, language=language)),
    }


# --- as OpenAPI describes it -----------------------------------------------------------------------------


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _object(required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """A closed object. required: the names that are always there."""
    told = {"type": "object", "additionalProperties": False, "required": required.split()}
    return {**told, "properties": properties}


_TEXT: Final = {"type": "string"}
_PLACE: Final = {"type": "string", "description": "File, line and column."}
_FATES: Final = ["filled", "left_out", "fault", "waits", "not_chosen"]
_GIVEN: Final[dict[str, dict[str, Any]]] = {
    "value": {"description": "A value that is not personal, or what people may see of a personal one."},
    "hidden": {"type": "string", "description": "There is a value that is not shown: what kind it is."},
    "count": {"type": "integer", "minimum": 0, "description": "Characters, items or keys of a hidden value."},
    "absent": {"const": True},
    "failed": {"type": "string", "description": "There is no value since this rule is broken."},
    "why": _TEXT,
    "waits_for": {"type": "string", "description": "There is no value until this system has answered."},
}

SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "ExplainedPayload": _object(
        "case system message part delivery_id phase revision bundle planned explanation",
        case=_ref("CaseSummary"),
        system=_TEXT,
        message=_TEXT,
        part=_TEXT,
        delivery_id={"type": ["string", "null"], "format": "uuid", "description": "The slot's newest delivery."},
        phase={"type": ["string", "null"], "description": "Its phase."},
        revision={"type": "integer", "minimum": 1, "description": "Which revision is explained."},
        bundle={"type": "string", "description": "Digest of the bundle that maps."},
        planned={"type": "boolean", "description": "Whether the adapter has it sent for this revision."},
        explanation=_ref("Explanation"),
    ),
    "Explanation": _object(
        "mapping place result fields",
        mapping=_TEXT,
        place=_PLACE,
        result={"enum": ["mapped", "faults", "waits"]},
        waits_for=_TEXT,
        fields=_list("ExplainedField"),
    ),
    "ExplainedField": _object(
        "field fate",
        field={"type": "string", "description": "Place in the payload, steps divided by `/`."},
        fate={"enum": _FATES},
        item={"type": "integer", "minimum": 1},
        where=_ref("ExplainedTest"),
        fault=_object(
            "rule path detail failed_at advice", rule=_TEXT, path=_TEXT, detail=_TEXT, failed_at=_PLACE, advice=_TEXT
        ),
        **{"from": _ref("ExplainedValue")},
    ),
    "ExplainedValue": _object(
        "operation detail place",
        operation=_TEXT,
        detail=_TEXT,
        place=_PLACE,
        read_at={"type": "array", "items": {"type": ["string", "integer"]}},
        of=_list("ExplainedValue"),
        tests=_list("ExplainedTest"),
        steps=_list("ExplainedStep"),
        made_of=_list("ExplainedField"),
        **_GIVEN,
    ),
    "ExplainedStep": _object(
        "step",
        step=_TEXT,
        detail=_TEXT,
        says=_TEXT,
        place=_PLACE,
        before=_ref("ExplainedGiven"),
        after=_ref("ExplainedGiven"),
    ),
    "ExplainedGiven": _object("", **_GIVEN),
    "ExplainedTest": _object(
        "condition holds place",
        condition=_TEXT,
        holds={"type": "boolean"},
        place=_PLACE,
        of=_list("ExplainedValue"),
        tests=_list("ExplainedTest"),
    ),
}
"""What the answer looks like, for OpenAPI."""
