"""Where a system makes a promise impossible, in words: what `syncgate check` and the console say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncgate.documents import Place, Problem
from syncgate.site.acknowledgements import is_never_asked_about
from syncgate.site.adapter import Adapter, AdapterMessage

_BY_HAND = {
    "hold": (
        "an unknown outcome waits for a person (promise 4): no look-up, no idempotency key and no duplicate "
        "probe is declared"
    ),
    "duplicate_probe": (
        "what the system holds cannot be read back: an unknown outcome is confirmed by sending the same "
        "payload again (promise 4), and a record altered there is not noticed"
    ),
    "idempotency_key": (
        "what the system holds cannot be read back: an unknown outcome is confirmed by sending again under "
        "the same key (promise 4), and a record altered there is not noticed"
    ),
}


def promise_warnings(adapter: Adapter, place_of: Callable[[int], Place]) -> Iterator[Problem]:
    """One warning per promise that a system cannot keep for some of its messages.

    Args:
        adapter: the system's adapter.
        place_of: where the n-th message stands.
    """
    for by, words in _BY_HAND.items():
        yield from _about(adapter, place_of, lambda message, by=by: adapter.confirm_of(message).by == by, words)  # type: ignore[misc]
    yield from _about(adapter, place_of, _cannot_show_absence(adapter), _ABSENCE)
    yield from _about(adapter, place_of, lambda message: is_never_asked_about(adapter, message), _NEVER_ASKED)
    yield from _about(adapter, place_of, lambda message: message.on_change == "hold", _CHANGE)
    yield from _about(adapter, place_of, lambda message: message.on_unplanned == "hold", _UNPLANNED)


_ABSENCE = (
    "no answer of the look-up means that the record is absent: an unknown outcome that did not arrive waits "
    "for a person (promise 4)"
)
_NEVER_ASKED = (
    "the system queues it and is not asked what became of it (acknowledged): only after 'final_after' is it confirmed "
    "that it holds it, and what it rejects is not noticed (promise 3)"
)
_CHANGE = (
    "a change of what was delivered cannot be sent: it is parked as correction_not_taken for a person "
    "(a case then differs from what the system holds)"
)
_UNPLANNED = "what was delivered cannot be taken back: a withdrawn case is parked for a person"


def _cannot_show_absence(adapter: Adapter) -> Callable[[AdapterMessage], bool]:
    def is_so(message: AdapterMessage) -> bool:
        confirm = adapter.confirm_of(message)
        return confirm.by == "look_up" and confirm.absent is None

    return is_so


def _about(
    adapter: Adapter, place_of: Callable[[int], Place], is_so: Callable[[AdapterMessage], bool], words: str
) -> Iterator[Problem]:
    positions = [position for position, message in enumerate(adapter.messages) if is_so(message)]
    if positions:
        names = ", ".join(adapter.messages[position].name for position in positions)
        yield Problem(place_of(positions[0]), f"{adapter.system}: {names}: {words}", "promise")
