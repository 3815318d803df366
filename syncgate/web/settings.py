"""What the REST surface is told at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Limits and habits of the REST surface.

    Attributes:
        body_limit: bytes of one body.
        depth_limit: levels of nesting of one body.
        body_within: how long one body may take to arrive.
        piece_within: how long a batch may pause between two pieces.
        material_limit: bytes of one material's file.
        material_within: how long one may take to arrive.
        export_limit: bytes of one file that stands for a listing.
        lines_under_way: lines of one batch that are taken side by side.
        results_held: bytes of results that wait for a batch's caller before no more of its lines are read.
        language: what messages are in where a caller asks for none.
        key_remembered_for: how long a known key is believed without asking the store again.
        local_token: accepted from the command line of the same machine, which can read it; None: none is.
        version: of the product, as OpenAPI states it.
        site_title: what the deployment is called, by language. time_zone: in which its reports show times.
        minutes_per_entry: what one entry takes, as the site says; None: it says nothing.
    """

    body_limit: int = 1024**2
    depth_limit: int = 32
    body_within: timedelta = timedelta(seconds=30)
    piece_within: timedelta = timedelta(seconds=60)
    material_limit: int = 100 * 1024**2
    material_within: timedelta = timedelta(minutes=10)
    export_limit: int = 1024**3
    lines_under_way: int = 64
    results_held: int = 2 * 1024**2
    language: Language = "zh"
    key_remembered_for: timedelta = timedelta(seconds=1)
    local_token: str | None = field(default=None, repr=False)
    version: str = "0.1.0"
    site_title: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "Asia/Shanghai"
    minutes_per_entry: float | None = None
