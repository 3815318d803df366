"""What a delivery's row keeps of what other systems called things says the same when it is read again (promise 4)."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.flows.delivering.numbers import refs_read, refs_to_keep
from syncgate.mapping import Refs
from tests.support.rows import a_delivery

SYSTEMS = ("food", "hall", "window")
_systems = st.sampled_from(SYSTEMS)
_named = st.sets(_systems)
_messages = st.none() | st.sampled_from(["basic", "done", "step/s1"]) | st.text()
_refs = st.builds(
    Refs,
    remote_ref=st.dictionaries(st.tuples(_systems, _messages), st.text(), max_size=8),
    case_ref=st.dictionaries(_systems, st.text()),
)


def only(refs: Refs, systems: set[str]) -> Refs:
    return Refs(
        remote_ref={key: number for key, number in refs.remote_ref.items() if key[0] in systems},
        case_ref={system: number for system, number in refs.case_ref.items() if system in systems},
    )


@given(phase=st.sampled_from(sorted({*MAYBE_SENT, Phase.DELIVERED})), then=_refs, now=_refs, named=_named)
def test_what_was_kept_of_the_named_systems_is_read_as_it_was(
    phase: Phase, then: Refs, now: Refs, named: set[str]
) -> None:
    """What came since is not read: then there was none."""
    delivery = a_delivery(UUID(int=1), phase=phase, sent_refs=refs_to_keep(then, named))
    assert refs_read(delivery, now) == (only(then, named) if named else now)


@given(phase=st.sampled_from(sorted({*Phase} - {*MAYBE_SENT, Phase.DELIVERED})), then=_refs, now=_refs)
def test_what_is_not_there_is_mapped_with_the_names_of_now(phase: Phase, then: Refs, now: Refs) -> None:
    assert refs_read(a_delivery(UUID(int=1), phase=phase, sent_refs=refs_to_keep(then, SYSTEMS)), now) == now


@given(refs=_refs, named=_named)
def test_the_same_names_are_kept_in_the_same_words_whatever_their_order(refs: Refs, named: set[str]) -> None:
    turned = Refs(dict(reversed(refs.remote_ref.items())), dict(reversed(refs.case_ref.items())))
    assert refs_to_keep(turned, named) == refs_to_keep(refs, named)
