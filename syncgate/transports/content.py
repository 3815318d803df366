"""What an adapter says under `content` of a message of materials: how the bytes of the file go along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Discriminator, Field, StrictStr, Tag

from syncgate.transports.pointer import parse_pointer
from syncgate.values import Model, Size, Wait

_LARGEST_TEXT: Final = 64 * 1024**2


def _place(text: str) -> str:
    """A pointer to a member of an object, or of one within it."""
    tokens = parse_pointer(text)
    if not tokens or any(not token or token.isdigit() for token in tokens):
        raise ValueError(f'expected the place of a member such as "/file/data", got {text!r}')
    return text


Place = Annotated[StrictStr, AfterValidator(_place)]


class _InPayload(Model):
    at: Place

    @property
    def tokens(self) -> tuple[str, ...]:
        """Where in the payload it stands."""
        return parse_pointer(self.at)


class Base64Content(_InPayload):
    """`as: base64`: the file stands in the payload as text.

    Attributes:
        at: JSON Pointer of its place in the payload; the mapping fills nothing there.
        size_at_most: bytes of a file; a larger one is parked. All of it is in memory while it is sent.
    """

    way: Annotated[Literal["base64"], Field(alias="as")]
    size_at_most: Annotated[Size, Field(ge=1, le=_LARGEST_TEXT)] = 10 * 1024**2


class UrlContent(_InPayload):
    """`as: url`: a link to the file stands in the payload; the system fetches it from us without a key.

    Attributes:
        at: JSON Pointer of its place in the payload; the mapping fills nothing there.
        valid_for: how long after the sending.
        size_at_most: bytes of a file; a larger one is parked.
    """

    way: Annotated[Literal["url"], Field(alias="as")]
    valid_for: Annotated[Wait, Field(le=timedelta(days=30))] = timedelta(days=1)
    size_at_most: Annotated[Size, Field(ge=1)] | None = None


class MultipartContent(Model):
    """`as: multipart`: the file is a part of a `multipart/form-data` body, and read while it leaves.

    Attributes:
        name: of the file's part.
        payload_name: the payload is one part of this name, written as the operation says; left out: each of its
            members is a part of its own, with `body: form`.
        file_name: `id` makes it of the material's id and the file's kind; `record` takes the one in the case, and
            the id where it has none.
        file_name_charset: of the bytes of the file's name; `rfc5987` writes it percent-encoded, as `filename*`.
        size_at_most: bytes of a file; a larger one is parked.
    """

    way: Annotated[Literal["multipart"], Field(alias="as")]
    name: Annotated[StrictStr, Field(pattern=r"^[0-9A-Za-z._-]{1,100}$")]
    payload_name: Annotated[StrictStr, Field(pattern=r"^[0-9A-Za-z._-]{1,100}$")] | None = None
    file_name: Literal["id", "record"] = "id"
    file_name_charset: Literal["utf-8", "gbk", "gb18030", "rfc5987"] = "utf-8"
    size_at_most: Annotated[Size, Field(ge=1)] | None = None


def _shape(value: Any) -> str:
    if isinstance(value, BaseModel):
        return str(getattr(value, "way", ""))
    return str(value.get("as", "")) if isinstance(value, dict) else "none"


Content = Base64Content | MultipartContent | UrlContent
ContentRule = Annotated[
    Annotated[Literal["none"], Tag("none")]
    | Annotated[Base64Content, Tag("base64")]
    | Annotated[MultipartContent, Tag("multipart")]
    | Annotated[UrlContent, Tag("url")],
    Discriminator(_shape),
]
"""`none`: the payload tells of the file, and the file itself does not go along."""


def links_only(_options: Any, _operation: str, content: Content, _quirks: Any) -> Iterator[str]:
    """What is wrong with a content where a transport carries values and no files: all but a link."""
    if not isinstance(content, UrlContent):
        yield f"expected content none or url with this transport, got {content.way}"
