"""How a request proves where it comes from: one scheme per gateway family, each signed anew for every send.

A scheme is a model of its options and a pure function; a system's `quirks.py` may register more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr

from syncgate.domain.errors import SiteInvalid
from syncgate.ports import Entropy
from syncgate.transports.rest.http import HttpRequest
from syncgate.transports.rest.text import Ask, SecretRef, is_header_name, value_of


class SigningOptions(BaseModel):
    """Base of every scheme's options; each narrows `scheme` to `Literal["<its name>"]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What a signature depends on beside the request.

    Attributes:
        at: the time of signing, aware.
        entropy: for nonces.
        secret: gives a secret's value by name.
        operation: name of the operation that is called.
    """

    at: datetime
    entropy: Entropy
    secret: Ask
    operation: str


Sign = Callable[[HttpRequest, Any, Moment], HttpRequest]
"""Gives the signed request from the bare one and the scheme's options. May change headers and body."""


@dataclass(frozen=True, slots=True)
class SigningScheme:
    """One way to sign. reads_body: whether it covers or changes the body; then no file can be streamed in it."""

    options_model: type[SigningOptions]
    sign: Sign
    reads_body: bool = True


def _checked_name(text: str) -> str:
    if not is_header_name(text):
        raise ValueError(f"expected a header name, got {text!r}")
    return text


def _checked_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"expected a time zone such as Asia/Shanghai, got {text!r}") from None
    return text


Text = Annotated[StrictStr, Field(min_length=1)] | SecretRef
HeaderName = Annotated[StrictStr, AfterValidator(_checked_name)]
Zone = Annotated[StrictStr, AfterValidator(_checked_zone)]


class NoSigning(SigningOptions):
    """Nothing is added."""

    scheme: Literal["none"] = "none"


class TifOptions(SigningOptions):
    """The `x-tif-*` gateway envelope."""

    scheme: Literal["tif"]
    paas_id: Text
    token: SecretRef
    service_id: Text | None = None


class AepOptions(SigningOptions):
    """The `x-aep-*` envelope."""

    scheme: Literal["aep"]
    app_key: Text
    secret: SecretRef


class Md5DateOptions(SigningOptions):
    """MD5 with the local date; every operation has its own `apiCode`."""

    scheme: Literal["md5_date"]
    app_id: Text
    app_secret: SecretRef
    api_key: Text
    api_codes: dict[str, Annotated[StrictStr, Field(min_length=1)]]
    zone: Zone = "Asia/Shanghai"


class BearerOptions(SigningOptions):
    """`Authorization: Bearer …`."""

    scheme: Literal["bearer"]
    token: SecretRef


class ApiKeyOptions(SigningOptions):
    """A key in a header of its own."""

    scheme: Literal["api_key"]
    header: HeaderName = "X-Api-Key"
    key: SecretRef


def _leave(request: HttpRequest, _: NoSigning, __: Moment) -> HttpRequest:
    return request


def _sign_tif(request: HttpRequest, options: TifOptions, moment: Moment) -> HttpRequest:
    timestamp = str(int(moment.at.timestamp()))
    nonce = moment.entropy.token(8).hex()
    headers = {
        "x-tif-paasid": value_of(options.paas_id, moment.secret),
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": tif_signature(timestamp, moment.secret(options.token.secret), nonce),
    }
    if options.service_id is not None:
        headers["x-tif-serviceId"] = value_of(options.service_id, moment.secret)
    return with_headers(request, headers)


def tif_signature(timestamp: str, token: str, nonce: str) -> str:
    """Upper-case hex SHA-256 over timestamp, token, nonce, timestamp. The body is not covered."""
    return hashlib.sha256(f"{timestamp}{token}{nonce}{timestamp}".encode()).hexdigest().upper()


def _sign_aep(request: HttpRequest, options: AepOptions, moment: Moment) -> HttpRequest:
    signed = {
        "x-aep-appkey": value_of(options.app_key, moment.secret),
        "x-aep-nonce": str(UUID(bytes=moment.entropy.token(16), version=4)),
        "x-aep-timestamp": str(int(moment.at.timestamp() * 1000)),
    }
    signature = aep_signature(moment.secret(options.secret.secret), signed)
    return with_headers(request, signed | {"x-aep-signature": signature})


def aep_signature(secret: str, signed: Mapping[str, str]) -> str:
    """Lower-case hex HMAC-SHA256 under the secret over `name=value` pairs, sorted and joined with `&`."""
    message = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _sign_md5_date(request: HttpRequest, options: Md5DateOptions, moment: Moment) -> HttpRequest:
    app_id = value_of(options.app_id, moment.secret)
    api_code = options.api_codes[moment.operation]
    # The gateway compares with its own local date: a UTC date would be yesterday's for eight hours a day.
    date = moment.at.astimezone(ZoneInfo(options.zone)).strftime("%Y%m%d")
    headers = {
        "appId": app_id,
        "apiKey": value_of(options.api_key, moment.secret),
        "apiCode": api_code,
        "requestNo": moment.entropy.token(16).hex(),
        "sign": md5_date_signature(app_id, moment.secret(options.app_secret.secret), date, api_code),
    }
    return with_headers(request, headers)


def md5_date_signature(app_id: str, app_secret: str, date: str, api_code: str) -> str:
    """Lower-case hex MD5 over application, secret, local date `yyyyMMdd` and service."""
    text = f"{app_id}{app_secret}{date}{api_code}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _sign_bearer(request: HttpRequest, options: BearerOptions, moment: Moment) -> HttpRequest:
    return with_headers(request, {"Authorization": f"Bearer {moment.secret(options.token.secret)}"})


def _sign_api_key(request: HttpRequest, options: ApiKeyOptions, moment: Moment) -> HttpRequest:
    return with_headers(request, {options.header: moment.secret(options.key.secret)})


def with_headers(request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
    """The request with these headers, in place of those of the same names."""
    names = {name.lower() for name in headers}
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in names)
    return replace(request, headers=(*kept, *headers.items()))


BUILT_IN: Final[Mapping[str, SigningScheme]] = {
    "none": SigningScheme(NoSigning, _leave, reads_body=False),
    "tif": SigningScheme(TifOptions, _sign_tif, reads_body=False),
    "aep": SigningScheme(AepOptions, _sign_aep, reads_body=False),
    "md5_date": SigningScheme(Md5DateOptions, _sign_md5_date, reads_body=False),
    "bearer": SigningScheme(BearerOptions, _sign_bearer, reads_body=False),
    "api_key": SigningScheme(ApiKeyOptions, _sign_api_key, reads_body=False),
}


def schemes_with(quirks: Any) -> Mapping[str, SigningScheme]:
    """The built-in schemes and those that a system's `quirks.py` registers.

    Raises:
        SiteInvalid: it registers something else than a scheme, or takes a built-in name.
    """
    register = getattr(quirks, "register", None)
    if register is None:
        return BUILT_IN
    added: dict[str, Any] = {}
    register(signing=added)
    for name, scheme in added.items():
        if not isinstance(scheme, SigningScheme):
            raise SiteInvalid(f"expected signing {name!r} to be a SigningScheme, got {type(scheme).__name__}")
        if name in BUILT_IN:
            raise SiteInvalid(f"expected a signing name of its own, got the built-in {name!r}")
    return {**BUILT_IN, **added}
