"""The route of sources' own records as the OpenAPI document has it."""

from __future__ import annotations

from typing import Any, Final

from syncgate.web import body as bodies
from syncgate.web.answers import WRITING, refusals
from syncgate.web.records import FORMAT_BY_MEDIA, PATH

Json = Any

_TEXT: Final = {"type": "string"}
_REFUSED: Final = {str(status): told for status, told in refusals(*WRITING).items()}
_SOURCE: Final = {"name": "source", "in": "path", "required": True, "description": "The source.", "schema": _TEXT}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body answers as the first time. Needed where records have no numbers.",
    "schema": {"type": "string", "maxLength": 255},
}
_LINE: Final = {"type": "integer", "minimum": 0, "description": "Where the record begins."}
_HELD: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["held", "problem"],
    "properties": {
        "held": {"type": "string", "format": "uuid", "description": "The arrival that keeps it."},
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
}
_RESULTS: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["arrival_id", "results"],
    "properties": {
        "arrival_id": {"type": "string", "format": "uuid"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["line", "status"],
                "properties": {"line": _LINE, "status": {"type": "integer"}},
                "anyOf": [
                    {"$ref": "#/components/schemas/Receipt"},
                    {"type": "object", "required": ["held", "problem"]},
                    {"type": "object", "required": ["problem"]},
                ],
            },
        },
    },
}
SCHEMAS: Final[dict[str, Json]] = {"HeldRecord": _HELD, "RecordResults": _RESULTS}


def _json(*names: str) -> Json:
    return {bodies.JSON: {"schema": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}}}


PATHS: Final[dict[str, dict[str, Json]]] = {
    PATH: {
        "post": {
            "tags": ["sources"],
            "operationId": "post_records",
            "summary": "Post a source's records in its own format, charset and words",
            "description": (
                "The body is kept before it is read. A body of one record is answered as a post of its case; one of "
                "several with a result a record. What a record cannot become is told in the source's own names; where "
                "the source's setting says `on_bad: hold`, it is kept, and taken in when what is wrong is mended."
            ),
            "parameters": [_SOURCE, _KEY],
            "requestBody": {
                "required": True,
                "description": "In the charset that the source's setting names.",
                "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in FORMAT_BY_MEDIA},
            },
            "responses": {
                "200": {
                    "description": "Nothing changed, or a result for each of several records.",
                    "content": _json("Receipt", "RecordResults"),
                },
                "202": {"description": "Stored, or held.", "content": _json("Receipt", "HeldRecord")},
                **_REFUSED,
            },
        }
    }
}
