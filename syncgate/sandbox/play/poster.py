"""One posting process of a race: `python -m syncgate.sandbox.play.poster`.

Reads a `race.Poster` as a line of JSON, says `ready`, starts at the next line, and prints what it saw as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from syncgate.sandbox.play.gate import PATIENT_STATUSES
from syncgate.sandbox.play.site import patience

THREADS = 4
TRY_FOR = 60.0


class Posting:
    """One process's posts."""

    def __init__(self, poster: Mapping[str, Any]) -> None:
        self._poster = poster
        self._lock = threading.Lock()
        self._statuses: Counter[str] = Counter()
        self._case_ids: set[str] = set()
        self._revision = 0
        self._retry_count = 0

    def run(self) -> dict[str, Any]:
        """What was seen: statuses, case_ids, the newest revision, how often something was asked again."""
        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(self._post_some, thread) for thread in range(THREADS)]:
                future.result()
        return {
            "statuses": self._statuses,
            "case_ids": sorted(self._case_ids),
            "revision": self._revision,
            "retry_count": self._retry_count,
        }

    def _post_some(self, thread: int) -> None:
        headers = {"Authorization": f"Bearer {self._poster['key']}"}
        with httpx.Client(trust_env=False, timeout=30, headers=headers) as client:
            for number in range(thread, self._poster["count"], THREADS):
                self._keep(self._post(client, number))

    def _post(self, client: httpx.Client, number: int) -> httpx.Response:
        body = self._poster["bodies"][number % len(self._poster["bodies"])]
        urls = self._poster["base_urls"]
        deadline = time.monotonic() + TRY_FOR * patience()
        attempt = number
        while True:
            try:
                answer = client.post(urls[attempt % len(urls)] + "/v1/cases", json=body)
                if answer.status_code not in PATIENT_STATUSES or time.monotonic() > deadline:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            attempt += 1
            with self._lock:
                self._retry_count += 1
            time.sleep(0.05 + random.random() * 0.1)

    def _keep(self, answer: httpx.Response) -> None:
        receipt = answer.json() if answer.is_success else {}
        with self._lock:
            self._statuses[str(answer.status_code)] += 1
            self._revision = max(self._revision, receipt.get("revision", 0))
            if receipt:
                self._case_ids.add(receipt["case_id"])


def main() -> int:
    """The exit code."""
    posting = Posting(json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(posting.run()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
