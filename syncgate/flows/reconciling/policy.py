"""What an adapter says about a discrepancy: of its class, and of the fields that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syncgate.domain.reconciliation.kinds import Action, Kind
from syncgate.site.readback import ReadListing

MENDED: Final = frozenset({Action.RESEND, Action.RETRACT, Action.ACCEPT, Action.CONFIRM})
"""What is done without asking anybody; the others leave a discrepancy as it is."""
_BY_FIELD: Final = frozenset({Kind.EDITED_THERE, Kind.NORMALISED_THERE})


def action_of(listing: ReadListing, message: str, kind: Kind, fields: Iterable[str] = ()) -> Action:
    """What is to be done about a discrepancy of this class.

    Of several edited fields those that are ignored do not count; where the others are to be treated differently, a
    person decides.

    Args:
        listing: where it was found.
        message: whose record it is.
        kind: its class.
        fields: names of the fields that differ.
    """
    of_class = listing.policy[kind]
    if kind not in _BY_FIELD:
        return of_class
    actions = {listing.field_policy.get((message, name), of_class) for name in fields} or {of_class}
    left = actions - {Action.IGNORE}
    if not left:
        return Action.IGNORE
    return left.pop() if len(left) == 1 else Action.ASK
