"""Holds every answer that a test sees against the OpenAPI document."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
from jsonschema import Draft202012Validator


class Truth:
    """One OpenAPI document, and what was seen of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._patterns = {
            path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace(".", r"\."))) for path in document["paths"]
        }

    def check(self, method: str, target: str, answer: httpx.Response) -> None:
        """Fails where the document does not list this answer, or describes another."""
        operation = self.operation(method, urlsplit(target).path)
        if operation is None:
            assert answer.status_code in (404, 405), f"{method} {target} is not in the document"
            return
        listed = operation["responses"].get(str(answer.status_code))
        assert listed is not None, f"{method} {target} answered {answer.status_code}, which is not listed"
        media = answer.headers["content-type"].split(";")[0]
        is_listed = not {media, "*/*"}.isdisjoint(listed["content"])
        assert is_listed, f"{method} {target} answered {media}, which is not listed"
        if method != "HEAD" and media.endswith("json"):
            contents = [json.loads(line) for line in answer.text.splitlines()] if "ndjson" in media else [answer.json()]
            for content in contents:
                self._check_content(listed["content"][media].get("schema", {}), content)

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        exact = self.document["paths"].get(path)
        operations = exact or next((self.document["paths"][p] for p in self._fitting(path)), None)
        return operations.get(method.lower()) if operations else None

    def _fitting(self, path: str) -> list[str]:
        return [listed for listed, pattern in self._patterns.items() if pattern.fullmatch(path)]

    def _check_content(self, schema: dict[str, Any], content: Any) -> None:
        whole = {**schema, "components": self.document["components"]}
        errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(content)]
        assert errors == []
