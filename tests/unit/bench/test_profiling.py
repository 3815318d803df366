"""A sampled stack belongs to the step whose time it is."""

from __future__ import annotations

import pytest

from tests.bench.profiling import Profile, read, step_of

LOOP = ("<module> (syncgate/__main__.py:6)", "run_forever (asyncio/base_events.py:1)")
WRITER = ("run (threading.py:982)", "GroupWriter._work (syncgate/storage/writer.py:90)")
SETTLE = (*WRITER, "settle (syncgate/flows/delivering/settle.py:9)")


@pytest.mark.parametrize(
    ("stack", "step"),
    [
        (LOOP, "event loop"),
        ((*LOOP, "run_asgi (uvicorn/protocols/http/httptools_impl.py:4)"), "HTTP in"),
        ((*LOOP, "post (syncgate/web/submissions.py:4)", "check (syncgate/site/canonical.py:5)"), "validate"),
        ((*LOOP, "send (syncgate/flows/delivering/send.py:1)", "holds (syncgate/site/contract.py:5)"), "contract"),
        ((*LOOP, "mapped (syncgate/flows/delivering/mapping.py:1)", "a (syncgate/mapping/mapping.py:5)"), "map"),
        ((*LOOP, "request (syncgate/transports/rest/fast.py:1)", "dumps (json/__init__.py:5)"), "send"),
        (SETTLE, "settle"),
        ((*SETTLE, "inputs_of (syncgate/mapping/mapping.py:5)"), "settle: plan"),
        (WRITER, "writer: rows"),
        ((*SETTLE, "seal (syncgate/storage/sealing.py:3)", "digest (hmac.py:1)"), "settle: seal"),
        ((*SETTLE, "bind (syncgate/storage/statement.py:3)"), "settle: rows"),
        (
            (*SETTLE, "run (syncgate/storage/work.py:3)", "Work.run.<locals>.<lambda> (syncgate/storage/work.py:4)"),
            "settle: SQL",
        ),
        ((*WRITER, "SqliteEngine.commit (syncgate/storage/engine.py:161)"), "commit"),
    ],
)
def test_a_stack_belongs_to_the_innermost_step(stack: tuple[str, ...], step: str) -> None:
    assert step_of(stack) == step


def test_threads_that_only_wait_are_not_counted() -> None:
    lines = [
        "run (threading.py:982);_worker (concurrent/futures/thread.py:81) 40\n",
        "a (syncgate/web/app.py:1);b (json/decoder.py:2) 3\n",
        "a (syncgate/web/app.py:1);b (json/decoder.py:2) 4\n",
    ]
    assert read(lines) == {("a (syncgate/web/app.py:1)", "b (json/decoder.py:2)"): 7}


def test_a_function_counts_once_a_sample_however_deep_it_calls_itself() -> None:
    stack = ("a (syncgate/x.py:1)", "a (syncgate/x.py:2)", "b (json/decoder.py:2)")
    profile = Profile({stack: 5})
    assert profile.by_whole() == {"a (syncgate/x.py)": 5}
    assert profile.by_self() == {"b (json/decoder.py)": 5}
