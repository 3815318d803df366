"""What an adapter says under `options` with `transport: rest`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    create_model,
    model_validator,
)

from syncgate.transports.kind import Asks
from syncgate.transports.rest.question import Question, names_in
from syncgate.transports.rest.signing import (
    BUILT_IN,
    AepOptions,
    ApiKeyOptions,
    BearerOptions,
    HeaderName,
    Md5DateOptions,
    NoSigning,
    SigningScheme,
    TifOptions,
    schemes_with,
)
from syncgate.transports.rest.text import HeaderText, SecretRef, TemplateText, parse_template, secrets_in
from syncgate.transports.rest.xml_text import is_xml_name

_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/{}|-]|%[0-9A-Fa-f]{2})*")
"""What RFC 3986 §3.3 allows, and placeholders: with any other character HTTP clients differ in what they send."""

_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def check_base_url(text: str) -> str:
    """The address without a slash at its end.

    Raises:
        ValueError: it is not an http or https address, or holds more than host, port and path.
    """
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 80) > 0
    except ValueError:
        is_plain = False
    if not is_plain or not text.isascii() or any(sign in text for sign in "?#@{} \\"):
        # The text itself is not repeated: it may hold a password.
        raise ValueError("expected an address such as https://host:port/path, got something else")
    return text.rstrip("/")


def _checked_path(text: str) -> str:
    if _PATH.fullmatch(text) is None:
        raise ValueError(f'expected a path such as "/cases/{{slot_key}}" without a query, got {text!r}')
    if any(segment in (".", "..") for segment in unquote(text).split("/")):
        raise ValueError(f"expected a path without . and .. segments, got {text!r}")
    return text


def _checked_headers(headers: dict[str, Any]) -> dict[str, Any]:
    ours = sorted(name for name in headers if name.lower() in _OURS)
    if ours:
        raise ValueError(f"expected headers that the client does not set itself, got {', '.join(ours)}")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("expected every header once, got one in two spellings")
    return headers


BaseUrl = Annotated[StrictStr, AfterValidator(check_base_url)]
Path = Annotated[TemplateText, AfterValidator(_checked_path)]
HeaderMap = Annotated[dict[HeaderName, HeaderText], AfterValidator(_checked_headers)]


class Const(_Model):
    """A value that an envelope always carries."""

    const: StrictStr | StrictBool | StrictInt | StrictFloat | None


def _checked_name(text: str) -> str:
    if not is_xml_name(text):
        raise ValueError(f"expected the name of an XML element without a prefix, got {text!r}")
    return text


class XmlOptions(_Model):
    """How a payload is written as XML.

    Attributes:
        root: name of the element that the payload is.
        namespace: of the root and all below it.
        declaration: whether `<?xml …?>` with the charset comes first.
        beyond_charset: what becomes of characters that the charset lacks: the send is `refused`, or they are
            written as a `reference` such as `&#19886;`.
    """

    root: Annotated[StrictStr, AfterValidator(_checked_name)]
    namespace: Annotated[StrictStr, Field(min_length=1)] | None = None
    declaration: StrictBool = True
    beyond_charset: Literal["refused", "reference"] = "refused"


Charset = Literal["utf-8", "gbk", "gb18030", "big5"]


class OperationOptions(_Model):
    """One call of the system.

    Attributes:
        method: the HTTP method.
        path: below the base address; placeholders are percent-encoded.
        query: parameters, which may have placeholders; never shown in evidence.
        headers: beside the adapter's own, of which they replace those of the same name.
        body: how the request's body is written.
        charset: of the body; what it lacks is refused.
        xml: how XML is written; given exactly where there is any.
        envelope: what the payload is wrapped in: one member is the payload, as JSON text (`text`) or XML text
            (`xml`) in a string, or as it is (`json`), others are constants. Left out: the payload is the body.
        question: the payload of a look-up, a listing or a count, which has none of its own; its texts may have
            placeholders. Left out: they have no body.
        answer_charset: of an answer in JSON that declares none.
        answer: how the paths of rules, records and remote_ref read the answer's body.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path
    query: dict[StrictStr, TemplateText] = Field(default_factory=dict)
    headers: HeaderMap = Field(default_factory=dict)
    body: Literal["json", "form", "xml"] = "json"
    charset: Charset = "utf-8"
    xml: XmlOptions | None = None
    envelope: dict[StrictStr, Literal["text", "json", "xml"] | Const] | None = None
    question: Question | None = None
    answer: Literal["json", "xml"] = "json"
    answer_charset: Charset = "utf-8"

    @model_validator(mode="after")
    def _envelope_holds_the_payload_once(self) -> Self:
        if self.envelope is not None:
            count = sum(isinstance(part, str) for part in self.envelope.values())
            if count != 1:
                raise ValueError(f"expected one member of the envelope to be text, json or xml, got {count}")
        return self

    @model_validator(mode="after")
    def _body_and_envelope_fit(self) -> Self:
        parts = () if self.envelope is None else tuple(self.envelope.values())
        if self.body == "xml" and parts:
            raise ValueError("expected no envelope around body: xml, got one; the root is what it is wrapped in")
        if self.body == "form" and ("json" in parts or Const(const=None) in parts):
            raise ValueError("expected text, xml and constants in the envelope of a form, got json or null")
        if (self.xml is not None) != (self.body == "xml" or "xml" in parts):
            raise ValueError("expected xml exactly where the body or a member of the envelope is xml")
        return self

    @model_validator(mode="after")
    def _names_are_in_the_charset(self) -> Self:
        names = [*(self.envelope or {})] + ([self.xml.root, self.xml.namespace or ""] if self.xml else [])
        try:
            "".join(names).encode(self.charset)
        except UnicodeEncodeError:
            raise ValueError(f"expected names in characters of {self.charset}, got others") from None
        return self


