"""Whatever arrives, a simulated system answers or stops; it never answers what it does not hold."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import syncgate.sandbox
from syncgate.sandbox.ledger import Ledger
from syncgate.sandbox.server import Server
from syncgate.sandbox.simulator import Simulator
from syncgate.sandbox.systems import build
from syncgate.sandbox.wire import Request
from tests.support.properties import examples

FOLDER = Path(syncgate.sandbox.__file__).parent
MODULES = sorted(path for path in FOLDER.glob("**/*.py") if "play" not in path.relative_to(FOLDER).parts)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1", "case-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def simulators():
    with tempfile.TemporaryDirectory() as folder:
        opened = {name: Ledger(Path(folder) / f"{name}.sqlite") for name in ("province", "food", "workorders")}
        yield {name: Simulator(build(name, env={}), ledger=ledger) for name, ledger in opened.items()}
        for ledger in opened.values():
            ledger.close()


def ask(simulator, method, path, value, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    (deed,) = simulator.answer([Request(method, path, headers=named, body=body)])
    return int(deed.data.split()[1])


@examples(150)
@given(data=st.data())
def test_no_record_makes_province_fail(simulators, province_records_of_module, signature_of_now, data):
    operation = data.draw(st.sampled_from(sorted(province_records_of_module)))
    record = dict(province_records_of_module[operation])
    for name in data.draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
        record[name] = data.draw(values)
    value = {"data": json.dumps(record)}
    path = f"/gateway/province/{operation}"
    assert ask(simulators["province"], "POST", path, value, **signature_of_now) == 200


@examples(150)
@given(value=values | st.dictionaries(st.sampled_from(["bizKey", "materials", "safetyOfficer", "staff"]), values))
def test_no_record_makes_food_fail(simulators, value):
    headers = {"authorization": "Bearer food-key", "idempotency_key": "k"}
    for method, path in (("POST", ""), ("PUT", "/x"), ("POST", "/x/events")):
        status = ask(simulators["food"], method, "/foodlicence/api/applications" + path, value, **headers)
        assert status in (400, 404, 409, 422)


@examples(100)
@given(value=values | st.dictionaries(st.sampled_from(["sourceNo", "item", "filedDate"]), values), raw=st.binary())
def test_no_record_makes_workorders_fail(simulators, value, raw):
    headers = {"x_api_key": "workorders-key", "x_request_id": "k"}
    for body in (value, raw):
        assert ask(simulators["workorders"], "POST", "/workorders/v1/orders", body, **headers) in (400, 422)


@examples(100)
@given(path=st.text(st.characters(max_codepoint=255)), method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_no_address_makes_a_system_fail(simulators, path, method):
    for name, base in (("province", "/gateway/province/"), ("food", "/foodlicence/api/applications/")):
        assert ask(simulators[name], method, base + path, b"") in (404, 401, 500)


def test_a_commit_that_fails_is_answered_by_nobody():
    """What was decided in memory is not held: the connection ends without a byte and the system stops."""

    class Broken:
        def answer(self, requests):
            raise OSError("disk full")

        def left(self, entry, *, is_reset):
            raise AssertionError

    async def main():
        server = Server(Broken())
        port = await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        said = await reader.read()
        with pytest.raises(OSError, match="disk full"):
            await server.failed
        late, writer_too = await asyncio.open_connection("127.0.0.1", port)
        writer_too.write(b"GET / HTTP/1.1\r\n\r\n")
        said += await late.read()
        await server.stop()
        for one in (writer, writer_too):
            one.close()
        return said

    assert asyncio.run(main()) == b""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_sandbox_uses_nothing_but_the_standard_library(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level == 0]
    strangers = [
        name
        for name in names
        if not name.startswith("syncgate.sandbox") and name.split(".")[0] not in sys.stdlib_module_names
    ]
    assert strangers == []


@pytest.fixture(scope="module")
def signature_of_now():
    import hashlib
    import time

    stamp = str(int(time.time()))
    digest = hashlib.sha256(f"{stamp}province-tif-tokenn{stamp}".encode()).hexdigest()
    return {
        "token": "province-token",
        "x_tif_paasid": "s",
        "x_tif_timestamp": stamp,
        "x_tif_nonce": "n",
        "x_tif_signature": digest,
    }
