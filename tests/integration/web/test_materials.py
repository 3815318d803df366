"""Files of materials over a real socket: what comes in, what is refused, who may read."""

from __future__ import annotations

import hashlib
import random
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest

from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import SETTINGS, Served, serving
from tests.support.cases import an_application
from tests.support.rows import SetClock

LIMIT = 3 * 1024**2
CONTENT = b"%PDF-1.7\n" + random.Random(1).randbytes(1_200_000)


@pytest.fixture
def served(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[Served]:
    with serving(sqlite_store, keyring, clock, settings=replace(SETTINGS, material_limit=LIMIT)) as running:
        yield running


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(content: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.fixture
def key(served: Served) -> str:
    return served.key()


@pytest.fixture
def path(served: Served, key: str) -> str:
    """Where the bytes of `m1` go."""
    material = {"id": "m1", "name": "平面图", "get_type": "2", "media_type": "application/pdf"}
    other = {"id": "m2", "name": "制度", "get_type": "2"}
    case = an_application(materials=[material, other])
    answer = served.call("POST", "/v1/cases", key=key, json=case)
    return f"/v1/cases/{answer.json()['case_id']}/materials/m1"


def put(served: Served, path: str, key: str, content: Any = CONTENT, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.call("PUT", path, key=key, content=content, headers=sent)


def test_bytes_are_stored_and_come_back_to_the_source(served: Served, path: str, key: str) -> None:
    answer = put(served, path, key, Content_Type="application/pdf", Content_Digest=digest_of(CONTENT))
    assert (answer.status_code, answer.headers["location"]) == (201, path)
    told = answer.json()
    assert (told["size"], told["sha256"], told["unchanged"]) == (len(CONTENT), sha256(CONTENT), False)
    read = served.call("GET", path, key=key)
    assert (read.status_code, read.content) == (200, CONTENT)
    assert read.headers["content-digest"] == digest_of(CONTENT)
    assert read.headers["content-type"] == "application/pdf"
    assert read.headers["content-disposition"] == 'attachment; filename="m1.pdf"'


def test_the_same_bytes_again_are_unchanged_and_others_a_conflict(served: Served, path: str, key: str) -> None:
    put(served, path, key)
    assert (put(served, path, key).status_code, put(served, path, key).json()["unchanged"]) == (200, True)
    assert put(served, path, key, CONTENT + b"!").status_code == 409


def test_a_case_tells_which_of_its_files_are_stored(served: Served, path: str, key: str) -> None:
    put(served, path, key)
    for reader in (key, served.key("viewer", name="clerk")):
        stored, missing = served.call("GET", path.rpartition("/materials")[0], key=reader).json()["materials"]
        assert (stored["material"], stored["is_stored"], stored["size"]) == ("m1", True, len(CONTENT))
        assert (stored["sha256"], stored["media_type"]) == (sha256(CONTENT), "application/pdf")
        assert (missing["material"], missing["is_stored"], missing["size"]) == ("m2", False, None)


def test_every_mismatch_is_told_in_the_callers_language(served: Served, path: str, key: str) -> None:
    headers = {"Content_Type": "image/png", "Digest": "SHA-256=" + b64encode(b"x" * 32).decode()}
    answer = put(served, path, key, b"GIF89a", Accept_Language="zh", **headers)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "material_mismatch")
    assert [(error["pointer"], error["rule"]) for error in told["errors"]] == [
        ("/header/content-digest", "digest_differs"),
        ("/materials/0/media_type", "media_type_differs"),
        ("/materials/0/media_type", "file_type_differs"),
    ]
    assert told["errors"][2]["message"] == "文件内容不是 application/pdf"
    assert not served.call("GET", path.rpartition("/materials")[0], key=key).json()["materials"][0]["is_stored"]


def test_an_unknown_material_is_answered_with_the_known_ones(served: Served, path: str, key: str) -> None:
    answer = put(served, path.removesuffix("m1") + "m9", key)
    assert answer.status_code == 404
    assert "m1, m2" in answer.json()["detail"] or "m1, m2" in str(answer.json())


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_beyond_the_limit_is_refused(served: Served, path: str, key: str, is_announced: bool) -> None:
    content = b"%PDF-" + b"x" * LIMIT
    pieces = content if is_announced else (content[at : at + 65536] for at in range(0, len(content), 65536))
    with suppress(httpx.WriteError):  # refused before it was all sent: the connection is closed under the sender
        assert put(served, path, key, pieces).status_code == 413
    assert put(served, path, key).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Range": "bytes 0-1/2"}, 422),
        ({"If_Match": '"1"'}, 422),
        ({"Content_Digest": "sha-256=:AAAA:"}, 400),
        ({"Content_Digest": digest_of(b"a"), "Digest": digest_of(b"b")}, 400),
        ({"Content_Digest": "md5=:AAAA:"}, 201),
    ],
)
def test_headers_are_taken_at_their_word(
    served: Served, path: str, key: str, headers: dict[str, str], status: int
) -> None:
    assert put(served, path, key, **headers).status_code == status


