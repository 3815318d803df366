"""Two sources of one case, over real sockets: posting processes that race, and food's clerks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import City, build_city
from syncgate.sandbox.expected.story import states
from syncgate.sandbox.play.clerks import Clerks
from syncgate.sandbox.play.race import Poster, defects, race
from syncgate.sandbox.play.site import DemoError
from syncgate.sandbox.reader import read_ledger
from syncgate.sandbox.running import running

Answers = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
SLOT = {"system": "province", "message": "basic_info", "part": "", "phase": "delivered", "reason": None}


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], str]]:
    """Starts a gate made up for the test and gives its address: a key and a body lead to an answer."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, receipt = answers(self.headers["Authorization"], body)
                told = json.dumps(receipt).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def posters(*base_urls: str) -> list[Poster]:
    """Window with two bodies in turn, food with one; twenty posts each."""
    window = [{"case_no": "W"}, {"case_no": "W", "references": {"food": "F"}}]
    food = [{"case_no": "F", "references": {"window": "W"}}]
    return [Poster("window", "w", window, base_urls, 20), Poster("food", "f", food, base_urls, 20)]


def test_every_post_is_made_by_its_source_at_every_address_in_turn(serve: Callable[[Answers], str]) -> None:
    seen: list[tuple[int, str, str, bool]] = []

    def gate(number: int) -> Answers:
        def answer(key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            seen.append((number, key, body["case_no"], "references" in body))
            return 200, {"case_id": "c", "revision": 3}

        return answer

    outcome = race(posters(serve(gate(0)), serve(gate(1))))
    assert (outcome.statuses, outcome.case_ids, outcome.revision) == ({"200": 40}, {"c"}, 3)
    assert {entry[:3] for entry in seen} == {
        (n, *who) for n in (0, 1) for who in (("Bearer w", "W"), ("Bearer f", "F"))
    }
    assert sum(referring for _, _, _, referring in seen) == 30
    assert defects(outcome, [SLOT]) == []


def test_a_gate_that_makes_two_cases_is_told(serve: Callable[[Answers], str]) -> None:
    outcome = race(posters(serve(lambda _, body: (202, {"case_id": body["case_no"], "revision": 1}))))
    assert defects(outcome, [SLOT]) == ["expected one case, got 2"]


def test_a_gate_that_refuses_one_source_is_told(serve: Callable[[Answers], str]) -> None:
    outcome = race(posters(serve(lambda key, _: (409 if key == "Bearer f" else 202, {"case_id": "c", "revision": 1}))))
    assert outcome.statuses == {"202": 20, "409": 20}
    assert defects(outcome, [SLOT]) == ["expected every post to be accepted, got 409"]


def test_a_busy_gate_is_asked_again(serve: Callable[[Answers], str]) -> None:
    turns = iter(range(1000))
    outcome = race(posters(serve(lambda *_: (503 if next(turns) % 4 == 0 else 202, {"case_id": "c", "revision": 1}))))
    assert outcome.statuses == {"202": 40}
    assert outcome.retry_count > 0


def test_a_posting_process_that_dies_stops_the_demo() -> None:
    broken = Poster("window", "w", [], ["http://127.0.0.1:1"], 1)
    with pytest.raises(DemoError, match="posting process"):
        race([broken])


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(case_count=60)


def test_clerks_type_in_what_food_says_and_see_its_number(tmp_path: Path, city: City) -> None:
    life = next(life for life in city.lives if "food_first" in life.traits)
    with running("food", folder=tmp_path) as food:
        clerks = Clerks(lambda: food.port)
        for call, state in zip(life.calls, states(life), strict=True):
            if call.typed is not None:
                clerks.type_in(call, state, number=life.case_no)
                clerks.type_in(call, state, number=life.case_no)
        assert clerks.number_of(life.case_no) == life.case_no
        with pytest.raises(DemoError, match="expected food to hold"):
            clerks.number_of("unknown")
        ledger = read_ledger(food.ledger)
    stages = {
        s["id"] for call in life.calls if call.typed for s in call.body.get("stages", ()) if s["kind"] != "applied"
    }
    assert [effect.kind for effect in ledger.effects] == ["typed"] * (1 + len(stages))
    assert {effect.slot[1] for effect in ledger.effects} == {life.case_no}


def test_what_food_cannot_take_from_its_clerk_stops_the_demo(tmp_path: Path, city: City) -> None:
    life = next(life for life in city.lives if "food_first" in life.traits)
    first, state = life.calls[0], states(life)[0]
    state.case["region_code"] = "99"
    with running("food", folder=tmp_path) as food, pytest.raises(DemoError, match="let its clerk type, got 422"):
        Clerks(lambda: food.port).type_in(first, state, number=life.case_no)
