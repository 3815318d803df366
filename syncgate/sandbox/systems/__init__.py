"""The simulated systems of the example city, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncgate.sandbox.systems import food, frontdb, hotline, province, workorders
from syncgate.sandbox.systems.assignee import DESKS, Assignee
from syncgate.sandbox.systems.interface import System

BASES = {
    "province": province.BASE,
    "food": food.BASE,
    "workorders": workorders.BASE,
    "hotline": hotline.BASE,
    **{desk.name: desk.base for desk in DESKS},
}
"""The path below which each system publishes its interface."""

NAMES = (*BASES, *frontdb.RULES)
"""All of them; a front database publishes tables, and no interface over HTTP."""


def build(name: str, *, env: Mapping[str, str], catalogue: Collection[str] = ()) -> System:
    """A system that holds nothing yet.

    Args:
        name: One of BASES.
        env: Where its secrets are looked up (SANDBOX_PROVINCE_TOKEN, SANDBOX_PROVINCE_TIF_TOKEN,
            and SANDBOX_<NAME>_KEY of the others); each has a default for the sandbox.
        catalogue: Task codes that province knows beside its own.

    Raises:
        ValueError: there is no such system.
    """
    match name:
        case "province":
            return province.Province(
                token=env.get("SANDBOX_PROVINCE_TOKEN", "province-token"),
                tif_token=env.get("SANDBOX_PROVINCE_TIF_TOKEN", "province-tif-token"),
                catalogue=catalogue,
            )
        case "food":
            return food.Food(key=env.get("SANDBOX_FOOD_KEY", "food-key"))
        case "workorders":
            return workorders.Workorders(key=env.get("SANDBOX_WORKORDERS_KEY", "workorders-key"))
        case "hotline":
            return hotline.Hotline(key=env.get("SANDBOX_HOTLINE_KEY", "hotline-key"))
        case "urban" | "ecology":
            desk = next(desk for desk in DESKS if desk.name == name)
            return Assignee(desk, key=env.get(f"SANDBOX_{name.upper()}_KEY", f"{name}-key"))
        case _:
            raise ValueError(f"expected a system of {', '.join(BASES)}, got {name}")
