"""What reconciliation saw in the place of what was delivered, and what the slot counts as holding since. Pure.

An observation is about the newest delivered of its slot, and ends with the next thing that happens to that one.
"""

from __future__ import annotations

from syncgate.domain.row import replace
from syncgate.domain.rows import Change, Delivery, Observed


def is_as_delivered(delivery: Delivery) -> bool:
    """Whether nothing else was seen in its place: what it carried is what the system holds, as far as is known."""
    return delivery.observed is None


def is_gone(delivery: Delivery) -> bool:
    """Whether the system was seen to hold nothing in its place: the slot is empty, and is filled anew."""
    return delivery.observed is Observed.ABSENT


def took_nothing_back(delivery: Delivery) -> bool:
    """Whether a retraction was seen to have left there what it should have taken back."""
    return delivery.change is Change.RETRACT and delivery.observed is Observed.PRESENT


def with_untold_content(delivery: Delivery) -> Delivery:
    """The delivery as one in whose place the system holds what nobody told us."""
    return replace(delivery, observed=Observed.DIFFERENT)
