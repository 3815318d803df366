"""Sealed bytes open for their key and their place only; digests differ by purpose and by framing."""

from __future__ import annotations

import base64
import hmac
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.sealing import SealBroken, SiteKeyring, create_master, load_master

MASTER = bytes(range(32))
KEYRING = SiteKeyring(MASTER)
KEY = KEYRING.new_wrapped_key()


@given(st.binary(max_size=5000), st.text(max_size=20))
def test_what_was_sealed_opens_again(plain: bytes, place: str) -> None:
    assert KEYRING.open(KEY, KEYRING.seal(KEY, plain, bound_to=place), bound_to=place) == plain


def test_a_keyring_of_the_same_master_opens_it_after_a_restart() -> None:
    sealed = KEYRING.seal(KEY, b"plain", bound_to="x")
    assert SiteKeyring(MASTER).open(KEY, sealed, bound_to="x") == b"plain"


def test_sealing_twice_gives_different_bytes() -> None:
    assert KEYRING.seal(KEY, b"same", bound_to="x") != KEYRING.seal(KEY, b"same", bound_to="x")
    assert KEYRING.new_wrapped_key() != KEYRING.new_wrapped_key()


def test_text_is_packed_before_it_is_sealed() -> None:
    assert len(KEYRING.seal(KEY, "申请人姓名".encode() * 100, bound_to="x")) < 200


def test_sealed_bytes_show_nothing_of_the_plain_ones() -> None:
    assert b"15400000000" not in KEYRING.seal(KEY, b"15400000000", bound_to="x")


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_an_altered_byte_is_found(place: int) -> None:
    sealed = bytearray(KEYRING.seal(KEY, b"plain text of a case", bound_to="x"))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(SealBroken):
        KEYRING.open(KEY, bytes(sealed), bound_to="x")


def test_sealed_bytes_cannot_be_moved_to_another_place_or_key() -> None:
    sealed = KEYRING.seal(KEY, b"plain", bound_to="case 1")
    with pytest.raises(SealBroken):
        KEYRING.open(KEY, sealed, bound_to="case 2")
    with pytest.raises(SealBroken):
        KEYRING.open(KEYRING.new_wrapped_key(), sealed, bound_to="case 1")


def test_another_master_key_opens_nothing() -> None:
    other = SiteKeyring(b"\xff" * 32)
    with pytest.raises(SealBroken, match="another"):
        other.open(KEY, KEYRING.seal(KEY, b"plain", bound_to="x"), bound_to="x")


def test_an_erased_case_opens_no_more() -> None:
    with pytest.raises(SealBroken, match="erased"):
        KEYRING.open(b"", KEYRING.seal(KEY, b"plain", bound_to="x"), bound_to="x")


@pytest.mark.parametrize("garbage", [b"", b"\x01", b"\x01\x01", b"\x09\x00" + bytes(40), b"\x01\x00" + bytes(40)])
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(SealBroken):
        KEYRING.open(KEY, garbage, bound_to="x")
    with pytest.raises(SealBroken):
        KEYRING.seal(KEY[:20] + garbage[:3], b"plain", bound_to="x")


def test_a_digest_is_the_same_for_the_same_parts_only() -> None:
    assert KEYRING.mac("input", b"ab", b"c") == SiteKeyring(MASTER).mac("input", b"ab", b"c")
    digests = {
        KEYRING.mac("input", b"ab", b"c"),
        KEYRING.mac("input", b"a", b"bc"),
        KEYRING.mac("input", b"abc"),
        KEYRING.mac("input", b"abc", b""),
        KEYRING.mac("input"),
        KEYRING.mac("content", b"ab", b"c"),
        SiteKeyring(b"\xff" * 32).mac("input", b"ab", b"c"),
    }
    assert len(digests) == 7
    assert {len(digest) for digest in digests} == {16}


def test_injected_randomness_makes_sealing_repeatable() -> None:
    def zeros(size: int) -> bytes:
        return bytes(size)

    one, two = (SiteKeyring(MASTER, random=zeros) for _ in range(2))
    assert one.seal(one.new_wrapped_key(), b"p", bound_to="x") == two.seal(two.new_wrapped_key(), b"p", bound_to="x")


def test_no_key_shows_in_a_repr() -> None:
    shown = repr(KEYRING)
    assert MASTER.hex() not in shown
    assert repr(MASTER) not in shown


def test_a_created_master_key_is_loaded_again_and_private(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    master = create_master(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_master(file=file) == master
    assert len(master) == 32


def test_a_master_key_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    master = create_master(file)
    with pytest.raises(SiteInvalid, match="got one"):
        create_master(file)
    assert load_master(file=file) == master


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "master.key"
    create_master(file)
    given_master = os.urandom(32)
    monkeypatch.setenv("TEST_MASTER", base64.b64encode(given_master).decode())
    assert load_master(file=file, env="TEST_MASTER") == given_master


@pytest.mark.parametrize("content", ["", "not base64!", "c2hvcnQ=", "金"])
def test_a_bad_master_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "master.key"
    file.write_text(content, "utf-8")
    file.chmod(0o600)
    with pytest.raises(SiteInvalid) as failure:
        load_master(file=file)
    assert not content or content not in str(failure.value)


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    create_master(file)
    file.chmod(0o640)
    with pytest.raises(SiteInvalid, match="0600"):
        load_master(file=file)


def test_a_missing_master_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_MASTER", raising=False)
    with pytest.raises(SiteInvalid, match="TEST_MASTER"):
        load_master(env="TEST_MASTER")
    with pytest.raises(SiteInvalid, match=r"master\.key"):
        load_master(file=tmp_path / "master.key")


def test_a_master_key_of_another_size_is_refused() -> None:
    with pytest.raises(SiteInvalid, match="32"):
        SiteKeyring(b"short")


@given(st.text(max_size=80), st.lists(st.binary(max_size=300), max_size=4))
def test_a_digest_is_the_standard_one_of_its_framed_parts(purpose: str, parts: list[bytes]) -> None:
    key = HKDF(SHA256(), 32, salt=None, info=f"syncgate mac {purpose}".encode()).derive(MASTER)
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    assert KEYRING.mac(purpose, *parts) == hmac.digest(key, framed, "sha256")[:16]


@given(st.text(max_size=5), st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_a_digest_prepared_for_its_last_part_is_the_digest_of_all(purpose: str, parts: list[bytes]) -> None:
    prepared = KEYRING.mac_of_last(purpose, *parts[:-1])
    assert prepared(parts[-1]) == prepared(parts[-1]) == KEYRING.mac(purpose, *parts)
