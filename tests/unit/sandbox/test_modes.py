from __future__ import annotations

from collections import Counter

from syncgate.sandbox.modes import Modes, Switch


def draws(modes, times, operation="create"):
    found = (modes.draw(operation, is_read=False) for _ in range(times))
    return [switch.mode if switch else None for switch in found]


def test_no_mode_strikes_when_none_is_on():
    assert draws(Modes(), 5) == [None] * 5


def test_the_same_seed_draws_the_same_faults():
    def run(seed):
        modes = Modes(seed)
        modes.switch_on(Switch("hang", share=0.3))
        modes.switch_on(Switch("slow", share=0.3))
        return draws(modes, 200)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_seeding_begins_the_sequence_anew():
    modes = Modes(3)
    modes.switch_on(Switch("hang", share=0.5))
    first = draws(modes, 50)
    modes.seed(3)
    assert draws(modes, 50) == first


def test_several_modes_share_the_requests_as_asked():
    modes = Modes(5)
    modes.switch_on(Switch("hang", share=0.2))
    modes.switch_on(Switch("slow", share=0.5))
    found = Counter(draws(modes, 5000))
    assert abs(found["hang"] / 5000 - 0.2) < 0.03
    assert abs(found["slow"] / 5000 - 0.5) < 0.03


def test_a_counted_mode_ends_by_itself():
    modes = Modes()
    modes.switch_on(Switch("refuse", count=2))
    assert draws(modes, 4) == ["refuse", "refuse", None, None]
    assert modes.to_json() == []


def test_a_mode_meant_for_other_operations_draws_nothing():
    modes = Modes()
    modes.switch_on(Switch("hang", operations=("read",)))
    assert draws(modes, 3) == [None] * 3


def test_the_same_mode_for_the_same_operations_is_replaced():
    modes = Modes()
    for share in (0.1, 0.9):
        modes.switch_on(Switch("hang", share=share))
    modes.switch_on(Switch("hang", share=0.5, operations=("read",)))
    assert [m["share"] for m in modes.to_json()] == [0.9, 0.5]
