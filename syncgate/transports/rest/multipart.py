"""A payload and a file as `multipart/form-data` (RFC 7578): all but the file's bytes, which are read as they leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from syncgate.ports import SentFile
from syncgate.transports.content import Base64Content, Content, MultipartContent, UrlContent
from syncgate.transports.rest.bodies import Write, content_type_of, fields_of
from syncgate.transports.rest.http import Streamed
from syncgate.transports.rest.options import OperationOptions, RestOptions
from syncgate.transports.rest.signing import schemes_with
from syncgate.transports.rest.unsendable import unfit

_BOUNDARY: Final = "syncgate-"
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""How browsers write what would end a name (HTML Living Standard, multipart form data)."""


def boundary_of(token: bytes) -> str:
    """A line that no file holds, from unpredictable bytes."""
    return _BOUNDARY + token.hex()


def streamed(operation: OperationOptions, write: Write, payload: Any, file: SentFile, boundary: str) -> Streamed:
    """The body of a payload and a file. Raises Unsendable."""
    parts = b"".join(_parts(operation, write, payload, file, boundary))
    return Streamed(
        head=parts + _file_head(file, boundary),
        tail=f"\r\n--{boundary}--\r\n".encode(),
        size=file.size,
        pieces=file.pieces,
    )


def kept_of(body: Streamed, file: SentFile) -> bytes:
    """What evidence keeps of the body: the file's size and digest in place of its bytes."""
    return body.head + f"[{file.size} bytes, digest {file.digest}]".encode() + body.tail


def _parts(operation: OperationOptions, write: Write, payload: Any, file: SentFile, boundary: str) -> Iterator[bytes]:
    if file.payload_name is not None:
        yield _part(boundary, file.payload_name.encode(), write(payload), content_type_of(operation))
        return
    charset = operation.charset
    media = None if charset == "utf-8" else f"text/plain; charset={charset}"
    for name, text in fields_of(operation, payload):
        yield _part(boundary, name.translate(_ESCAPES).encode(charset), text.encode(charset), media)


def _part(boundary: str, name: bytes, body: bytes, media: str | None) -> bytes:
    head = b"--" + boundary.encode() + b'\r\nContent-Disposition: form-data; name="' + name + b'"\r\n'
    return head + (f"Content-Type: {media}\r\n".encode() if media else b"") + b"\r\n" + body + b"\r\n"


def _file_head(file: SentFile, boundary: str) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{file.name}"; '.encode()
    return head + _named(file) + f"\r\nContent-Type: {file.media_type}\r\n\r\n".encode()


def _named(file: SentFile) -> bytes:
    if file.file_name_charset == "rfc5987":
        plain = "".join(sign if sign.isascii() else "_" for sign in file.file_name).translate(_ESCAPES)
        return f"filename=\"{plain}\"; filename*=UTF-8''{quote(file.file_name, safe='')}".encode()
    try:
        return b'filename="' + file.file_name.translate(_ESCAPES).encode(file.file_name_charset) + b'"'
    except UnicodeEncodeError as error:
        got = f"U+{ord(file.file_name[error.start]):04X}"
        note = f"file_name: expected characters of {file.file_name_charset}, got {got}"
        raise unfit(note, reason="unencodable", actor="source") from None


def content_problems(options: RestOptions, name: str, content: Content, quirks: Any) -> Iterator[str]:
    """What is wrong with how a file goes along with an operation."""
    operation = options.operations.get(name)
    if operation is None:
        return
    if operation.method == "GET":
        yield f"expected operation {name!r} to have a body for a file, got GET"
    if isinstance(content, MultipartContent):
        yield from _multipart_problems(options, name, operation, content, quirks)
    elif isinstance(content, Base64Content | UrlContent) and operation.body == "form" and len(content.tokens) > 1:
        yield f"expected a member of the form itself for operation {name!r}, got {content.at!r}"


def _multipart_problems(
    options: RestOptions, name: str, operation: OperationOptions, content: MultipartContent, quirks: Any
) -> Iterator[str]:
    if content.payload_name is None and operation.body != "form":
        yield f"expected 'payload_name', or body: form for operation {name!r}, got body: {operation.body}"
    if content.payload_name == content.name:
        yield f"expected a 'payload_name' of its own, got {content.name!r} again"
    if any(header.lower() == "content-type" for header in (*options.headers, *operation.headers)):
        yield f"expected no Content-Type header for operation {name!r}, got one: it names the boundary"
    schemes: Mapping[str, Any] = schemes_with(quirks)
    scheme = schemes.get(options.signing.scheme)
    if scheme is not None and scheme.reads_body:
        yield f"expected a signing that leaves the body alone for a file, got {options.signing.scheme!r}"
