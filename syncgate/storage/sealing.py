"""Seals what is personal: a key per case, wrapped under the site's master key; keyed digests for equality.

Sealed bytes are `version, packing, nonce, AES-256-GCM`; a wrapped key is `version, master's mark, nonce, AES-256-GCM`.
Erasing a case destroys its wrapped key, and with it every copy of what was sealed.
"""

from __future__ import annotations

import base64
import binascii
import os
import zlib
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncgate.domain.errors import SiteInvalid, SyncgateError

MASTER_SIZE: Final = 32
MAC_SIZE: Final = 16
VERSION: Final = b"\x01"
_PLAIN: Final = b"\x00"
_ZLIB: Final = b"\x01"
_NONCE_SIZE: Final = 12
_MARK_SIZE: Final = 4
_WRAPPED_FOR: Final = b"syncgate case key"
_BLOCK_SIZE: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_OPEN_LIMIT: Final = 256 * 1024 * 1024
"""More than this never comes out of sealed bytes, however well they are packed."""


class _Hash(Protocol):
    def copy(self) -> _Hash: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class SealBroken(SyncgateError):
    """Sealed bytes do not open: altered, moved to another place, or sealed under another key."""

    code = "seal_broken"
    actor = "operations"


class SiteKeyring:
    """The site's keys, derived from one master key. Nothing of them shows in a repr."""

    __slots__ = ("_begun", "_cipher", "_mark", "_random", "_wrapper")

    def __init__(self, master: bytes, *, random: Callable[[int], bytes] = os.urandom, remembered: int = 4096) -> None:
        """Args: master: 32 bytes; random: gives unpredictable bytes; remembered: unwrapped keys kept in memory."""
        if len(master) != MASTER_SIZE:
            raise SiteInvalid("expected a master key of {size} bytes, got {got}", size=MASTER_SIZE, got=len(master))
        self._random = random
        self._wrapper = AESGCM(_derive(master, "wrap"))
        self._mark = _derive(master, "mark")[:_MARK_SIZE]
        self._begun = lru_cache(maxsize=64)(lambda purpose: _begun_mac(_derive(master, f"mac {purpose}")))
        self._cipher = lru_cache(maxsize=remembered)(self._unwrap)

    def new_wrapped_key(self) -> bytes:
        """A fresh case key, wrapped."""
        nonce = self._random(_NONCE_SIZE)
        return VERSION + self._mark + nonce + self._wrapper.encrypt(nonce, self._random(32), _WRAPPED_FOR)

    def seal(self, wrapped_key: bytes, plain: bytes, *, bound_to: str, packs: bool = True) -> bytes:
        """Sealed bytes that open only with this key and for this place; `packs`: made smaller where that helps."""
        squeezed = zlib.compress(plain, 1) if packs else plain
        packing, body = (_ZLIB, squeezed) if len(squeezed) < len(plain) else (_PLAIN, plain)
        head = VERSION + packing
        nonce = self._random(_NONCE_SIZE)
        return head + nonce + self._cipher(wrapped_key).encrypt(nonce, body, head + bound_to.encode())

    def open(self, wrapped_key: bytes, sealed: bytes, *, bound_to: str) -> bytes:
        """What was sealed.

        Raises:
            SealBroken: altered, moved, or sealed under another key; or the case's key is destroyed.
        """
        head, nonce, body = sealed[:2], sealed[2 : 2 + _NONCE_SIZE], sealed[2 + _NONCE_SIZE :]
        if head not in (VERSION + _PLAIN, VERSION + _ZLIB):
            raise SealBroken("expected sealed bytes of version 1, got others")
        try:
            plain = self._cipher(wrapped_key).decrypt(nonce, body, head + bound_to.encode())
        except (InvalidTag, ValueError):
            raise SealBroken("expected sealed bytes of this place and key, got others") from None
        return _unpacked(plain) if head[1:] == _ZLIB else plain

    def mac(self, purpose: str, *parts: bytes) -> bytes:
        """A keyed digest of 16 bytes, different for every purpose and for every way of splitting the parts."""
        inner, outer = self._begun(purpose)
        inner, outer = inner.copy(), outer.copy()
        for part in parts:
            inner.update(pack(">Q", len(part)) + part)
        outer.update(inner.digest())
        return outer.digest()[:MAC_SIZE]

    def mac_of_last(self, purpose: str, *parts: bytes) -> Callable[[bytes], bytes]:
        """Gives `mac` of these parts and one more: what stays the same is taken in once, for many that differ."""
        inner, outer = self._begun(purpose)
        inner = inner.copy()
        for part in parts:
            inner.update(pack(">Q", len(part)) + part)
        begin, end = inner.copy, outer.copy

        def mac(last: bytes) -> bytes:
            within, around = begin(), end()
            within.update(pack(">Q", len(last)) + last)
            around.update(within.digest())
            return around.digest()[:MAC_SIZE]

        return mac

    def _unwrap(self, wrapped_key: bytes) -> AESGCM:
        head, rest = wrapped_key[: 1 + _MARK_SIZE], wrapped_key[1 + _MARK_SIZE :]
        if not wrapped_key:
            raise SealBroken("expected a case key, got none: the case is erased")
        if head != VERSION + self._mark:
            raise SealBroken("expected a case key under this site's master key, got one under another")
        try:
            return AESGCM(self._wrapper.decrypt(rest[:_NONCE_SIZE], rest[_NONCE_SIZE:], _WRAPPED_FOR))
        except (InvalidTag, ValueError):
            raise SealBroken("expected a whole wrapped case key, got an altered one") from None


def load_master(*, file: Path | None = None, env: str | None = None) -> bytes:
    """The site's master key, from a file or from an environment variable; Base64 of 32 bytes in either.

    Raises:
        SiteInvalid: it is missing, readable by others, or not 32 bytes; the message names the place only.
    """
    if env is not None and env in os.environ:
        return _decoded(os.environ[env], f"environment variable {env}")
    if file is None:
        raise SiteInvalid("expected the master key in {place}, got nothing", place=env or "a file or a variable")
    try:
        mode = file.stat().st_mode
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise SiteInvalid("expected the master key in {file}, got no readable file", file=file) from None
    if mode & 0o077:
        raise SiteInvalid(f"expected {file} to be its owner's alone (mode 0600), got {mode & 0o777:04o}")
    return _decoded(text, str(file))


def create_master(file: Path, *, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """A new master key, written to a file that must not be there yet, mode 0600 and flushed.

    Raises:
        SiteInvalid: the file is there already; a master key is never replaced.
    """
    master = random(MASTER_SIZE)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SiteInvalid("expected no master key in {file} yet, got one", file=file) from None
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(base64.b64encode(master) + b"\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return master


def _begun_mac(key: bytes) -> tuple[_Hash, _Hash]:
    """HMAC-SHA-256 of a key with nothing taken in yet: its two hashes, to be copied for every message.

    Half of what a short message costs is the key. Source: RFC 2104 §4.
    """
    block = key.ljust(_BLOCK_SIZE, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"syncgate {purpose}".encode()).derive(master)


def _unpacked(squeezed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(squeezed, _OPEN_LIMIT)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise SealBroken("expected whole packed bytes within the limit, got others")
    return plain


def _decoded(text: str, place: str) -> bytes:
    try:
        master = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise SiteInvalid("expected Base64 in {place}, got something else", place=place) from None
    if len(master) != MASTER_SIZE:
        raise SiteInvalid(
            "expected a master key of {size} bytes in {place}, got {got}",
            size=MASTER_SIZE,
            place=place,
            got=len(master),
        )
    return master
