"""What a system's mode makes of what is planned for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Delivery

TYPED_BY_HAND: Final = "typed_by_hand"
ONLY_CHECKED: Final = "only_checked"
NOT_IN_USE: Final = "system_not_in_use"
LIVE: Final = "live"
"""The only mode in which a system is sent anything."""
SET_ASIDE_BY_MODE: Final[Mapping[str, str]] = {
    "manual": TYPED_BY_HAND,
    "shadow": ONLY_CHECKED,
    "draft": NOT_IN_USE,
    "retired": NOT_IN_USE,
}
"""Why what waits for a system of this mode is parked: no change of the mode sends it (promise 13)."""


def was_set_aside(delivery: Delivery) -> bool:
    """Whether it is parked only because of the mode that its system had when it was planned."""
    return delivery.phase is Phase.PARKED and delivery.reason in SET_ASIDE_BY_MODE.values()
