"""What is still wanted of legs that a case went on without: nothing new, and an end of what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncgate.domain.plan import Message, Planned
from syncgate.domain.replan import Slot, SlotName, what_may_be_held
from syncgate.domain.row import replace


def still_wanted(
    wanted: Sequence[Planned], slots: Mapping[SlotName, Slot], messages: Mapping[str, Message]
) -> list[Planned]:
    """The plan without what only a leg that is over asks for.

    What of such a leg was never sent is not wanted any more. What may be held stays as it is, whatever changed since;
    it is closed by the message that closes it, and that message is for nothing else.

    Args:
        wanted: the plan, each slot's digest taken under the bundle that its newest delivery used.
        slots: what the lane has, as `slots_of` tells.
        messages: by name.
    """
    found = (_still(planned, slots, messages.get(planned.message)) for planned in wanted)
    return [planned for planned in found if planned is not None]


def _still(planned: Planned, slots: Mapping[SlotName, Slot], message: Message | None) -> Planned | None:
    if not planned.is_over or message is None:
        return planned
    if message.closes is not None:
        return planned if _held(slots, message.closes, planned.part) is not None else None
    held = _held(slots, planned.message, planned.part)
    return None if held is None else replace(planned, input_mac=held)


def _held(slots: Mapping[SlotName, Slot], message: str, part: str) -> bytes | None:
    """The digest of what the slot may hold; None where it surely holds nothing."""
    slot = slots.get((message, part))
    held = None if slot is None else what_may_be_held(slot)
    return None if held is None else held.input_mac