def test_a_refused_file_leaves_a_trace(served: Served, path: str, key: str) -> None:
    put(served, path, key, b"GIF89a")
    (trace,) = served.read(lambda tx: tx.list_refusals(limit=5))
    assert (trace.code, trace.path) == ("material_mismatch", "/v1/cases/{case}/materials/{material}")


def test_a_sender_that_leaves_leaves_nothing_behind(served: Served, path: str, key: str) -> None:
    host, port = served.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sender:
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 2000000\r\n\r\n"
        sender.sendall(head.encode() + CONTENT)
        assert unfinished(served, until=1) == 1
    assert unfinished(served, until=0) == 0
    assert put(served, path, key).status_code == 201


def unfinished(served: Served, *, until: int) -> int:
    """How many files are not whole, once it is so many, or after a while."""
    later = served.clock.now().replace(year=2100)
    for _ in range(200):
        count = len(served.read(lambda tx: tx.unfinished_files(before=later, limit=9)))
        if count == until:
            break
        time.sleep(0.05)
    return count


def test_an_operator_reads_with_a_reason_that_is_kept(served: Served, path: str, key: str) -> None:
    put(served, path, key)
    operator = served.key("operator", name="clerk")
    assert served.call("GET", path, key=operator).json()["code"] == "reason_missing"
    reason = {"X-Reason": "%E6%8A%95%E8%AF%89%E6%A0%B8%E6%9F%A5"}
    assert served.call("GET", path, key=operator, headers=reason).content == CONTENT
    entry = served.read(lambda tx: tx.list_audit(limit=1))[0]
    assert (entry["actor"], entry["action"], entry["reason"]) == ("clerk", "material_read", "投诉核查")
    assert entry["object"].endswith("/m1")


@pytest.mark.parametrize("role", ["viewer", "integrator", "security", "auditor"])
def test_other_roles_do_not_read_files(served: Served, path: str, key: str, role: str) -> None:
    put(served, path, key)
    assert served.call("GET", path, key=served.key(role, name=role)).status_code == 403


def test_another_source_neither_reads_nor_writes(served: Served, path: str, key: str) -> None:
    put(served, path, key)
    other = served.key(name="other", sources=("hall",))
    assert served.call("GET", path, key=other).status_code == 404
    assert put(served, path, other).status_code == 404


@pytest.mark.parametrize("token", ["AAAA", "x" * 300])
def test_a_link_that_is_none_is_not_found_without_a_key(served: Served, token: str) -> None:
    assert served.call("GET", f"/v1/materials/{token}").status_code == 404


@pytest.mark.parametrize("media_type", ["\xff\xfe", "pdf", 'text/html"', "text/" + "a" * 128, "text/html,text/plain"])
def test_a_content_type_that_is_no_media_type_is_refused(served: Served, path: str, key: str, media_type: str) -> None:
    headers = {"Content-Type": media_type.encode("latin-1")}
    answer = served.call("PUT", path[:-2] + "m2", key=key, content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


def test_the_same_bytes_again_are_told_as_they_are_kept(served: Served, path: str, key: str) -> None:
    path = path[:-2] + "m2"
    assert put(served, path, key, b"x", Content_Type="text/plain; charset=gbk").json()["media_type"] == "text/plain"
    again = put(served, path, key, b"x", Content_Type="text/html")
    assert (again.status_code, again.json()["media_type"]) == (200, "text/plain")


def test_a_withdrawn_case_takes_no_file(served: Served, path: str, key: str) -> None:
    case = path.rpartition("/materials/")[0]
    assert served.call("POST", f"{case}/withdraw", key=key, json={"reason": "不办了"}).status_code == 202
    answer = put(served, path, key)
    assert (answer.status_code, answer.json()["code"]) == (409, "case_withdrawn")
