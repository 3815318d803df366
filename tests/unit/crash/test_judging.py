"""What counts as sent again to a system that can be asked, and as sent beside every delivery."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncgate.sandbox import ledger as written
from syncgate.sandbox.play.site import Folder
from syncgate.sandbox.reader.ledger import Ledger, Request
from tests.crash.judging import SPOKEN_TO, sent_again, unaccounted

AT = datetime(2026, 4, 1, tzinfo=UTC)


def _request(seq: int, effect: str | None, *, operation: str = "create", key: str = "K", body: str = "{}") -> Request:
    return Request(
        seq=seq,
        at=AT + timedelta(seconds=seq),
        slot=("create", key, ""),
        operation=operation,
        body=body,
        fault=None,
        effect=effect,
        is_heard=False,
    )


def _found(*requests: Request) -> list[str]:
    return [str(one) for one in sent_again(Ledger("workorders", list(requests), []))]


def test_what_was_done_and_comes_again_is_found_also_where_its_answer_was_lost() -> None:
    (said,) = _found(_request(1, "created"), _request(3, "duplicate"))

    assert said == "sent again workorders K create: request 3 2.00 s after 1 had done it"


def test_what_was_not_done_may_come_again() -> None:
    assert _found(_request(1, None), _request(2, "created")) == []


def test_a_look_up_is_no_send() -> None:
    assert _found(_request(1, "created"), _request(2, None, operation="read")) == []


def test_another_case_and_another_change_are_other_things() -> None:
    changes = (_request(n, "updated", operation="update", body=str(n)) for n in (3, 4))

    assert _found(_request(1, "created"), _request(2, "created", key="L"), *changes) == []


def test_the_same_change_twice_is_found() -> None:
    changes = (_request(n, "updated", operation="update") for n in (3, 4))

    assert len(_found(_request(1, "created"), *changes)) == 1


def _sent_once(folder: Folder) -> None:
    """Work orders holds one order, after one request; the others were asked nothing."""
    for system in SPOKEN_TO:
        with closing(written.Ledger(folder.systems / f"{system}.sqlite")) as ledger:
            if system == "workorders":
                change = written.Change("create", "HL1", "", '{"sourceNo": "HL1"}', "created")
                facts = ("create", "HL1", "", "", b"{}", None, "created", 200, True)
                ledger.append([written.Entry(1, AT.timestamp(), *facts, change)])


def test_a_request_that_no_delivery_knows_of_is_found(tmp_path: Path) -> None:
    """Promise 12."""
    folder = Folder(tmp_path, tmp_path)
    _sent_once(folder)

    assert unaccounted(folder, {("workorders", "HL1"): 1}) == []
    assert unaccounted(folder, {}) == ["no delivery: workorders HL1 got 1 requests, its deliveries know of 0"]
