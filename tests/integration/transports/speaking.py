"""A rest system as the integration tests speak with it: options, rules, and the sends and look-ups themselves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer
from syncgate.ports import Request
from syncgate.transports.answers import load_rules
from syncgate.transports.rest import RestOptions
from syncgate.transports.rest.clients import MakeClient, fast_client, plain_client
from syncgate.transports.rest.transport import RestTransport, build
from tests.integration.transports.scripted import Act, Scripted, scripted

CLIENTS: dict[str, MakeClient] = {"plain": plain_client, "fast": fast_client}
"""Every client behind the seam runs the whole suite; a new one is one line here."""

NOW = datetime(2026, 4, 30, 15, 58, 42, tzinfo=UTC)
TOKEN = "TESTTOKEN-never-shown"


class FixedClock:
    def now(self) -> datetime:
        return NOW


class SeededEntropy:
    def __init__(self) -> None:
        self._random = random.Random(7)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def draw(self) -> float:
        return self._random.random()


class OneSecret:
    def get(self, name: str) -> str:
        if name != "tif_token":
            raise SiteInvalid(f"expected the secret {name}, got none")
        return TOKEN


@dataclass(frozen=True, slots=True)
class ShortLimits:
    connect_timeout: float = 0.4
    timeout: float = 0.8


OPTIONS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:1/base",
    "headers": {"X-Static": "here"},
    "signing": {"scheme": "tif", "paas_id": "syncgate", "token": {"secret": "tif_token"}},
    "operations": {
        "push": {
            "method": "POST",
            "path": "/cases/{slot_key}",
            "query": {"from": "{case_id}"},
            "headers": {"Idempotency-Key": "{send_key}"},
        },
        "wrapped": {"method": "POST", "path": "/wrapped", "envelope": {"data": "text"}},
        "read": {"method": "GET", "path": "/cases/{slot_key}"},
        "form": {"method": "POST", "path": "/form", "body": "form", "charset": "gbk"},
        "xml": {
            "method": "POST",
            "path": "/xml",
            "body": "xml",
            "charset": "gbk",
            "xml": {"root": "ExInfo"},
            "answer": "xml",
        },
        "read_xml": {"method": "GET", "path": "/xml/{slot_key}", "answer": "xml"},
    },
}
RULES: list[dict[str, Any]] = [
    {"name": "signature", "when": {"status": [500], "body": {"/code": 400001}}, "outcome": "denied"},
    {"name": "login", "when": {"status": [401, 403]}, "outcome": "denied", "reason": "credentials_refused"},
    {"name": "taken", "when": {"status": [200], "body": {"/code": "200"}}, "outcome": "taken"},
    {
        "name": "field_empty",
        "when": {"status": [200], "body": {"/code": "0", "/text": {"contains": "字段为空"}}},
        "outcome": "refused",
        "reason": "field_refused",
        "actor": "source",
    },
    {"name": "exists", "when": {"body": {"/text": {"contains": "数据已存在"}}}, "outcome": "duplicate"},
    {"name": "invalid", "when": {"status": [422]}, "outcome": "refused", "actor": "mapping"},
    {"name": "xml_taken", "when": {"body": {"/RESULT/STATUS": "200"}}, "outcome": "taken", "operations": ["xml"]},
    {"name": "busy", "when": {"status": [429]}, "outcome": "throttled"},
    {"name": "down", "when": {"status": [503]}, "outcome": "unavailable"},
]
REQUEST = Request(
    operation="push",
    keys={"slot_key": "a/b", "case_id": "c-1", "send_key": "s-1"},
    payload={"name": "李䶮", "count": 1},
    remote_ref_at={"body": "/id"},
)
READ = Request(operation="read", keys={"slot_key": "a/b"}, remote_ref_at={"body": "/id"})
TAKEN = orjson.dumps({"code": "200", "text": "办件数据接收成功！", "id": "R-1"})
ABSENT = {"status": [404], "body": {"/error": "absent"}}


def made(make_client: MakeClient, url: str, **more: Any) -> RestTransport:
    return build(
        RestOptions.model_validate(OPTIONS | more),
        load_rules(RULES),
        limits=ShortLimits(),
        address=url,
        secrets=OneSecret(),
        clock=FixedClock(),
        entropy=SeededEntropy(),
        make_client=make_client,
    )


def sending(
    make_client: MakeClient, *acts: Act, requests: Sequence[Request], **more: Any
) -> tuple[list[Answer], Scripted]:
    async def scenario() -> tuple[list[Answer], Scripted]:
        async with scripted(*acts) as server:
            transport = made(make_client, server.url, **more)
            found = [await transport.send(request) for request in requests]
            await transport.aclose()
            return found, server

    return asyncio.run(scenario())


def one_send(make_client: MakeClient, url: str, request: Request = REQUEST, **more: Any) -> Answer:
    async def scenario() -> Answer:
        transport = made(make_client, url, **more)
        answer = await transport.send(request)
        await transport.aclose()
        return answer

    return asyncio.run(scenario())
