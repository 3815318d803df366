from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.sandbox.wire import (
    BODY_LIMIT,
    HEAD_LIMIT,
    Malformed,
    Reply,
    RequestReader,
    encode,
    json_reply,
)

PLAIN = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"


def read(*pieces):
    reader, found = RequestReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next_request()) is not None:
            found.append(request)
    return found


def test_a_request_is_read_with_its_headers_in_lower_case():
    (request,) = read(PLAIN)
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a", "b=c", b"abc")
    assert request.headers["x-two"] == "1, 2"
    assert request.is_kept_alive


def test_a_chunked_body_is_put_together():
    (request,) = read(CHUNKED)
    assert request.body == b"abc0123456789"


@given(cuts=st.lists(st.integers(0, len(PLAIN + CHUNKED + PLAIN)), max_size=8))
def test_it_does_not_matter_how_the_bytes_arrive(cuts):
    whole = PLAIN + CHUNKED + PLAIN
    places = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert [r.body for r in read(*pieces)] == [b"abc", b"abc0123456789", b"abc"]


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", True),
    ],
)
def test_whether_the_connection_is_kept_is_the_peers_wish(head, kept):
    (request,) = read(head)
    assert request.is_kept_alive is kept


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nName : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * HEAD_LIMIT, 431),
    ],
)
def test_what_is_no_request_is_refused(bad, status):
    with pytest.raises(Malformed) as caught:
        read(bad)
    assert caught.value.status == status


def test_a_peer_that_waits_is_told_to_continue_once():
    reader = RequestReader()
    reader.feed(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    assert reader.next_request() is None
    assert [reader.wants_continue(), reader.wants_continue()] == [True, False]
    reader.feed(b"x")
    request = reader.next_request()
    assert request is not None
    assert request.body == b"x"


def test_an_answer_says_how_long_it_is_and_whether_it_is_the_last():
    data = encode(json_reply(429, {"a": "办"}, ("Retry-After", "1")), is_kept_alive=False)
    assert data == (
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Type: application/json; charset=utf-8\r\n"
        b'Content-Length: 11\r\nConnection: close\r\n\r\n{"a":"\xe5\x8a\x9e"}'
    )


def test_an_empty_answer_still_says_its_length():
    assert b"Content-Length: 0\r\n" in encode(Reply(200), is_kept_alive=True)
