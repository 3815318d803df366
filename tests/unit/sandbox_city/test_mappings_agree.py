"""The site's mappings give exactly what was projected by hand, for every case of the city."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncgate.mapping import Context, Inputs, Mapped, Mapping, Unmappable, load_mapping, load_tables
from syncgate.sandbox.city import City, Life
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.expected.story import State, states

ROOT = Path(__file__).parents[3]
KEYS = {"orgbusno": "the-case", "bizKey": "the-case", "unid": "the-slot", "eventKey": "the-slot"}
STEPS = ("accepted", "declined", "step", "supplement_requested", "supplement_received", "decided")
PARTS = {
    "province": {
        "receiveProc": ("step", "stages", STEPS),
        "receiveSpecialnode": ("special", "stages", ("special_started", "special_ended")),
        "receiveApplyFile": ("material", "materials", ()),
        "receiveDone": ("done", "stages", ("finished",)),
    },
    "food": {"event": ("event", "stages", ())},
}
BASES = {"province": ("receiveBasicInfo", "basic_info"), "food": ("create", "application")}


@pytest.fixture(scope="module")
def mappings() -> dict[str, Mapping]:
    files = [*ROOT.glob("mappings/tables/*.yaml"), *ROOT.glob("mappings/*/tables/*.yaml")]
    tables = load_tables({str(f.relative_to(ROOT)): f.read_text("utf-8") for f in files})
    found = {}
    for system in ("province", "food", "workorders"):
        for file in (ROOT / "mappings" / system).glob("*.yaml"):
            mapping = load_mapping(file.read_text("utf-8"), str(file.relative_to(ROOT)), tables=tables)
            found[f"{system}/{file.stem}"] = mapping
    return found


def document_of(state: State) -> dict[str, Any]:
    """The canonical case that the gate would hold."""
    parts = {"stages": state.stages, "materials": state.materials}
    return state.case | {name: [part.content for part in held] for name, held in parts.items() if held}


def payload(mapping: Mapping, case: dict[str, Any], part: Any = None, ordinal: int = 1) -> Any:
    context = Context(case_id="the-case", slot_key="the-slot", ordinal=ordinal)
    match mapping.apply(Inputs(case, part, context)):
        case Mapped(payload=mapped):
            return {name: value for name, value in mapped.items() if KEYS.get(name) != value}
        case other:
            return other


def mapped_parts(
    mappings: dict[str, Mapping], system: str, case: dict[str, Any], taken: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """taken: the case as it was when its files were taken, of those that it had by then."""
    for operation, (message, part_list, kinds) in PARTS[system].items():
        parts = [part for part in case.get(part_list, ()) if not kinds or part["kind"] in kinds]
        parts = [part for part in parts if part.get("kind") != "applied"]
        for ordinal, part in enumerate(parts, 1):
            is_taken = part_list == "materials" and part in taken.get(part_list, ())
            yield operation, payload(mappings[f"{system}/{message}"], taken if is_taken else case, part, ordinal)


def held_by_mapping(mappings: dict[str, Mapping], system: str, life: Life) -> list[tuple[str, Any]]:
    """What the mappings make of a life: province keeps what it took before the first correction."""
    history = states(life)
    last = document_of(history[-1])
    gated = [n for n, state in enumerate(history) if any(g.system == "province" for g in state.waited_for)]
    taken = document_of(history[gated[0] - 1]) if gated and system == "province" else last
    operation, message = BASES[system]
    base = payload(mappings[f"{system}/{message}"], taken)
    return [(operation, base), *mapped_parts(mappings, system, last, taken)]


def planned(life: Life, operations: list[Any]) -> list[tuple[str, Any]]:
    """What is expected of a life without what takes a withdrawn case back, which the plan does not have."""
    last = states(life)[-1].withdrawal is not None
    return [(one["operation"], one["record"]) for one in (operations[:-1] if last else operations)]


def is_unreached(life: Life, system: str) -> bool:
    withdrawal = states(life)[-1].withdrawal
    return withdrawal is not None and system in withdrawal.unreached


@pytest.mark.parametrize("system", ["province", "food"])
@pytest.mark.parametrize("name", golden_documents())
def test_mappings_give_the_golden_payloads(mappings: dict[str, Mapping], name: str, system: str) -> None:
    golden, life = golden_documents()[name], golden_life(golden_documents()[name])
    if system in golden and not is_unreached(life, system):
        assert held_by_mapping(mappings, system, life) == planned(life, golden[system])


RETRACTIONS = {"province": "voided", "food": "withdrawn"}
WITHDRAWN = [
    (name, system)
    for name, golden in golden_documents().items()
    for system in RETRACTIONS
    if "withdrawn" in golden["traits"] and golden.get(system)
]


@pytest.mark.parametrize(("name", "system"), WITHDRAWN)
def test_what_takes_a_withdrawn_case_back_is_what_was_typed_by_hand(
    mappings: dict[str, Mapping], name: str, system: str
) -> None:
    golden = golden_documents()[name]
    last = states(golden_life(golden))[-1]
    assert last.withdrawal is not None
    stage = {"id": "withdrawn-1", "kind": "withdrawn", "at": last.withdrawal.at, "reason": last.withdrawal.reason}
    stage |= {"handler": {"name": last.withdrawal.by}}
    mapped = payload(mappings[f"{system}/{RETRACTIONS[system]}"], document_of(last), stage)
    assert mapped == golden[system][-1]["record"]


@pytest.mark.parametrize("system", ["province", "food"])
def test_mappings_give_the_whole_city_as_expected(
    mappings: dict[str, Mapping], city: City, lines: list[dict[str, Any]], system: str
) -> None:
    expected = {line["case_no"]: line["operations"] for line in lines if line["system"] == system}
    for life in city.every_life:
        if life.case_no not in expected or is_unreached(life, system):
            continue
        mapped = held_by_mapping(mappings, system, life)
        if isinstance(mapped[0][1], Unmappable):
            assert expected[life.case_no] == []
        else:
            assert mapped == planned(life, expected[life.case_no]), life.case_no


def test_the_hotline_cases_map_as_expected(
    mappings: dict[str, Mapping], city: City, lines: list[dict[str, Any]]
) -> None:
    orders = {line["case_no"]: line["operations"] for line in lines if line["system"] == "workorders"}
    for life in city.every_life:
        for operation in orders.get(life.case_no, ()):
            held = states(life)[-1].case
            assert payload(mappings["workorders/order"], held) == operation["record"]
