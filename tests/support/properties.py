"""How many examples a property is tried with: all of them, or few where a quick answer is wanted."""

from __future__ import annotations

import os

from hypothesis import settings

IS_QUICK = os.environ.get("SYNCGATE_TEST_EXAMPLES") == "few"
"""Set by `make check`; `make test` tries them all."""


def examples(count: int = 100, *, steps: int = 20) -> settings:
    """Settings for one property: so many examples, judged by what is decided, never by how fast.

    Args:
        count: how many examples; a fifth of them where few are wanted.
        steps: of each history, for a state machine.
    """
    return settings(max_examples=count // 5 if IS_QUICK else count, stateful_step_count=steps, deadline=None)
