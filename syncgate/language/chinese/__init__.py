"""The one catalogue: Chinese by English template, sorted by where the sentences come from."""

from __future__ import annotations

from typing import Final

from syncgate.language.chinese import (
    alerts,
    arrivals,
    commands,
    comparing,
    databases,
    explaining,
    files,
    mappings,
    materials,
    mending,
    meter,
    outages,
    output,
    pieces,
    reconciling,
    records,
    reports,
    requests,
    returning,
    runs,
    store,
    systems,
)

PIECES: Final[dict[str, str]] = pieces.PIECES
SENTENCES: Final[dict[str, str]] = {
    **requests.SENTENCES,
    **store.SENTENCES,
    **files.SENTENCES,
    **mappings.SENTENCES,
    **systems.SENTENCES,
    **reconciling.SENTENCES,
    **databases.SENTENCES,
    **materials.SENTENCES,
    **meter.SENTENCES,
    **records.SENTENCES,
    **reports.SENTENCES,
    **comparing.SENTENCES,
    **runs.SENTENCES,
    **mending.SENTENCES,
    **output.SENTENCES,
    **explaining.SENTENCES,
    **alerts.SENTENCES,
    **returning.SENTENCES,
    **arrivals.SENTENCES,
    **outages.SENTENCES,
    **commands.SENTENCES,
}