class TlsOptions(_Model):
    """Whom to trust. Certificates are always verified.

    Attributes:
        ca_file: PEM file of the authorities to trust in place of the machine's.
    """

    ca_file: Annotated[StrictStr, Field(min_length=1)] | None = None


Signing = Annotated[
    NoSigning | TifOptions | AepOptions | Md5DateOptions | BearerOptions | ApiKeyOptions,
    Field(discriminator="scheme"),
]


class RestOptions(_Model):
    """The options of a system that speaks JSON, forms or XML over HTTP.

    Attributes:
        base_url: where the system is; the site's own address for it comes first.
        headers: sent with every operation.
        signing: how requests are signed.
        client: the HTTP client: `fast`, `plain`, or None for fast where it can be had.
        tls: whom to trust.
        connections: how many connections are kept at most.
        operations: by name; messages and look-ups refer to them.
    """

    base_url: BaseUrl
    headers: HeaderMap = Field(default_factory=dict)
    signing: Signing = NoSigning()
    client: Literal["fast", "plain"] | None = None
    tls: TlsOptions = TlsOptions()
    connections: Annotated[StrictInt, Field(ge=1, le=10)] = 10
    operations: Annotated[dict[Annotated[StrictStr, Field(min_length=1)], OperationOptions], Field(min_length=1)]

    @model_validator(mode="after")
    def _authorities_of_our_own_need_the_plain_client(self) -> Self:
        if self.client == "fast" and self.tls.ca_file is not None:
            # The library behind it would trust the machine's authorities beside those of the file.
            raise ValueError("expected client: plain with tls.ca_file, got fast")
        return self

    @model_validator(mode="after")
    def _every_operation_has_its_api_code(self) -> Self:
        if isinstance(self.signing, Md5DateOptions):
            missing = sorted(self.operations.keys() - self.signing.api_codes.keys())
            if missing:
                raise ValueError(f"expected signing.api_codes for every operation, got none for {', '.join(missing)}")
        return self


def rest_options_with(quirks: Any) -> type[RestOptions]:
    """The options model that also takes the signing schemes which a system's `quirks.py` registers."""
    schemes = schemes_with(quirks)
    return RestOptions if schemes is BUILT_IN else _model_for(schemes)


def _model_for(schemes: Mapping[str, SigningScheme]) -> type[RestOptions]:
    union = reduce(or_, (scheme.options_model for scheme in schemes.values()))
    signing = Annotated[union, Field(discriminator="scheme")]  # type: ignore[valid-type]
    return create_model("RestOptions", __base__=RestOptions, signing=(signing, NoSigning()))


def asks(options: Any, operation: str) -> Asks:
    """What keys an operation takes; what it is for, HTTP does not tell."""
    one: OperationOptions = options.operations[operation]
    texts = [one.path, *one.query.values()]
    texts += [text for text in (options.headers | one.headers).values() if not isinstance(text, SecretRef)]
    names = {name for text in texts for name in parse_template(text).names}
    return Asks("any", frozenset({*names, *names_in(one.question)}))


def secret_names(options: Any) -> frozenset[str]:
    """The names of all secrets that the options refer to."""
    return frozenset(secrets_in(options))
