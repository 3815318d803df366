"""The interface as one page of plain HTML, made from the OpenAPI document; it loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

Json = Any
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#eee;padding:0 .3em}summary{cursor:pointer}pre{background:#f6f6f6;padding:1rem;"
    "overflow:auto}li{margin:.2em 0}"
)


def page(document: Mapping[str, Json]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    operations = "".join(
        _operation(path, method, operations[method])
        for path, operations in sorted(document["paths"].items())
        for method in _METHODS
        if method in operations
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title>"
        f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info.get('description', ''))}</p>"
        f"<p>The whole interface for programs: <a href=/openapi.json>openapi.json</a></p>{operations}</html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Json]) -> str:
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer.get('description', ''))}"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f"<details><summary><code>{method.upper()} {escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary>"
        f"<ul>{''.join(_parameters(operation))}{''.join(_bodies(operation))}</ul><ul>{answers}</ul></details>"
    )


def _parameters(operation: Mapping[str, Json]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        described = escape(parameter.get("description", ""))
        yield f"<li>{escape(parameter['in'])} <code>{escape(parameter['name'])}</code> {described}"


def _bodies(operation: Mapping[str, Json]) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").rsplit("/", 1)[-1]
        yield f"<li>body <code>{escape(media)}</code> {escape(name)}"
