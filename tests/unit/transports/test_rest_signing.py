"""Signatures: published vectors, the clock, and what a system may add itself."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from syncgate.domain.errors import SiteInvalid
from syncgate.transports.rest import Moment, RestOptions, SigningOptions, SigningScheme, with_headers
from syncgate.transports.rest.http import HttpRequest
from syncgate.transports.rest.options import rest_options_with
from syncgate.transports.rest.signing import (
    BUILT_IN,
    aep_signature,
    md5_date_signature,
    schemes_with,
    tif_signature,
)

AT = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
SECRETS = {"token": "TESTTOKEN", "secret": "SECRET", "key": "KEY"}
BARE = HttpRequest("POST", "http://h/x", headers=(("Accept", "a/b"), ("authorization", "old")), body=b"{}")


class SeededEntropy:
    def __init__(self) -> None:
        self._random = random.Random(7)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def draw(self) -> float:
        return self._random.random()


def signed(options: dict[str, Any], *, at: datetime = AT, entropy: SeededEntropy | None = None) -> Mapping[str, str]:
    scheme = BUILT_IN[options["scheme"]]
    moment = Moment(at, entropy or SeededEntropy(), SECRETS.__getitem__, "push")
    return dict(scheme.sign(BARE, scheme.options_model.model_validate(options), moment).headers)


def test_tif_gives_the_published_vector() -> None:
    assert (
        tif_signature("1700000000", "TESTTOKEN", "123456789abcdefg")
        == "FB385EE1DDCE6308CE318F7712A993A8239E9A479EB365FD0F1BE622DE86DFCB"
    )


def test_aep_gives_the_published_vector_whatever_the_order() -> None:
    fields = {"x-aep-timestamp": "1", "x-aep-nonce": "N", "x-aep-appkey": "K"}
    expected = "d39b39e6da303b4c6c302afdf963be0149e61f49f25b154ff6a1b2d8af22a84f"
    assert aep_signature("SECRET", fields) == expected


def test_md5_date_gives_the_published_vector() -> None:
    assert md5_date_signature("APP", "SECRET", "20250101", "API") == "88524d29a83f0b7a658a96eff6c1e30c"


def test_tif_signs_with_seconds_and_a_nonce_of_its_own() -> None:
    options = {"scheme": "tif", "paas_id": "syncgate", "token": {"secret": "token"}, "service_id": "S"}
    entropy = SeededEntropy()
    first, second = signed(options, entropy=entropy), signed(options, entropy=entropy)
    assert first["x-tif-timestamp"] == "1700000000"
    assert (first["x-tif-paasid"], first["x-tif-serviceId"]) == ("syncgate", "S")
    assert first["x-tif-nonce"] != second["x-tif-nonce"]
    assert first["x-tif-signature"] == tif_signature("1700000000", "TESTTOKEN", first["x-tif-nonce"])


def test_aep_signs_with_milliseconds_and_a_uuid() -> None:
    headers = signed({"scheme": "aep", "app_key": "K", "secret": {"secret": "secret"}})
    covered = {name: headers[name] for name in ("x-aep-appkey", "x-aep-nonce", "x-aep-timestamp")}
    assert headers["x-aep-timestamp"] == "1700000000123"
    assert len(headers["x-aep-nonce"]) == 36
    assert headers["x-aep-signature"] == aep_signature("SECRET", covered)


@pytest.mark.parametrize(
    ("at", "date"),
    [
        (datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC), "20241231"),
        (datetime(2024, 12, 31, 16, 0, 0, tzinfo=UTC), "20250101"),
        (datetime(2025, 1, 1, 15, 59, 59, tzinfo=UTC), "20250101"),
    ],
)
def test_md5_date_turns_over_at_midnight_in_shanghai(at: datetime, date: str) -> None:
    options = {
        "scheme": "md5_date",
        "app_id": "APP",
        "app_secret": {"secret": "secret"},
        "api_key": {"secret": "key"},
        "api_codes": {"push": "API"},
    }
    headers = signed(options, at=at)
    assert headers["sign"] == md5_date_signature("APP", "SECRET", date, "API")
    assert (headers["appId"], headers["apiKey"], headers["apiCode"]) == ("APP", "KEY", "API")
    assert len(headers["requestNo"]) == 32


def test_bearer_replaces_what_stands_there() -> None:
    headers = signed({"scheme": "bearer", "token": {"secret": "token"}})
    assert headers == {"Accept": "a/b", "Authorization": "Bearer TESTTOKEN"}


def test_an_api_key_goes_into_the_header_that_is_named() -> None:
    assert signed({"scheme": "api_key", "key": {"secret": "key"}})["X-Api-Key"] == "KEY"
    assert signed({"scheme": "api_key", "header": "K", "key": {"secret": "key"}})["K"] == "KEY"


def test_none_leaves_the_request_alone() -> None:
    scheme = BUILT_IN["none"]
    assert scheme.sign(BARE, scheme.options_model(scheme="none"), None) is BARE  # type: ignore[arg-type]


class StampOptions(SigningOptions):
    scheme: Literal["stamp"]
    stamp: str


def _stamp(request: HttpRequest, options: StampOptions, moment: Moment) -> HttpRequest:
    return with_headers(request, {"X-Stamp": f"{options.stamp}-{moment.operation}"})


def quirks(**schemes: Any) -> SimpleNamespace:
    def register(signing: dict[str, Any]) -> None:
        signing.update(schemes)

    return SimpleNamespace(register=register)


MINIMAL: dict[str, Any] = {"base_url": "http://h", "operations": {"push": {"method": "POST", "path": "/"}}}


def test_a_system_may_bring_a_scheme_of_its_own() -> None:
    own = quirks(stamp=SigningScheme(StampOptions, _stamp))
    model = rest_options_with(own)
    options = model.model_validate(MINIMAL | {"signing": {"scheme": "stamp", "stamp": "S"}})
    assert isinstance(options, RestOptions)
    request = schemes_with(own)["stamp"].sign(BARE, options.signing, Moment(AT, SeededEntropy(), str, "push"))
    assert ("X-Stamp", "S-push") in request.headers
    assert model.model_validate(MINIMAL | {"signing": {"scheme": "bearer", "token": {"secret": "t"}}})
    with pytest.raises(ValidationError):
        RestOptions.model_validate(MINIMAL | {"signing": {"scheme": "stamp", "stamp": "S"}})


def test_quirks_without_a_register_add_nothing() -> None:
    assert rest_options_with(SimpleNamespace()) is RestOptions
    assert rest_options_with(None) is RestOptions


@pytest.mark.parametrize("odd", [quirks(tif=SigningScheme(StampOptions, _stamp)), quirks(stamp=_stamp)])
def test_a_scheme_that_is_none_or_takes_a_built_in_name_is_refused(odd: Any) -> None:
    with pytest.raises(SiteInvalid, match="expected"):
        schemes_with(odd)
