"""What a site says of a list from which a source's records are fetched."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator

from syncgate.transports.pointer import parse_pointer
from syncgate.transports.rest.options import (
    BaseUrl,
    Charset,
    HeaderMap,
    OperationOptions,
    Path,
    RestOptions,
    TlsOptions,
    _Model,
    asks,
)
from syncgate.transports.rest.question import Question
from syncgate.transports.rest.signing import AepOptions, ApiKeyOptions, BearerOptions, NoSigning, TifOptions
from syncgate.transports.rest.text import TemplateText

READY: Final = "ready"
"""The operation that lists what is ready."""
_ASKED_WITH: Final = {"cursor": "cursor", "keyset": "after"}
"""By the way of paging: the placeholder for where the next page begins."""


def _pointer(text: str) -> str:
    parse_pointer(text)
    return text


Pointer = Annotated[StrictStr, Field(max_length=500), AfterValidator(_pointer)]
ListSigning = Annotated[
    NoSigning | TifOptions | AepOptions | BearerOptions | ApiKeyOptions, Field(discriminator="scheme")
]


class ListPaging(_Model):
    """How one page leads to the next.

    Attributes:
        by: `cursor`: the answer names where the next page begins; `keyset`: it begins after a value of the last record.
        at: where that is: of the answer for `cursor`, of a record for `keyset`.
        size: records of a page, asked for with `{size}`.
    """

    by: Literal["cursor", "keyset"] = "cursor"
    at: Annotated[Pointer, Field(min_length=1)]
    size: Annotated[StrictInt, Field(ge=1, le=1000)] = 200


class RestInboxOptions(_Model):
    """A list from which a source's records are fetched over HTTP.

    Attributes:
        base_url: where the source is.
        path: of the list.
        method: how it is asked.
        query: parameters; `{cursor}` or `{after}`, and `{size}`, stand for what a page is asked by.
        question: the body of a POST, in which they may stand too.
        headers: sent with every request.
        signing: how requests are signed.
        tls: whom to trust.
        client: the HTTP client: `fast`, `plain`, or None for fast where it can be had.
        answer_charset: of an answer that declares none.
        records: where in the answer the list is; empty: the answer is the list.
        key: where in a record that is which tells it from the others, for good.
        paging: how one page leads to the next.
        timeout: seconds for one request.
    """

    base_url: BaseUrl
    path: Path
    method: Literal["GET", "POST"] = "GET"
    query: dict[StrictStr, TemplateText] = Field(default_factory=dict)
    question: Question | None = None
    headers: HeaderMap = Field(default_factory=dict)
    signing: ListSigning = NoSigning()
    tls: TlsOptions = TlsOptions()
    client: Literal["fast", "plain"] | None = None
    answer_charset: Charset = "utf-8"
    records: Pointer = ""
    key: Annotated[tuple[Annotated[Pointer, Field(min_length=1)], ...], Field(min_length=1)]
    paging: ListPaging
    timeout: Annotated[StrictInt, Field(ge=1, le=300)] = 30

    @model_validator(mode="after")
    def _asks_for_the_next_page(self) -> Self:
        wanted = _ASKED_WITH[self.paging.by]
        named = asks(self.as_rest(), READY).keys
        problems = [] if wanted in named else [f"expected the placeholder {wanted} in the request, got none"]
        unasked = ", ".join(sorted(named - {wanted, "size"}))
        if unasked:
            problems.append(f"expected no placeholders but {wanted} and size, got {unasked}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def as_rest(self) -> RestOptions:
        """The same as the options of a system that lists what is ready."""
        ready = OperationOptions(
            method=self.method,
            path=self.path,
            query=self.query,
            question=self.question,
            answer_charset=self.answer_charset,
        )
        return RestOptions(
            base_url=self.base_url,
            headers=self.headers,
            signing=self.signing,
            client=self.client,
            tls=self.tls,
            connections=1,
            operations={READY: ready},
        )
