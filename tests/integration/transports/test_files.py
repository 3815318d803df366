"""Files beside a payload, over a real socket, with every HTTP client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.outcome import Outcome
from syncgate.ports import Request, SentFile
from syncgate.transports.rest.clients import MakeClient
from tests.integration.transports.scripted import (
    Connection,
    answers,
    free_port,
    reads_and_closes,
    scripted,
)
from tests.integration.transports.speaking import TAKEN, made, one_send, sending

CONTENT = b"%PDF-1.7\r\n--syncgate-\r\n" + random.Random(1).randbytes(900_000)


def pieces_of(content: bytes, *, breaks_after: int | None = None) -> Callable[[], AsyncIterator[bytes]]:
    """Gives a file in pieces. breaks_after: so many of them can be read."""

    async def pieces() -> AsyncIterator[bytes]:
        for no, start in enumerate(range(0, len(content), 100_000)):
            if no == breaks_after:
                raise StoreUnavailable("gone")
            yield content[start : start + 100_000]

    return pieces


FILE = SentFile(
    name="file",
    payload_name=None,
    file_name="平面图.pdf",
    file_name_charset="utf-8",
    media_type="application/pdf",
    size=len(CONTENT),
    digest="d1" * 16,
    pieces=pieces_of(CONTENT),
)
FORM = Request(operation="form", keys={}, payload={"编号": "QX1", "n": [1, 2]}, file=FILE)
JSON = Request(
    operation="push",
    keys={"slot_key": "s", "case_id": "c", "send_key": "k"},
    payload={"编号": "QX1"},
    file=replace(FILE, payload_name="metadata"),
)


def parts_of(content_type: str, body: bytes) -> list[tuple[str, str | None, bytes]]:
    """The parts as another library reads them: name, type, bytes."""
    whole: Any = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts: list[Message] = whole.get_payload()
    return [(_name(part), part.get("Content-Type"), part.get_payload(decode=True)) for part in parts]  # type: ignore[misc]


def _name(part: Message) -> str:
    raw = str(part.get_param("name", header="content-disposition"))
    return raw.encode("utf-8", "surrogateescape").decode("gbk", "replace")


def field_part(name: str, text: str) -> bytes:
    head = f'\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: text/plain; charset=gbk\r\n\r\n'
    return f"{head}{text}\r\n".encode("gbk")


def test_a_form_and_its_file_arrive_as_parts_with_a_length(make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[FORM])
    (seen,) = server.seen
    assert answer.outcome is Outcome.TAKEN
    assert int(seen.headers["content-length"]) == len(seen.body)
    assert "transfer-encoding" not in seen.headers
    content_type = seen.headers["content-type"]
    boundary = content_type.removeprefix("multipart/form-data; boundary=").encode()
    head, _, rest = seen.body.rpartition(b'Content-Disposition: form-data; name="file"; ')
    assert head.split(b"--" + boundary)[1:4] == [
        field_part(name, text) for name, text in (("编号", "QX1"), ("n", "1"), ("n", "2"))
    ]
    expected = 'filename="平面图.pdf"\r\nContent-Type: application/pdf\r\n\r\n'.encode() + CONTENT
    assert rest == expected + b"\r\n--" + boundary + b"--\r\n"


def test_a_payload_may_be_one_part_of_its_own(make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[JSON])
    (seen,) = server.seen
    assert answer.outcome is Outcome.TAKEN
    metadata, file = parts_of(seen.headers["content-type"], seen.body)
    assert metadata == ("metadata", "application/json; charset=utf-8", '{"编号":"QX1"}'.encode())
    assert file == ("file", "application/pdf", CONTENT)
    assert seen.headers["idempotency-key"] == "k"


@pytest.mark.parametrize(
    ("charset", "name", "written"),
    [
        ("utf-8", "平面图.pdf", 'filename="平面图.pdf"'.encode()),
        ("gbk", "平面图.pdf", 'filename="平面图.pdf"'.encode("gbk")),
        ("gb18030", "䶮.pdf", 'filename="䶮.pdf"'.encode("gb18030")),
        ("utf-8", 'a"b.pdf', b'filename="a%22b.pdf"'),
        ("rfc5987", "平 图.pdf", b"filename=\"_ _.pdf\"; filename*=UTF-8''%E5%B9%B3%20%E5%9B%BE.pdf"),
    ],
)
def test_the_name_of_a_file_leaves_in_the_charset_that_is_read(
    charset: str, name: str, written: bytes, make_client: MakeClient
) -> None:
    request = replace(FORM, file=replace(FILE, file_name=name, file_name_charset=charset))
    _, server = sending(make_client, answers(200, TAKEN), requests=[request])
    assert b'name="file"; ' + written + b"\r\n" in server.seen[0].body


def test_a_name_that_the_charset_lacks_does_not_leave(make_client: MakeClient) -> None:
    """Promise 7: no question mark in its place."""
    request = replace(FORM, file=replace(FILE, file_name="䶮.pdf", file_name_charset="gbk"))
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[request])
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.REFUSED, "unencodable", "source")
    assert "U+4DAE" in answer.evidence.note and "䶮" not in answer.evidence.note
    assert server.connections_count == 0


@pytest.mark.parametrize("request_", [FORM, JSON], ids=["form", "json"])
def test_a_retry_reads_the_file_again(request_: Request, make_client: MakeClient) -> None:
    acts = [reads_and_closes, answers(200, TAKEN)]
    (lost, taken), server = sending(make_client, *acts, requests=[request_, request_])
    assert (lost.outcome, taken.outcome) == (Outcome.UNKNOWN, Outcome.TAKEN)
    bodies = [seen.body.split(b"\r\n", 1)[1].rpartition(b"\r\n--syncgate-")[0] for seen in server.seen]
    assert bodies[0][-len(CONTENT) :] == bodies[1][-len(CONTENT) :] == CONTENT


def test_a_file_whose_system_is_not_there_has_not_left(make_client: MakeClient) -> None:
    answer = one_send(make_client, f"http://127.0.0.1:{free_port()}", FORM)
    assert answer.outcome is Outcome.UNAVAILABLE
    assert answer.evidence.sent is None


def test_a_file_that_cannot_be_read_to_its_end_is_unknown_and_never_whole(make_client: MakeClient) -> None:
    """Crash point: the store is away after the first bytes have left (promise 4)."""
    got: list[bytes] = []

    async def reads_what_comes(connection: Connection) -> bool:
        while piece := await connection.reader.read(65536):
            got.append(piece)
        return False

    async def scenario() -> Any:
        async with scripted(reads_what_comes) as server:
            transport = made(make_client, server.url)
            broken = replace(FORM, file=replace(FILE, pieces=pieces_of(CONTENT, breaks_after=3)))
            answer = await transport.send(broken)
            await transport.aclose()
            await asyncio.sleep(0.05)
            return answer

    answer = asyncio.run(scenario())
    assert answer.outcome is Outcome.UNKNOWN
    head, _, body = b"".join(got).partition(b"\r\n\r\n")
    declared = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    assert len(body) < len(CONTENT) < int(declared.partition(b":")[2])
    assert "gone" not in answer.evidence.note


def test_evidence_keeps_size_and_digest_and_not_the_bytes(make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[FORM])
    kept = answer.evidence.sent
    assert kept is not None
    assert f"[{len(CONTENT)} bytes, digest {FILE.digest}]".encode() in kept
    assert len(kept) < 1000 and kept[:100] == server.seen[0].body[:100]


def test_text_in_a_payload_leaves_and_its_stand_in_is_kept(make_client: MakeClient) -> None:
    request = Request(operation="wrapped", keys={}, payload={"data": "QUJD" * 100_000}, kept={"data": "[300000 bytes]"})
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[request])
    assert b"QUJDQUJD" in server.seen[0].body
    assert answer.evidence.sent == rb'{"data":"{\"data\":\"[300000 bytes]\"}"}'
