"""The OpenAPI 3.1 document: FastAPI's own, and by hand what the raw routes take and answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from syncgate.domain.delivery import OF_ITS_OWN, Phase
from syncgate.web import body as bodies
from syncgate.web import openapi_materials as materials
from syncgate.web import openapi_records as records
from syncgate.web.answers import WRITING, Asked, refusals
from syncgate.web.arrivals import ReplayAllAsked, ReplayAsked
from syncgate.web.deliveries import ConfirmAsked, ReasonAsked
from syncgate.web.discrepancies import RepairAsked
from syncgate.web.duplicates import TellApartAsked
from syncgate.web.explanations import SCHEMAS as EXPLANATION
from syncgate.web.holds import HoldAsked
from syncgate.web.keys import KeyAsked
from syncgate.web.maintenance import MaintenanceAsked
from syncgate.web.materials import LINK_PATH
from syncgate.web.place import Place
from syncgate.web.reconciliations import RunAsked
from syncgate.web.replans import ReplanAsked, ReplanFilter
from syncgate.web.requeues import FailedAsked, RequeueAsked
from syncgate.web.returns import SendBackAsked

Json = Any
OPEN: Final = frozenset({"/livez", "/readyz", "/openapi.json", "/docs", LINK_PATH})
"""Paths that need no key."""
_CHANGING: Final = (*WRITING, 412)


def describe(app: FastAPI, place: Place) -> None:
    """Makes the app's `openapi()` complete."""

    def openapi() -> dict[str, Json]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, place)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, place: Place) -> dict[str, Json]:
    document = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes)
    document["info"]["description"] = (
        "A case is typed once, and every system that needs it holds it, provably. "
        "Errors are RFC 9457 problems with a stable `code`."
    )
    for path, operations in _submission_paths().items():
        document["paths"].setdefault(path, {}).update(operations)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_schemas(place.gate.schema.document))
    for model in (
        ReasonAsked,
        ConfirmAsked,
        HoldAsked,
        MaintenanceAsked,
        ReplanAsked,
        ReplanFilter,
        FailedAsked,
        RequeueAsked,
        SendBackAsked,
        KeyAsked,
        RunAsked,
        RepairAsked,
        ReplayAsked,
        ReplayAllAsked,
        TellApartAsked,
    ):
        schemas[model.__name__] = _model(model)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN else [{"bearer": []}, {"key": []}]
    return document


def _model(model: type[Asked]) -> Json:
    schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
    return {key: value for key, value in schema.items() if key != "$defs"}


def _schemas(case: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "Case": _rebased({key: value for key, value in case.items() if key not in ("$schema", "$id")}),
        "Receipt": _RECEIPT,
        "Withdrawal": _WITHDRAWAL,
        "Merging": _MERGING,
        "WithdrawalReceipt": {
            "allOf": [
                _ref("Receipt"),
                {
                    "type": "object",
                    "required": ["in_flight"],
                    "properties": {
                        "in_flight": {
                            "type": "integer",
                            "minimum": 0,
                            "description": "How many deliveries of the case were already under way.",
                        }
                    },
                },
            ]
        },
        "WaitingReceipt": _WAITING_RECEIPT,
        "LineResult": _LINE_RESULT,
        "CheckedCase": _CHECKED_CASE,
        "Problem": _PROBLEM,
        "BrokenField": _BROKEN_FIELD,
        **EXPLANATION,
        **materials.SCHEMAS,
        **records.SCHEMAS,
    }


