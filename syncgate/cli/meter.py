"""`syncgate meter`: what nobody had to type a second time, and what is still typed by hand."""

from __future__ import annotations

from typing import Any

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show, table

COLUMNS = ["system", "verified", "own", "by_hand", "duplicates", "spared", "verified_at"]
_STILL = ["system", "item", "count"]


def meter(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how many entries were spared, how many fields typed once were delivered, and what is still typed by hand.

    Example: syncgate meter
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/meter"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [table(found["systems"], COLUMNS), f"{found['spared']} entries that nobody typed a second time"]
    if found["hours"] is not None:
        lines.append(f"{found['hours']} hours, at {found['minutes_per_entry']:g} minutes an entry as the site says")
    sample = found["sample"]
    lines.append(
        f"of the newest {sample['cases']} cases {sample['typed']} fields were typed and {sample['delivered']} delivered"
    )
    if found["unread"]:
        lines.append(f"no record read back, so not counted: {', '.join(found['unread'])}")
    if found["still_typed"]:
        lines += [
            "still typed by hand:",
            table([one | {"count": one["records"]} for one in found["still_typed"]], _STILL),
        ]
    return lines
