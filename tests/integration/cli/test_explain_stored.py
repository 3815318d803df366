"""A case that a gate has, explained over its command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.cli.conftest import Site, eventually
from tests.support.cases import a_hotline_case

ADDRESS = "东示区示例路2号"
NAMED = ("mapping", "explain", "workorders", "order", "window:HL2026000001")


def test_a_stored_case_is_explained_by_its_number_as_it_was_sent(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(a_hotline_case(), ensure_ascii=False), "utf-8")
    site.serve()
    assert site.ask("submit", file, "--source", "window")["new"] == 1
    assert eventually(lambda: site.ask(*NAMED)["phase"] == "delivered")
    told = site.ask(*NAMED)
    assert (told["planned"], told["revision"], told["explanation"]["result"]) == (True, 1, "mapped")
    shown = site.run(*NAMED)
    assert shown.out.startswith("window:HL2026000001 workorders order: ")
    assert shown.out.splitlines()[0].endswith("   mappings/workorders/order.yaml")
    assert '= "HL2026000001" <- case.case_no' in shown.out
    assert ADDRESS not in shown.out and "夜间施工噪声" in shown.out
    by_id = (*NAMED[:-1], told["case"]["case_id"])
    assert site.run(*by_id).out == shown.out == site.run(*NAMED, "--active").out
    zh = site.run("--language", "zh", *NAMED)
    assert zh.out.startswith("window:HL2026000001 workorders order：填写 ")
    assert "nearest known is 'order'" in site.run(*NAMED[:3], "ordr", NAMED[-1]).err
    assert site.run(*NAMED[:-1], "window:none").code == 1
