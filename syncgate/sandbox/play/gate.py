"""The gate as its callers see it: a source that posts and an operator who looks after what is parked."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from syncgate.sandbox.city import Call
from syncgate.sandbox.play.site import DemoError, patience

TRY_FOR = 60.0
PATIENT_STATUSES = (429, 502, 503, 504)


class Gate:
    """Calls that survive the gate's death: what gets no answer is asked again, as a real source does."""

    def __init__(self, *base_urls: str, source_key: str, operator_key: str) -> None:
        """Args: base_urls: of the API processes; calls are spread over them."""
        self._base_urls = base_urls
        self._source = {"Authorization": f"Bearer {source_key}"}
        self._operator = {"Authorization": f"Bearer {operator_key}"}
        self._local = threading.local()
        self._lock = threading.Lock()
        self.retry_count = 0

    def submit(self, call: Call, *, case_id: str) -> httpx.Response:
        """Make a call of the script. Raises DemoError when nobody answers for a minute."""
        headers = dict(self._source)
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        path = call.path.replace("{case}", case_id)
        return self._ask(call.method, path, headers=headers, json=call.body)

    def deliveries(self, **filters: str | list[str]) -> list[dict[str, Any]]:
        """All deliveries that match, over all pages."""
        return list(self._pages("/v1/deliveries", {**filters, "limit": "200"}))

    def requeue(self, delivery_id: str) -> bool:
        """Send a parked delivery again; False where it is no longer parked."""
        path = f"/v1/deliveries/{delivery_id}/requeue"
        body = {"reason": "对方误拒，重新推送"}
        return self._ask("POST", path, headers=self._operator, json=body).is_success

    def ask(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Any other call of the operator's."""
        return self._ask(method, path, headers={**self._operator, **(headers or {})}, json=json)

    def make_key(self, name: str, *, role: str, source: str = "") -> str:
        """A key for a person or a source; who asks must be allowed to. Raises DemoError where it is not made."""
        body = {"name": name, "role": role, "sources": [source] if source else [], "reason": "示例演示"}
        answer = self.ask("POST", "/v1/keys", json=body)
        if answer.status_code != 201:
            raise DemoError(f"expected a key for {name}, got {answer.status_code}: {answer.text[:500]}")
        return str(answer.json()["key"])

    def metrics(self) -> str:
        """The metrics page."""
        return self._ask("GET", "/metrics", headers=self._operator).text

    def _pages(self, path: str, params: dict[str, str | list[str]]) -> Iterator[dict[str, Any]]:
        while True:
            answer = self._ask("GET", path, headers=self._operator, params=params)
            if not answer.is_success:
                raise DemoError(f"expected a list at {path}, got {answer.status_code}: {answer.text[:500]}")
            page = answer.json()
            yield from page["deliveries"]
            if not page.get("next"):
                return
            params = {**params, "cursor": page["next"]}

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        deadline = time.monotonic() + TRY_FOR * patience()
        while True:
            try:
                answer = self._client().request(method, random.choice(self._base_urls) + path, **rest)
            except httpx.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.status_code not in PATIENT_STATUSES:
                    return answer
                problem = str(answer.status_code)
            if time.monotonic() > deadline:
                raise DemoError(f"expected an answer to {method} {path}, got {problem} for {TRY_FOR * patience():g} s")
            with self._lock:
                self.retry_count += 1
            time.sleep(0.1 + random.random() * 0.3)

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(trust_env=False, timeout=10 * patience())
        return client