def _rebased(node: Json) -> Json:
    """The schema with its references pointing at its new place inside the document."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/Case/$defs/")
            if key == "$ref" and isinstance(value, str)
            else _rebased(value)
            for key, value in node.items()
        }
    return [_rebased(entry) for entry in node] if isinstance(node, list) else node


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(name: str, description: str, **schema: Json) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_SOURCE: Final = _header("X-Source", "The source that posts; needed where the key has several.")
_KEY: Final = _header("Idempotency-Key", "The same key with the same body answers as the first time.", maxLength=255)
_IF_MATCH: Final = _header("If-Match", 'The revision that is to be changed: `"3"`.')
_CASE: Final = {
    "name": "case",
    "in": "path",
    "required": True,
    "description": "A case_id, or `system:number`, percent-encoded.",
    "schema": {"type": "string"},
}


def _submission_paths() -> dict[str, dict[str, Json]]:
    stages = {
        "oneOf": [
            {"$ref": "#/components/schemas/Case/$defs/stage"},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["stages"],
                "properties": {
                    "stages": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"$ref": "#/components/schemas/Case/$defs/stage"},
                    }
                },
            },
        ]
    }
    patch = {"type": "object", "description": "A merge patch (RFC 7396) of a case."}
    change = [_CASE, _SOURCE, _KEY, _IF_MATCH]
    return {
        "/v1/cases": {
            "post": _operation("post_case", "Post a case", {bodies.JSON: _ref("Case")}, [_SOURCE, _KEY, _IF_MATCH])
        },
        "/v1/cases:batch": {"post": _batch()},
        "/v1/cases:check": {"post": _check()},
        "/v1/cases/{case}": {
            "put": _operation("put_case", "Replace a case's content", {bodies.JSON: _ref("Case")}, change),
            "patch": _operation("patch_case", "Change a case", {bodies.MERGE_PATCH: patch, bodies.JSON: patch}, change),
        },
        "/v1/cases/{case}/stages": {
            "post": _or_waiting(_operation("append_stages", "Append stages to a case", {bodies.JSON: stages}, change))
        },
        "/v1/cases/{case}/withdraw": {"post": _or_waiting(_ending("withdraw", change))},
        "/v1/cases/{case}/void": {"post": _ending("void", change)},
        "/v1/cases/{case}/reopen": {"post": _ending("reopen", change)},
        "/v1/cases/{case}/merge": {"post": _ending("merge", change, body="Merging")},
        **materials.PATHS,
        **records.PATHS,
    }


def _or_waiting(operation: Json) -> Json:
    """The operation, which may also be answered with where what it says waits for its case."""
    stored = operation["responses"]["202"]
    schemas = [stored["content"][bodies.JSON]["schema"], _ref("WaitingReceipt")]
    told = stored | {
        "description": f"{stored['description']} Or kept until its case comes: nobody knows that number of the source.",
        "content": {bodies.JSON: {"schema": {"anyOf": schemas}}},
    }
    operation["responses"]["202"] = told
    return operation


def _batch() -> Json:
    refused = {str(status): told for status, told in refusals(*WRITING).items()}
    for inner in ("404", "409", "413"):
        refused.pop(inner)
    return {
        "tags": ["cases"],
        "operationId": "post_cases",
        "summary": "Post many cases, one a line",
        "description": (
            "Each line is taken as if it had been posted alone; a bad line fails alone. The answer holds a result for "
            "every line that is not blank, in the order of the lines, and is streamed while the request still comes: "
            "read while you write. An answer without its last piece is broken off; what has no result may not have "
            "been taken."
        ),
        "parameters": [_SOURCE],
        "requestBody": {
            "required": True,
            "description": "UTF-8; one canonical case a line, each within the limits of a body.",
            "content": {bodies.NDJSON: {"schema": _ref("Case")}},
        },
        "responses": {
            "200": {
                "description": "A result a line.",
                "content": {bodies.NDJSON: {"schema": _ref("LineResult")}},
            },
            **refused,
        },
    }


def _check() -> Json:
    refused = {str(status): told for status, told in refusals(*_CHANGING).items()}
    refused.pop("404")
    return {
        "tags": ["cases"],
        "operationId": "check_case",
        "summary": "What posting this case would do now",
        "description": "Nothing is stored; a refusal leaves no trace. An invalid case gets the problem of the post.",
        "parameters": [_SOURCE, _IF_MATCH],
        "requestBody": {"required": True, "content": {bodies.JSON: {"schema": _ref("Case")}}},
        "responses": {
            "200": {"description": "What would happen.", "content": {bodies.JSON: {"schema": _ref("CheckedCase")}}},
            **refused,
        },
    }


_ENDINGS: Final = {
    "withdraw": (
        "Withdraw a case",
        "What was never sent of it is cancelled, what may be held is taken back as its system's adapter declares. "
        "A second withdrawal changes nothing. An operator withdraws for the source that posted the case first.",
    ),
    "void": (
        "Void a case that was posted in error",
        "As a withdrawal, also of a case that came to its end. A second voiding changes nothing.",
    ),
    "reopen": (
        "Take a withdrawn, voided or finished case up again",
        "What is planned again is sent again. An open case is left as it is.",
    ),
    "merge": (
        "Merge a case into another one",
        "The other one survives, and its receipt is answered. What was never sent of the first is cancelled, what may "
        "be held is taken back as its system's adapter declares. Every name of the first leads to the other from then "
        "on. Merging once more changes nothing.",
    ),
}


def _ending(name: str, parameters: list[Json], *, body: str = "Withdrawal") -> Json:
    summary, description = _ENDINGS[name]
    operation = _operation(f"{name}_case", summary, {bodies.JSON: _ref(body)}, parameters)
    operation["description"] = description
    receipt = operation["responses"]["202"] | {"description": "Done."}
    receipt["content"] = {bodies.JSON: {"schema": _ref("WithdrawalReceipt")}}
    unchanged = operation["responses"]["200"] | {"description": "It was so before; nothing changed."}
    operation["responses"] |= {"202": receipt, "200": unchanged | {"content": receipt["content"]}}
    return operation


def _operation(name: str, summary: str, media: dict[str, Json], parameters: list[Json]) -> Json:
    receipt = {
        "content": {bodies.JSON: {"schema": _ref("Receipt")}},
        "headers": {
            "Location": {"description": "Where the case is.", "schema": {"type": "string"}},
            "ETag": {"description": "The revision, as If-Match takes it.", "schema": {"type": "string"}},
        },
    }
    refused = {str(status): told for status, told in refusals(*_CHANGING).items()}
    return {
        "tags": ["cases"],
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in media.items()},
        },
        "responses": {
            "200": {"description": "The content is that of the current revision; nothing changed.", **receipt},
            "202": {"description": "Stored, and its deliveries planned.", **receipt},
            **refused,
        },
    }


_TEXT: Final = {"type": "string"}
_UUID: Final = {"type": "string", "format": "uuid"}

_BROKEN_FIELD: Final = {
    "type": "object",
    "required": ["pointer", "title", "rule", "expected", "message"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON Pointer of the field (RFC 6901)."},
        "title": {"type": "string", "description": "The field's title in the caller's language."},
        "rule": {"type": "string", "description": "Stable name of the broken rule."},
        "expected": {"type": "string", "description": "What the rule wants; never what came."},
        "message": {"type": "string", "description": "The rule in the caller's language."},
    },
}

_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what a program decides by."},
        "detail": _TEXT,
        "errors": {"type": "array", "items": _ref("BrokenField")},
        "id": {"type": "string", "description": "Of an error of ours: what to look for in the log."},
    },
}

_WITHDRAWAL: Final[dict[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reason"],
    "properties": {
        "reason": {"type": "string", "minLength": 1, "maxLength": 2000},
        "by": {"type": "string", "minLength": 1, "maxLength": 100, "description": "Who did it."},
        "at": {
            "type": "string",
            "format": "date-time",
            "description": "When it was done, with offset; left out: now.",
        },
    },
}

_MERGING: Final = {
    **_WITHDRAWAL,
    "required": ["into", "reason"],
    "properties": {
        "into": {"type": "string", "description": "The case that survives: a case_id, or `system:number`."},
        **_WITHDRAWAL["properties"],
    },
}

_RECEIPT: Final[dict[str, Json]] = {
    "type": "object",
    "required": ["case_id", "case_no", "revision", "receipt", "deliveries", "warnings"],
    "properties": {
        "case_id": _UUID,
        "case_no": _TEXT,
        "revision": {"type": "integer", "minimum": 1},
        "receipt": _TEXT,
        "unchanged": {"type": "boolean", "const": True},
        "deliveries": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["delivery_id", "system", "message", "part", "phase"],
                "properties": {
                    "delivery_id": _UUID,
                    "system": _TEXT,
                    "message": _TEXT,
                    "part": {"type": "string", "description": "Id of the stage or material."},
                    "phase": {"type": "string", "enum": [phase.value for phase in Phase]},
                    "reason": {
                        "type": "string",
                        "enum": sorted(OF_ITS_OWN),
                        "description": "Left out unless the system holds this of its own accord.",
                    },
                },
            },
        },
        "warnings": {"type": "array", "items": _ref("BrokenField")},
    },
}

_LINE: Final = {"type": "integer", "minimum": 1, "description": "Number of the line, blank ones counted."}

_LINE_RESULT: Final = {
    "oneOf": [
        {
            "type": "object",
            "required": ["line", "status", *_RECEIPT["required"]],
            "properties": {"line": _LINE, "status": {"enum": [200, 202]}, **_RECEIPT["properties"]},
        },
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["line", "status", "problem"],
            "properties": {"line": _LINE, "status": {"type": "integer", "minimum": 400}, "problem": _ref("Problem")},
        },
    ]
}

_FAULT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["field", "pointer", "title", "rule", "expected"],
    "properties": {
        "field": {"type": "string", "description": "Place in the system's payload, steps divided by `/`."},
        "pointer": {"type": "string", "description": "JSON Pointer of the case's field, or empty."},
        "title": {"type": "string", "description": "The field's title, or empty."},
        "rule": {"type": "string", "description": "Stable name of the broken rule."},
        "expected": {"type": "string", "description": "What the system's contract wants; never what came."},
    },
}

_EXPECTED: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["system", "message", "part", "phase", "changes", "reason", "actor", "waits_for", "faults"],
    "properties": {
        "system": _TEXT,
        "message": _TEXT,
        "part": {"type": "string", "description": "Id of the stage or material."},
        "phase": {"type": "string", "enum": [phase.value for phase in Phase]},
        "changes": {"type": "boolean", "description": "Whether the post would queue, change or cancel it."},
        "reason": {"type": "string", "description": "Why it is or would be parked."},
        "actor": {"type": "string", "description": "Who must act."},
        "waits_for": {"type": ["string", "null"], "description": "The system whose number it needs first."},
        "faults": {"type": "array", "items": _FAULT},
    },
}

_WAITING_RECEIPT: Final[Json] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["arrival_id", "waits_for", "since"],
    "properties": {
        "arrival_id": {"type": "string", "format": "uuid", "description": "Where it is kept."},
        "waits_for": {"type": "string", "description": "The case, as `system:number`."},
        "since": {"type": "string", "format": "date-time"},
    },
}
_CHECKED_CASE: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["case_id", "case_no", "revision", "unchanged", "joins", "deliveries", "warnings"],
    "properties": {
        "case_id": {"type": ["string", "null"], "format": "uuid", "description": "Null for a new case."},
        "case_no": _TEXT,
        "revision": {"type": "integer", "minimum": 1, "description": "That the case would have then."},
        "unchanged": {"type": "boolean", "description": "Whether the post would change nothing."},
        "joins": {"type": "boolean", "description": "Whether it would join a known case under a new number."},
        "deliveries": {"type": "array", "items": _EXPECTED},
        "warnings": {"type": "array", "items": _ref("BrokenField")},
    },
}
