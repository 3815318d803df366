"""What stands readable is found in every form in which it could; what is sealed is not."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from urllib.parse import quote

import pytest

from syncgate.sandbox.city import City
from syncgate.sandbox.play.secrecy import patterns, personal_values, readable

VALUE = "阿依古丽·示例"
ID_NO = "99010119780213002X"


def found_in(folder: Path, content: bytes, *values: str) -> list[str]:
    file = folder / "gate.db"
    file.write_bytes(secrets.token_bytes(5000) + content + secrets.token_bytes(5000))
    return readable([file], patterns(values))


@pytest.mark.parametrize(
    "written",
    [
        VALUE.encode(),
        json.dumps(VALUE).encode(),
        json.dumps(VALUE).upper().replace("\\U", "\\u").encode(),
        quote(VALUE).encode(),
        VALUE.encode("utf-16-le"),
        VALUE.encode("gbk"),
        base64.b64encode(b"" + VALUE.encode()),
        base64.b64encode(b'"' + VALUE.encode() + b"rest"),
        base64.b64encode(b'{"' + VALUE.encode() + b"rest"),
    ],
)
def test_a_readable_value_is_found_in_every_form(tmp_path: Path, written: bytes) -> None:
    assert len(found_in(tmp_path, written, VALUE, ID_NO)) == 1


@pytest.mark.parametrize("lead", range(3))
def test_an_identity_number_is_found_in_base64_at_every_offset(tmp_path: Path, lead: int) -> None:
    assert found_in(tmp_path, base64.b64encode(b"x" * lead + ID_NO.encode() + b"yz"), ID_NO)


def test_nothing_is_found_in_sealed_bytes(tmp_path: Path, city: City) -> None:
    assert found_in(tmp_path, secrets.token_bytes(2_000_000), *personal_values(city.lives)) == []


def test_what_is_found_is_told_without_the_value(tmp_path: Path) -> None:
    assert all(VALUE not in told for told in found_in(tmp_path, VALUE.encode(), VALUE))


def test_all_persons_of_the_city_are_looked_for(city: City) -> None:
    values = personal_values(city.lives)
    for value in ("张示例", "李䶮", "阿依古丽·示例", ID_NO, "99010119870213002X", "15400000001", "东示区例甲巷4号"):
        assert value in values
    assert "示例市市场监督管理局" not in values
    assert "食品经营许可（餐饮服务）新办" not in values


def test_an_example_in_the_sites_own_files_is_no_persons_value(tmp_path: Path) -> None:
    public = f"  applicant:\n    name: {VALUE}\n    id_type: 111\n".encode()
    file = tmp_path / "gate.db"
    file.write_bytes(b"\0" * 50 + public + b"\0" * 50)
    assert readable([file], patterns([VALUE]), public=public) == []
    file.write_bytes(b"\0" * 50 + public + b'{"name": "' + VALUE.encode() + b'"}')
    assert len(readable([file], patterns([VALUE]), public=public)) == 1
