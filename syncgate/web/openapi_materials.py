"""The routes of materials as the OpenAPI document has them."""

from __future__ import annotations

from typing import Any, Final

from syncgate.flows.links import PATH as LINKS
from syncgate.web import body as bodies
from syncgate.web.answers import READING, WRITING, refusals

Json = Any


def _in(place: str, name: str, description: str, *, required: bool) -> Json:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


_CASE: Final = _in("path", "case", "A case_id, or `system:number`, percent-encoded.", required=True)
_MATERIAL: Final = _in("path", "material", "Id of one of the case's materials.", required=True)
_TOKEN: Final = _in("path", "token", "As a system got it in a payload.", required=True)
_SOURCE: Final = _in("header", "X-Source", "The source that posts; needed where the key has several.", required=False)
_DIGEST: Final = _in("header", "Content-Digest", "`sha-256=:…:` (RFC 9530); verified.", required=False)
_REASON: Final = _in(
    "header",
    "X-Reason",
    "Why; kept in the audit. Needed by all but the source that posted the case. UTF-8, percent-encoded.",
    required=False,
)
_ANY: Final = {"schema": {"type": "string", "format": "binary"}}


def _refused(*statuses: int) -> Json:
    return {str(status): told for status, told in refusals(*statuses).items()}


def _stored(description: str) -> Json:
    schema = {"$ref": "#/components/schemas/StoredMaterial"}
    return {"description": description, "content": {bodies.JSON: {"schema": schema}}}


_FILE: Final = {
    "description": "The file.",
    "content": {"*/*": _ANY},
    "headers": {
        "Content-Digest": {"description": "Its SHA-256 (RFC 9530).", "schema": {"type": "string"}},
        "Content-Length": {"description": "Its size.", "schema": {"type": "integer"}},
    },
}


def _read(operation: Json) -> dict[str, Json]:
    """A reading operation, and the same without a body."""
    head = {**operation, "operationId": f"{operation['operationId']}_head", "summary": "The same without a body"}
    return {"get": operation, "head": head}


PATHS: Final[dict[str, dict[str, Json]]] = {
    "/v1/cases/{case}/materials/{material}": {
        "put": {
            "tags": ["materials"],
            "operationId": "put_material",
            "summary": "Bring the bytes of a material",
            "description": (
                "Verified against the material's size, sha256 and media_type in the case, where it has them; every "
                "mismatch is told at once and nothing is stored. What waited for these bytes is sent."
            ),
            "parameters": [_CASE, _MATERIAL, _SOURCE, _DIGEST],
            "requestBody": {"required": True, "content": {"*/*": _ANY}},
            "responses": {
                "200": _stored("The same bytes were stored already."),
                "201": _stored("Stored."),
                **_refused(*WRITING),
            },
        },
        **_read(
            {
                "tags": ["materials"],
                "operationId": "read_material",
                "summary": "The file of a material",
                "parameters": [_CASE, _MATERIAL, _REASON],
                "responses": {"200": _FILE, **_refused(400, *READING)},
            }
        ),
    },
    LINKS + "{token}": _read(
        {
            "tags": ["materials"],
            "operationId": "read_linked_material",
            "summary": "The file that a link opens, without a key",
            "parameters": [_TOKEN],
            "responses": {"200": _FILE, **_refused(404, 500, 503)},
        }
    ),
}

_TEXT: Final = {"type": "string"}
_PLACED: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["delivery_id", "system", "message", "part", "phase"],
    "properties": {
        "delivery_id": {"type": "string", "format": "uuid"},
        "system": _TEXT,
        "message": _TEXT,
        "part": _TEXT,
        "phase": _TEXT,
    },
}

SCHEMAS: Final[dict[str, Json]] = {
    "StoredMaterial": {
        "type": "object",
        "additionalProperties": False,
        "required": ["case_id", "case_no", "material", "size", "sha256", "media_type", "unchanged", "deliveries"],
        "properties": {
            "case_id": {"type": "string", "format": "uuid"},
            "case_no": _TEXT,
            "material": _TEXT,
            "size": {"type": "integer", "minimum": 0},
            "sha256": {"type": "string", "description": "Hexadecimal."},
            "media_type": _TEXT,
            "unchanged": {"type": "boolean", "description": "Whether the same bytes were stored already."},
            "deliveries": {
                "type": "array",
                "items": _PLACED,
                "description": "What waited for these bytes and is sent now.",
            },
        },
    }
}
