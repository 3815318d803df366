"""A file that stands for a listing, taken in as it comes."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from syncgate.domain.errors import MalformedBody
from syncgate.domain.rows import Principal
from syncgate.flows.reconciling.exports import Export, Manifest, keep_export
from syncgate.records.settings import Settings
from syncgate.web import body as bodies
from syncgate.web.place import Place
from syncgate.web.streams import pieces, refuse_too_large, too_slow

EXPORT_MEDIA: Final = "application/octet-stream"
FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {EXPORT_MEDIA: {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""What a route that takes a file says in OpenAPI."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What is known of a file before it comes. owner: the system or source whose listing it is."""

    owner: str
    format_name: str
    settings: Settings
    manifest: Manifest | None = None


async def taken_in(place: Place, principal: Principal, request: Request, upload: Upload) -> Export:
    """The file once it is whole.

    Raises:
        BodyTooLarge: it is larger than is taken; nothing is kept. MalformedBody: a part of it came.
    """
    settings, headers = place.settings, request.scope["headers"]
    bodies.require_media(headers, EXPORT_MEDIA)
    refuse_too_large(headers, settings.export_limit)
    try:
        async with asyncio.timeout(settings.material_within.total_seconds()):
            return await keep_export(
                place.gate,
                principal,
                upload.owner,
                pieces(request.receive, settings.piece_within),
                format_name=upload.format_name,
                settings=upload.settings,
                size_at_most=settings.export_limit,
                manifest=upload.manifest,
            )
    except TimeoutError:
        raise too_slow(settings.material_within) from None
    except bodies.Disconnected:
        raise MalformedBody("expected the whole file, got a part of it") from None
