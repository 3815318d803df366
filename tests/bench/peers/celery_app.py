"""The same work with Celery on Redis, as one builds it: FastAPI takes a case, jsonschema checks it, a task a system.

Runs in the peer's own virtual environment. The queue and the outcomes are all that is kept: no database, no contract,
no sealing, no order. Workers acknowledge late, so that a task survives the worker that had it in hand.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import jsonschema
import orjson
from celery import Celery, Task
from fastapi import FastAPI, Request, Response

from tests.bench.projection import SYSTEMS, payload

KEY = os.environ["BENCH_KEY"]
PORTS = orjson.loads(os.environ["BENCH_PORTS"])

celery = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_RESULTS"])
celery.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_serializer="json",
    accept_content=["json"],
    result_expires=None,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
_clients: dict[int, httpx.Client] = {}


@celery.task(bind=True, autoretry_for=(httpx.TransportError,), retry_backoff=True, max_retries=10)
def deliver(self: Task, system: str, case: dict[str, Any]) -> dict[str, Any]:
    """Maps a case and posts it; what is returned is the recorded outcome."""
    record = orjson.dumps(payload(case, system))
    answer = _client().post(
        f"http://127.0.0.1:{PORTS[system]}/cases",
        content=record,
        headers={"Content-Type": "application/json", "Idempotency-Key": f"{system}-{case['case_no']}"},
    )
    if answer.status_code in (429, 503):
        raise self.retry(countdown=1)
    answer.raise_for_status()
    return {"status": answer.status_code, "remote_ref": answer.json()["id"]}


def _client() -> httpx.Client:
    """One a worker process, with its connection kept."""
    return _clients.get(os.getpid()) or _clients.setdefault(os.getpid(), httpx.Client(trust_env=False, timeout=5))


app = FastAPI()
with open(os.environ["BENCH_SCHEMA"], "rb") as _file:
    _validator = jsonschema.Draft202012Validator(orjson.loads(_file.read()))


@app.post("/v1/cases")
async def take(request: Request) -> Response:
    """Accepts a case once its three tasks are in the queue."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return Response(status_code=401)
    case = orjson.loads(await request.body())
    if errors := [error.json_path for error in _validator.iter_errors(case)]:
        return Response(orjson.dumps({"errors": errors}), status_code=422)
    tasks = [deliver.delay(system, case).id for system in SYSTEMS]
    answer = orjson.dumps({"case_no": case["case_no"], "deliveries": tasks})
    return Response(answer, status_code=202, media_type="application/json")
