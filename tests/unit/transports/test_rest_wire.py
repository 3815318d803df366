"""Between our requests and HTTP, without any network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pyreqwest.exceptions
import pyreqwest.http
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Outcome
from syncgate.ports import Request
from syncgate.transports import kinds
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import AnswerRules, load_rules
from syncgate.transports.rest import KIND, RestOptions, fast
from syncgate.transports.rest.evidence import parse_retry_after, remote_ref_in
from syncgate.transports.rest.http import HttpFailure, HttpRequest, HttpResponse
from syncgate.transports.rest.options import _PATH, _checked_path
from syncgate.transports.rest.plain import FAILURES, failure_of
from syncgate.transports.rest.signing import BUILT_IN
from syncgate.transports.rest.transport import build
from syncgate.transports.rest.unsendable import Unsendable
from syncgate.transports.rest.wire import Wire

NOW = datetime(2026, 4, 30, 15, 58, 42, tzinfo=UTC)


@dataclass
class Site:
    """Clock, entropy and secrets in one."""

    values: dict[str, str] = field(default_factory=lambda: {"key": "SECRET-VALUE"})

    def now(self) -> datetime:
        return NOW

    def token(self, size: int) -> bytes:
        return b"\x01" * size

    def draw(self) -> float:
        return 0.5

    def get(self, name: str) -> str:
        if name not in self.values:
            raise SiteInvalid(f"expected the secret {name}, got none")
        return self.values[name]


OPTIONS: dict[str, Any] = {
    "base_url": "http://h:1/base",
    "headers": {"X-Key": {"secret": "key"}, "X-Both": "adapter", "accept": "text/json"},
    "operations": {
        "push": {
            "method": "PUT",
            "path": "/a/{slot_key}",
            "query": {"名": "{case_id}", "b": "1"},
            "headers": {"x-both": "operation"},
            "envelope": {"v": {"const": 1}, "data": "text"},
        },
        "plain": {"method": "POST", "path": "/p"},
    },
}
PUSH = Request(operation="push", keys={"slot_key": "k ?#/é", "case_id": "c&d"}, payload={"名": ["李䶮"], "n": 1.5})


def wire(site: Site | None = None, **change: Any) -> Wire:
    site = site or Site()
    options = RestOptions.model_validate(OPTIONS | change)
    scheme = BUILT_IN[options.signing.scheme]
    return Wire(
        options,
        AnswerRules(()),
        base_url=options.base_url,
        scheme=scheme,
        secrets=site,
        clock=site,
        entropy=site,
    )


def test_a_request_is_written_as_the_options_say() -> None:
    composed = wire().compose(PUSH)
    assert composed.method == "PUT"
    assert composed.url == "http://h:1/base/a/k%20%3F%23%2F%C3%A9?%E5%90%8D=c%26d&b=1"
    assert composed.body == '{"v":1,"data":"{\\"名\\":[\\"李䶮\\"],\\"n\\":1.5}"}'.encode()
    assert dict(composed.headers) == {
        "Accept-Encoding": "identity",
        "User-Agent": "syncgate",
        "Content-Type": "application/json; charset=utf-8",
        "X-Key": "SECRET-VALUE",
        "accept": "text/json",
        "x-both": "operation",
    }


def test_a_request_shows_no_secret_and_no_content() -> None:
    composed = wire().compose(PUSH)
    assert repr(composed) == "HttpRequest(method='PUT')"
    assert "SECRET" not in repr(wire())


def test_httpx_keeps_the_address_as_it_was_written() -> None:
    composed = wire().compose(PUSH)
    assert str(httpx.Request(composed.method, composed.url).url) == composed.url


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_both_clients_send_the_address_as_it_was_written(key: str) -> None:
    request = Request(operation="push", keys={"slot_key": key, "case_id": key}, payload={})
    try:
        composed = wire().compose(request)
    except Unsendable:
        return
    assert str(httpx.Request(composed.method, composed.url).url) == composed.url
    assert str(pyreqwest.http.Url(composed.url)) == composed.url


@given(st.from_regex(_PATH, fullmatch=True))
def test_both_clients_send_a_path_as_the_adapter_has_it(path: str) -> None:
    try:
        literal = _checked_path(path)
    except ValueError:
        return
    url = "http://h:1/base" + literal.replace("{", "").replace("}", "").replace("|", "")
    assert httpx.URL(url).raw_path.decode() == url.removeprefix("http://h:1")
    assert str(pyreqwest.http.Url(url)) == url


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_key_leads_to_another_path(key: str) -> None:
    request = Request(operation="push", keys={"slot_key": key, "case_id": "c"}, payload={})
    try:
        composed = wire().compose(request)
    except Unsendable:
        assert key in (".", "..")
        return
    path = httpx.URL(composed.url).raw_path.decode().partition("?")[0]
    assert path.startswith("/base/a/")
    assert path.count("/") == 3


def test_a_request_without_payload_has_no_body_and_no_type() -> None:
    composed = wire().compose(Request(operation="plain", keys={}))
    assert composed.body == b""
    assert "Content-Type" not in dict(composed.headers)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Evil: 1", "值", "", " a"])
def test_a_secret_that_cannot_be_a_header_is_not_sent(value: str) -> None:
    with pytest.raises(Unsendable) as caught:
        wire(Site({"key": value})).compose(PUSH)
    assert caught.value.answer().outcome is Outcome.DENIED
    assert value.strip() == "" or value not in str(caught.value)


def test_a_secret_that_vanished_denies_the_system_without_a_send() -> None:
    with pytest.raises(Unsendable) as caught:
        wire(Site({})).compose(PUSH)
    answer = caught.value.answer()
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.DENIED, "secret_missing", "operations")
    assert answer.evidence.sent is None


def test_an_operation_that_is_none_is_a_defect() -> None:
    with pytest.raises(SiteInvalid, match="plain, push"):
        wire().compose(Request(operation="pull", keys={}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("7", timedelta(seconds=7)),
        (" 0 ", timedelta(0)),
        ("9" * 30, timedelta(seconds=10**8)),
        ("Thu, 30 Apr 2026 15:59:42 GMT", timedelta(minutes=1)),
        ("Thursday, 30-Apr-26 15:59:42 GMT", timedelta(minutes=1)),
        ("Thu, 30 Apr 2026 15:00:00 GMT", timedelta(0)),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Thu, 99 Apr 2026 15:59:42 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, expected: timedelta | None) -> None:
    assert parse_retry_after(text, now=NOW) == expected


@given(st.text())
def test_retry_after_never_raises_and_never_goes_back(text: str) -> None:
    found = parse_retry_after(text, now=NOW)
    assert found is None or found >= timedelta(0)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({"body": "/id"}, "A-1"),
        ({"body": "/no"}, "17"),
        ({"body": "/yes"}, None),
        ({"body": "/size"}, None),
        ({"body": "/empty"}, None),
        ({"body": "/long"}, None),
        ({"body": "/absent"}, None),
        ({"header": "LOCATION"}, "/a/1"),
        ({"header": "X-None"}, None),
        ({}, None),
    ],
)
def test_remote_ref_is_a_text_or_a_whole_number(at: dict[str, str], expected: str | None) -> None:
    body = {"id": "A-1", "no": 17, "yes": True, "size": 1.5, "empty": "", "long": "x" * 201}
    view = AnswerView(201, [("Location", "/a/1")], orjson.dumps(body))
    assert remote_ref_in(view, at) == expected
    assert remote_ref_in(AnswerView(201, [("Location", "/a/1")], b""), {"body": "/id"}) is None


def test_only_some_headers_are_kept_as_evidence() -> None:
    came = HttpResponse(200, (("Content-Type", "a/b"), ("Set-Cookie", "s=1"), ("X-Request-Id", "r")), b"")
    evidence = wire().answer(PUSH, HttpRequest("PUT", "http://h/base/a?case=1"), came).evidence
    assert evidence.received_headers == {"content-type": "a/b", "x-request-id": "r"}
    assert evidence.request_line == "PUT /base/a"


@pytest.mark.parametrize("could", [True, False])
def test_a_failure_is_unknown_exactly_when_the_system_could_have_acted(could: bool) -> None:
    answer = wire().answer(PUSH, HttpRequest("PUT", "http://h/", body=b"x"), HttpFailure(could, "note"))
    assert answer.outcome is (Outcome.UNKNOWN if could else Outcome.UNAVAILABLE)
    assert answer.evidence.sent == (b"x" if could else None)


def exception_classes() -> list[type[Exception]]:
    return sorted(
        (
            found
            for found in vars(httpx).values()
            if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, Warning)
        ),
        key=lambda found: found.__name__,
    )


@pytest.mark.parametrize("error", exception_classes(), ids=lambda error: error.__name__)
def test_every_exception_of_httpx_is_in_the_table(error: type[Exception]) -> None:
    assert error in FAILURES


NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "InvalidURL"}


def test_only_what_comes_before_the_first_byte_counts_as_not_sent() -> None:
    assert {error.__name__ for error, (could, _) in FAILURES.items() if not could} == NOT_SENT


def fast_exception_classes() -> list[type[Exception]]:
    found = vars(pyreqwest.exceptions).values()
    return [one for one in found if isinstance(one, type) and issubclass(one, pyreqwest.exceptions.PyreqwestError)]


@pytest.mark.parametrize("error", fast_exception_classes(), ids=lambda error: error.__name__)
def test_every_exception_of_pyreqwest_is_in_the_table(error: type[Exception]) -> None:
    assert error in fast.FAILURES


@pytest.mark.parametrize("error", fast_exception_classes(), ids=lambda error: error.__name__)
def test_an_exception_of_pyreqwest_counts_as_unsent_by_its_cause_alone(error: type[Exception]) -> None:
    """Promise 4: it names connections that die under a request `ConnectError`, and so with time-outs."""

    def raised(*causes: str) -> Exception:
        found = error.__new__(error)
        found.details = {"causes": [{"message": cause} for cause in causes]}  # type: ignore[attr-defined]
        return found

    assert fast.failure_of(raised())[0]
    assert fast.failure_of(raised("client error (SendRequest)", "operation timed out"))[0]
    assert fast.failure_of(raised("client error (SendRequest)", "Connection refused (os error 111)"))[0]
    assert fast.failure_of(raised("error sending request for url (http://h/client error (Connect))"))[0]
    assert not fast.failure_of(raised("error sending request", fast.CONNECTING))[0]


def test_a_foreign_exception_repeats_no_address() -> None:
    error = pyreqwest.exceptions.ConnectError(
        "connection error", {"causes": [{"message": "error sending request for url (http://h/?id=990101)"}]}
    )
    assert "990101" not in fast.failure_of(error)[1]


def test_an_exception_of_another_library_is_a_defect() -> None:
    with pytest.raises(ZeroDivisionError):
        fast.failure_of(ZeroDivisionError())


def test_an_exception_is_judged_by_its_nearest_known_kind() -> None:
    assert failure_of(ConnectionResetError()) == (True, "connection failed after it was made")
    with pytest.raises(ZeroDivisionError):
        failure_of(ZeroDivisionError())


LIMITS = SimpleNamespace(connect_timeout=1.0, timeout=2.0)


def built(site: Site, rules: list[dict[str, Any]], address: str | None = None) -> Any:
    return build(
        RestOptions.model_validate(OPTIONS),
        load_rules(rules),
        limits=LIMITS,
        secrets=site,
        clock=site,
        entropy=site,
        address=address,
    )


def test_what_does_not_fit_together_is_reported_at_once() -> None:
    rules = [{"name": "taken", "when": {"status": [200]}, "outcome": "taken", "operations": ["pull"]}]
    with pytest.raises(SiteInvalid) as caught:
        built(Site({}), rules, address="nowhere")
    assert [line.split(":")[0] for line in caught.value.message.splitlines()] == [
        "answers",
        "expected the secret key, got none",
        "address",
    ]


def test_a_secret_on_two_lines_is_named_at_start_and_not_shown() -> None:
    with pytest.raises(SiteInvalid) as caught:
        built(Site({"key": "HIDDEN\n"}), [])
    assert "secret key" in caught.value.message
    assert "HIDDEN" not in caught.value.message


def test_options_of_another_kind_are_refused() -> None:
    with pytest.raises(SiteInvalid, match="RestOptions"):
        build({}, [], limits=LIMITS, secrets=Site(), clock=Site(), entropy=Site())


def test_rest_is_built_in() -> None:
    assert kinds()["rest"] is KIND
    assert KIND.options_model_for() is RestOptions
    assert KIND.options_model_for(SimpleNamespace()) is RestOptions
