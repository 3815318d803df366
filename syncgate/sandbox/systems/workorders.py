"""The work order system of the hotline: one record per call, by the caller's own number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.altering import Alteration
from syncgate.sandbox.systems.fields import (
    invalid_fields,
    is_clock_digits,
    is_date_digits,
    is_string,
    is_text,
)
from syncgate.sandbox.systems.holdings import Held, Holdings
from syncgate.sandbox.systems.interface import Call, Verdict, split_path
from syncgate.sandbox.systems.keyed import DENIED, Registry, is_same_secret, parse_body, refused
from syncgate.sandbox.systems.listings import Listing, with_more
from syncgate.sandbox.systems.shelf import Shelved
from syncgate.sandbox.wire import Request

BASE = "/workorders/v1"
ORDER_NUMBER = "WO-{:08d}"


_ORDER = {
    "sourceNo": is_text,
    "item": is_text,
    "address": is_text,
    "filedDate": is_date_digits,
    "filedTime": is_clock_digits,
}
_ORDER_MORE = {"content": is_string}


class Workorders:
    """The system's contents and its rules."""

    name = "workorders"
    operations: Sequence[str] = ("create", "update", "remove", "read", "list", "count")

    def __init__(self, *, key: str) -> None:
        self._key = key
        self._holdings = Holdings()
        self._orders = Listing(self._holdings.shelf(has_part=False), _shown, "sourceNo", name="orders")
        self._registry = Registry(holdings=self._holdings, describe=_describe, key_header="X-Request-Id")

    def identify(self, request: Request) -> Call:
        """What the method and the path ask for; a new order's number comes from the body."""
        match request.method, split_path(request.path, BASE):
            case "POST", ["orders"]:
                return _write("create", request)
            case "PUT", ["orders", key] if key:
                return _write("update", request, key)
            case "DELETE", ["orders", key] if key:
                return Call("remove", key, request_key=request.headers.get("x-request-id", ""))
            case "GET", ["orders"]:
                return Call("list", is_read=True, value=self._orders.wanted(request))
            case "GET", ["orders", "count"]:
                return Call("count", is_read=True)
            case "GET", ["orders", key] if key:
                return Call("read", key, is_read=True)
            case _:
                return Call("")

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Credentials first, then the request's own id, then the record."""
        if not is_same_secret(request.headers.get("x-api-key", ""), self._key):
            return DENIED
        match call.operation:
            case "read":
                return self._registry.look_up(call, name="order")
            case "remove":
                return self._registry.remove(call)
            case "list":
                return self._orders.page(call.value)
            case "count":
                return self._orders.count(request)
            case "create":
                return self._registry.objection(call, _invalid) or self._registry.create(call)
            case _:
                objection = self._registry.objection(call, lambda value: _invalid(value, call.key))
                return objection or self._registry.replace(call)

    def listing(self, call: Call) -> Listing | None:
        """Orders by page."""
        return self._orders if call.operation == "list" else None

    def apply(self, change: Change) -> None:
        """Hold an order."""
        self._holdings.apply(change)

    def alter(self, alteration: Alteration) -> Change:
        """What is altered behind our back."""
        return self._holdings.alter(alteration)

    def refusal(self, call: Call) -> Verdict:
        """As if the address were invalid."""
        return refused(422, "invalid", fields=["address"])

    def denial(self) -> Verdict:
        """HTTP 401."""
        return DENIED


def _write(operation: str, request: Request, key: str = "") -> Call:
    record, value = parse_body(request.body)
    number = value.get("sourceNo") if isinstance(value, dict) else None
    return Call(
        operation,
        key=key or (number if isinstance(number, str) else ""),
        request_key=request.headers.get("x-request-id", ""),
        record=record,
        value=value,
    )


def _invalid(value: Any, key: str | None = None) -> list[str]:
    fields = list(invalid_fields(value, _ORDER, _ORDER_MORE))
    return fields or ([] if key in (None, value["sourceNo"]) else ["sourceNo"])


def _shown(row: Shelved) -> str:
    return with_more(row.record, orderNo=ORDER_NUMBER.format(row.number))


def _describe(call: Call, held: Held) -> Mapping[str, Any]:
    return {"orderNo": ORDER_NUMBER.format(held.number)}
