"""JSON, forms and XML over HTTP."""

from __future__ import annotations

from syncgate.transports.kind import TransportKind
from syncgate.transports.rest.multipart import content_problems
from syncgate.transports.rest.options import RestOptions, asks, check_base_url, rest_options_with, secret_names
from syncgate.transports.rest.signing import Moment, SigningOptions, SigningScheme, with_headers
from syncgate.transports.rest.text import SecretRef
from syncgate.transports.rest.transport import RestTransport, build

__all__ = [
    "KIND",
    "Moment",
    "RestOptions",
    "RestTransport",
    "SecretRef",
    "SigningOptions",
    "SigningScheme",
    "build",
    "with_headers",
]

KIND = TransportKind(
    name="rest",
    options_model=RestOptions,
    build=build,
    options_model_with=rest_options_with,
    secret_names=secret_names,
    check_address=check_base_url,
    content_problems=content_problems,
    asks=asks,
    lists=True,
)
