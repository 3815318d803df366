"""The first look over both sides says what the join of both says, whatever way is taken for what is usual."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.join import NO_REF, Look, Role, look_at, merge_join
from syncgate.flows.reconciling.first_look import REMAPPED_SIZE, SEEN_SIZE, look_first, same_by_number
from syncgate.flows.reconciling.ours import IS_MAPPED_OTHERWISE, IS_OBSERVED, OUR_SIZE, case_of, delivery_of
from syncgate.flows.reconciling.spill import Spill

THEIR_SIZE = 64
FLAGS = (0, 0, 0, IS_MAPPED_OTHERWISE, IS_OBSERVED, IS_MAPPED_OTHERWISE | IS_OBSERVED)
ROLES = (Role.EXPECTED, Role.EXPECTED, Role.EXPECTED, *Role)
_digests = st.integers(0, 1).map(lambda no: bytes([no]) * 16)
_keys = st.integers(0, 30).map(lambda no: bytes([no]) * 16)
_ids = st.binary(min_size=32, max_size=32)
_ours = st.builds(
    lambda key, mac, role, number, flags, ids: key + mac + bytes((role, number, flags)) + ids,
    _keys,
    _digests,
    st.sampled_from(ROLES),
    st.integers(0, 1),
    st.sampled_from(FLAGS),
    _ids,
)
_theirs = st.builds(
    lambda key, first, ref, at, second: key + first + ref + at.to_bytes(8, "big") + second,
    _keys,
    _digests,
    st.sampled_from([NO_REF, b"r" * 8]),
    st.integers(0, 9),
    _digests,
)


def a_spill(folder: Path, name: str, size: int, entries: list[bytes]) -> Spill:
    spill = Spill(folder, name, size=size, at_once=5, fence=2)
    spill.add(entries)
    return spill


@given(
    st.lists(_ours, unique_by=lambda entry: entry[:16]) | st.lists(_ours),
    st.lists(_theirs, unique_by=lambda entry: entry[:16]) | st.lists(_theirs),
)
def test_what_is_told_at_a_glance_is_what_the_join_tells(mine: list[bytes], other: list[bytes]) -> None:
    groups = list(merge_join(sorted(mine), sorted(other)))
    looks = [(group, look_at(group, same_by_number)) for group in groups]
    right = [e for group, look in looks if look is Look.VERIFIED for e in group.ours if e[32] == Role.EXPECTED]
    with TemporaryDirectory() as made:
        folder = Path(made)
        seen, remapped = a_spill(folder, "seen", SEEN_SIZE, []), a_spill(folder, "remapped", REMAPPED_SIZE, [])
        ours, theirs = a_spill(folder, "ours", OUR_SIZE, mine), a_spill(folder, "theirs", THEIR_SIZE, other)
        found = look_first(ours, theirs, seen=seen, remapped=remapped)
        assert list(seen.sorted()) == sorted(case_of(entry).bytes + b"\1" for entry in right)
        assert list(remapped.sorted()) == sorted(
            case_of(entry).bytes + delivery_of(entry).bytes for entry in right if entry[34] & IS_MAPPED_OTHERWISE
        )
    assert found.verified == len(right)
    assert found.repeated == sum(group.repeated_count for group in groups)
    assert [(one.key, one.look) for one in found.candidates] == [
        (group.key, look) for group, look in looks if look.is_suspicion
    ]
    assert found.again_right == [delivery_of(entry) for entry in right if entry[34] & IS_OBSERVED]
