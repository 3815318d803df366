"""A mapping that is wrong does not load, and says everything that is wrong with its place."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate import documents, mapping
from syncgate.documents import ProblemSet
from tests.unit.mapping.one_field import TABLES, load, problems

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "case_no": {"type": "string"},
        "applicant": {"$ref": "#/$defs/person"},
        "materials": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}},
        },
        "stages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string"},
                    "at": {"type": "string"},
                    "handler": {"$ref": "#/$defs/person"},
                },
            },
        },
        "form": {"type": "object", "properties": {"主体业态": {"type": "string"}}},
        "references": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "allOf": [{"then": {"properties": {"case_no": {"maxLength": 9}}}}],
    "$defs": {
        "person": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "type": {"enum": ["a"]}},
        }
    },
}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ("f: 1", ["1:4: expected a path or an operation, got 1: write {const: 1}"]),
        ("f: true", ["1:4: expected a path or an operation, got true: write {const: true}"]),
        ("f: [case.a]", ["1:4: expected a path or an operation, got a list: write {list: [...]}"]),
        (
            "f: 无",
            ["1:4: expected a path that starts with case, got '无'; a constant is written {const: 无}"],
        ),
        ("f: csae.name", ["1:4: expected a path that starts with case, got 'csae.name'; the nearest known is 'case'"]),
        (
            "f: stage.at",
            ["1:4: expected a path that starts with case, got 'stage.at'; a constant is written {const: stage.at}"],
        ),
        (
            "f: it.name",
            ["1:4: expected a path that starts with case, got 'it.name'; a constant is written {const: it.name}"],
        ),
        (
            "f: case.materials.0.name",
            ["1:4: expected a name, got the index 0: a list is read with each, a key of digits as a list of names"],
        ),
        ("f: {path: [case, 0]}", ["1:11: expected a path or a list of its names, each a text"]),
        ("f: case..name", ["1:4: expected a name between the dots of 'case..name', got none"]),
        ("f: {tabel: a, of: case.x}", ["1:5: unknown operation 'tabel'; the nearest known is 'table'"]),
        ("f: {name: case.x}", ["1:5: unknown operation 'name'; an object of fields is written {object: {...}}"]),
        ("f: {text: case.x, table: a}", ["1:19: expected one operation, got text and table"]),
        ("f: {optional: true}", ["1:4: expected an operation, got none"]),
        ("f: {text: case.x, limt: 3}", ["1:19: unknown key of text 'limt'; the nearest known is 'limit'"]),
        ("f: {path: case.x, optional: false}", ["1:29: expected 'optional: true' or no such key"]),
        (
            "f: {text: {path: case.x, optional: true}}",
            ["1:26: optional has no meaning here: write it at the outermost expression of the field or item"],
        ),
        (
            "f: {object: {g: {path: case.x, compared: false}}}",
            ["1:32: compared has no meaning here: write it at the outermost expression of a payload's field"],
        ),
        (
            "f: {path: case.x, optional: true, when_absent: case.y}",
            ["1:19: expected optional or when_absent, got both"],
        ),
        ("f: {path: case.x, empty_as: nothing}", ["1:29: unknown empty_as 'nothing'; expected one of absent, keep"]),
        ("f: {const: 1, optional: true}", ["1:4: a constant is never absent: expected no other key beside const"]),
        (
            "f: {table: aplicant_type, of: case.x}",
            ["1:12: unknown table 'aplicant_type'; the nearest known is 'applicant_type'"],
        ),
        (
            "f: {table: organisations, of: case.x}",
            ["1:12: expected a code table, got 'organisations', which is of the other kind"],
        ),
        ("f: {table: applicant_type}", ["1:4: expected the key 'of', got none"]),
        (
            "f: {table: applicant_type, of: case.x, otherwise: 9}",
            ["1:51: expected 'error', 'keep' or {const: ...} as otherwise"],
        ),
        (
            "f: {table: unsaid, of: case.x}",
            ["1:5: the table 'unsaid' gives one code for two of ours: write 'lossy: true' if that is meant"],
        ),
        (
            "f: {table: short, of: case.x, reverse: true}",
            ["1:31: the table 'short' has a code twice and cannot be reversed"],
        ),
        (
            "f: {row: organisations, key: case.x, column: cod}",
            [
                "1:4: the rows of 'organisations' hold for a time: expected 'at', got none",
                "1:46: unknown column of organisations 'cod'; the nearest known is 'code'",
            ],
        ),
        (
            'f: {time: case.x, format: "%Y-%q"}',
            [
                "1:27: unknown directive '%q'; "
                "expected one of %Y, %m, %d, %H, %M, %S, %f, %b, %B, %I, %p, %z, %-m, %-d, %-H, %-I"
            ],
        ),
        (
            'f: {time: case.x, format: "%Y %z"}',
            ["1:27: %z is only read: without a format a time is written with its offset"],
        ),
        ('f: {time: case.x, format: "%m %b"}', ["1:27: %m and %b are one part"]),
        ('f: {time: case.x, format: "%I:%M"}', ["1:27: expected %I and %p together, got one of them"]),
        ('f: {time: case.x, format: "%H %p"}', ["1:27: expected %I and %p together, got one of them"]),
        (
            'f: {time: case.x, format: "%Y%"}',
            [
                "1:27: unknown directive '%'; "
                "expected one of %Y, %m, %d, %H, %M, %S, %f, %b, %B, %I, %p, %z, %-m, %-d, %-H, %-I"
            ],
        ),
        (
            'f: {parse_time: case.x, format: "%Y-%-m%d"}',
            ["1:33: expected something other than digits beside %f and a directive with '-', got digits"],
        ),
        (
            'f: {parse_time: case.x, format: "%Y-%m-%d %H:%M:%S.%f0"}',
            ["1:33: expected something other than digits beside %f and a directive with '-', got digits"],
        ),
        (
            "f: {parse_time: case.x, format: '%Y%m%d', fold: first}",
            ["1:49: unknown fold 'first'; expected one of earlier, error, later"],
        ),
        (
            "f: {parse_number: case.x, as: text, thousands: '.'}",
            ["1:37: expected a separator without digits, points and signs"],
        ),
        ("f: {path: case.x, absent_as: []}", ["1:30: expected a list for absent_as, got an empty list"]),
        ("f: {path: case.x, absent_as: N/A}", ["1:30: expected a list for absent_as, got a text"]),
        (
            "f: {path: case.x, absent_as: [null, [a], '']}",
            [
                "1:31: expected a value that means nothing, got nothing",
                "1:37: expected a value that means nothing, got a list",
                "1:42: an empty text that means nothing is written 'empty_as: absent'",
            ],
        ),
        ("f: {const: 1, absent_as: [2]}", ["1:4: a constant is never absent: expected no other key beside const"]),
        ("f: {each: case.x, do: it, one_as: lst}", ["1:35: unknown one_as 'lst'; the nearest known is 'list'"]),
        ("f: {context: record_no}", ["1:14: the context value 'record_no' belongs in a mapping inward"]),
        ('f: {time: case.x, format: "%Y%Y"}', ["1:27: the directive '%Y' stands twice"]),
        ("f: {time: case.x, format: now}", ["1:27: expected a format with directives such as %Y-%m-%d, got none"]),
        (
            "f: {time: case.x, zone: Asia/Shangai}",
            ["1:25: expected a time zone such as Asia/Shanghai, got 'Asia/Shangai'"],
        ),
        ('f: {parse_time: case.x, format: "%H:%M"}', ["1:33: expected %Y, %m and %d, got no %Y and no %m and no %d"]),
        ("f: {parse_time: case.x}", ["1:4: expected one of the keys 'format' and 'formats'"]),
        ("f: {number: case.x}", ["1:4: expected the key 'as', got none"]),
        ("f: {number: case.x, as: int}", ["1:25: unknown as 'int'; the nearest known is 'integer'"]),
        ("f: {number: case.x, as: number, unit: m}", ["1:33: a unit needs 'as: text'"]),
        ("f: {number: case.x, as: integer, decimals: 2}", ["1:34: an integer has no decimals"]),
        ("f: {number: case.x, as: text, rounding: half_up}", ["1:31: rounding needs 'decimals' or 'as: integer'"]),
        ("f: {number: case.x, as: text, decimals: -1}", ["1:41: expected a whole number from 0 to 20 as 'decimals'"]),
        ("f: {text: case.x, steps: [trimm]}", ["1:27: unknown step 'trimm'; the nearest known is 'trim'"]),
        ("f: {text: case.x, steps: [{trim: 1}]}", ["1:34: the step trim takes nothing"]),
        (
            "f: {text: case.x, steps: [{slice: [3, 1]}]}",
            ["1:35: the step slice takes [from] or [from, to], counted in characters from 0"],
        ),
        ("f: {text: case.x, steps: trim}", ["1:26: expected a list of steps, got a text"]),
        (
            "f: {text: case.x, limit: {bytes: 3, beyond: error}}",
            ["1:26: a limit in bytes names its charset: expected the key 'charset', got none"],
        ),
        ("f: {text: case.x, limit: {chars: 3}}", ["1:26: expected 'beyond: error' or 'beyond: cut', got neither"]),
        (
            "f: {text: case.x, limit: {bytes: 3, charset: gkb, beyond: cut}}",
            ["1:46: unknown charset 'gkb'; the nearest known is 'gbk'"],
        ),
        (
            "f: {text: case.x, limit: {bytes: 1, charset: gbk, beyond: cut, marker: …}}",
            ["1:72: expected a marker within the limit of 1, got a longer one"],
        ),
        (
            "f: {text: case.x, limit: {bytes: 9, charset: gbk, beyond: cut, marker: €}}",
            ["1:72: expected a marker that gbk has, got another one"],
        ),
        (
            "f: {text: case.x, limit: {chars: 9, beyond: error, marker: x}}",
            ["1:60: a marker needs 'beyond: cut'"],
        ),
        ("f: {text: case.x, unencodable: {table: rare}}", ["1:19: unencodable needs a charset"]),
        ("f: {choose: [{when: {present: case.x}}]}", ["1:14: expected the key 'then', got none"]),
        (
            "f: {choose: [{when: {presnt: case.x}, then: case.y}]}",
            ["1:22: unknown condition 'presnt'; the nearest known is 'present'"],
        ),
        (
            "f: {choose: [{when: {equals: [case.x, {const: null}]}, then: case.y}]}",
            ["1:39: nothing equals null: write {not: {present: ...}}"],
        ),
        (
            "f: {choose: [{when: {in: [case.x, [a]]}, then: case.y}]}",
            ["1:35: expected {const: [...]} or {list: [...]} to look in"],
        ),
        (
            'f: {choose: [{when: {at_least: [case.x, {const: "1"}]}, then: case.y}]}',
            ["1:41: expected a number as bound, got a text"],
        ),
        (
            "f: {choose: [{when: {present: {text: case.x}}, then: case.y}]}",
            ["1:31: expected a path, a constant or a context value in a condition, got text"],
        ),
        ("f: {choose: [{when: {all: []}, then: case.y}]}", ["1:27: expected a list for all, got an empty list"]),
        ("f: {first: []}", ["1:12: expected a list for first, got an empty list"]),
        ("f: {each: case.x}", ["1:4: expected the key 'do', got none"]),
        ("f: {context: sent}", ["1:14: unknown context value 'sent'; the nearest known is 'sent_at'"]),
        ("f: {context: case_id, zone: UTC}", ["1:23: zone goes only with {context: sent_at}"]),
        ("f: {function: hash}", ["1:15: unknown function 'hash'"]),
        ("f: {split: case.x}", ["1:4: expected the key 'on', got none"]),
    ],
)
def test_a_problem_has_its_exact_place_and_says_what_was_expected(payload: str, found: list[str]) -> None:
    assert problems(payload) == found


def test_every_problem_of_a_mapping_is_reported_at_once() -> None:
    payload = "a: 1\nb: {tabel: x}\nc: {object: {d: {text: 2}, e: stage.at}}\n"
    assert [problem.split(": ")[0] for problem in problems(payload)] == ["1:4", "2:5", "3:24", "3:31"]


def test_an_expression_that_nests_too_deep_is_refused() -> None:
    payload = "f: " + "{text: " * 20 + "case.x" + "}" * 20
    assert "expected at most 16 nested expressions, got more" in problems(payload)[0]


def test_the_deepest_nesting_that_loads_also_compiles() -> None:
    payload = "f: " + "{each: case.x, where: {present: it}, do: " * 15 + "it" + "}" * 15
    assert load(payload).paths == {"case.x.*"}


def test_an_inward_mapping_knows_its_own_context_and_no_references() -> None:
    payload = "a: {context: case_id}\nb: {remote_ref: x}\nc: case.x\nd: {context: record_no}\ne: {context: bach}"
    assert problems(payload, direction="in", reads="record") == [
        "1:14: the context value 'case_id' belongs in a mapping outward",
        "2:5: remote_ref has no meaning here: it belongs in a mapping outward",
        "3:4: expected a path that starts with record, got 'case.x'; a constant is written {const: case.x}",
        "5:14: unknown context value 'bach'; the nearest known is 'batch'",
    ]


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ("f: case.aplicant.name", ["1:4: unknown field of case 'aplicant'; the nearest known is 'applicant'"]),
        ("f: case.applicant.nam", ["1:4: unknown field of case.applicant 'nam'; the nearest known is 'name'"]),
        (
            "f: case.applicant.name.first",
            ["1:4: case.applicant.name is no object: expected the end of the path, got 'first'"],
        ),
        ("f: case.materials.name", ["1:4: case.materials is a list: it is read with each, got 'name' below it"]),
        (
            "f: {each: case.materials, where: {present: it.nam}, do: it.titel}",
            [
                "1:44: unknown field of it 'nam'; the nearest known is 'name'",
                "1:57: unknown field of it 'titel'; expected one of name",
            ],
        ),
        ("f: {each: case.applicant, do: it}", ["1:11: expected a list for each, and case.applicant is none"]),
        (
            "f: {table: own, of: {first: [case.x]}}",
            [
                "1:30: unknown field of case 'x'; "
                "expected one of applicant, case_no, form, materials, references, stages"
            ],
        ),
    ],
)
def test_a_path_that_the_canonical_schema_lacks_is_a_problem(payload: str, found: list[str]) -> None:
    assert problems(payload, schema=SCHEMA) == found


def test_what_the_schema_leaves_open_is_free() -> None:
    payload = (
        "a: case.form.主体业态\nb: case.form.别的.更深\nc: case.references.food\n"
        "d: {each: case.form.经营项目, do: it.x}\ne: {each: {split: case.case_no, on: x}, do: it}\nf: case.case_no"
    )
    load(payload, schema=SCHEMA)


def test_a_part_is_checked_against_its_own_list() -> None:
    found = problems("a: stage.att\nb: stage.handler.nam\nc: stage.id", reads="stage", schema=SCHEMA)
    assert found == [
        "1:4: unknown field of stage 'att'; the nearest known is 'at'",
        "2:4: unknown field of stage.handler 'nam'; the nearest known is 'name'",
    ]


def test_an_inward_mapping_writes_only_what_a_case_has() -> None:
    payload = (
        "case_no: record.n\napplicant: {object: {nam: record.x}}\nform: {object: {任意: record.y}}\ntitle: record.t"
    )
    assert problems(payload, direction="in", reads="record", schema=SCHEMA) == [
        "2:22: unknown field of case.applicant 'nam'; the nearest known is 'name'",
        "4:1: unknown field of case 'title'; expected one of applicant, case_no, form, materials, references, stages",
    ]


# --- the document ----------------------------------------------------------------------------------------


def document_problems(text: str, file: str = "mappings/food/application.yaml") -> list[str]:
    with pytest.raises(ProblemSet) as raised:
        mapping.load_mapping(text, file)
    return [str(problem).removeprefix(f"{file}:") for problem in raised.value.problems]


GOOD = "mapping: food/application\ndirection: out\nreads: case\npayload: {a: case.a}\nexamples: [%s]\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[]", ["1:1: expected a mapping, got a list"]),
        (
            "{}",
            [
                "1:1: expected at least one example under 'examples', got none",
                "1:1: expected the key 'direction', got none",
                "1:1: expected the key 'mapping', got none",
                "1:1: expected the key 'payload', got none",
                "1:1: expected the key 'reads', got none",
            ],
        ),
        (
            GOOD.replace("food/", "fod/").replace("out", "outt").replace("reads", "read")
            % "{name: a, case: {}, gives: {}}",
            [
                "1:1: expected the key 'reads', got none",
                "1:10: expected 'mapping: food/application', the path of its file",
                "2:12: unknown direction 'outt'; the nearest known is 'out'",
                "3:1: unknown key 'read'; the nearest known is 'reads'",
            ],
        ),
        (
            GOOD % "{case: {}, record: {}, part: x, gives: {}, waits_for: y}",
            [
                "5:12: expected a text as 'name', got none",
                "5:12: expected no key 'part'",
                "5:12: expected one of the keys 'gives', 'fails' and 'waits_for'",
                "5:23: unknown key 'record'; "
                "expected one of case, case_file, context, fails, gives, name, part, refs, waits_for",
            ],
        ),
        (
            GOOD % "{name: x, case: {}, context: {ordnal: 1}, fails: [{field: a, rule: mising}]}",
            [
                "5:42: unknown context value 'ordnal'; the nearest known is 'ordinal'",
                "5:79: unknown rule 'mising'; the nearest known is 'missing'",
            ],
        ),
    ],
)
def test_a_document_says_everything_that_it_lacks(text: str, found: list[str]) -> None:
    assert sorted(document_problems(text)) == sorted(found)


def test_a_mapping_is_called_by_its_path_below_mappings() -> None:
    text = GOOD.replace("food/application", "sources/taipei1999/case") % "{name: x, case: {}, gives: {}}"
    loaded = mapping.load_mapping(text, "/srv/site/mappings/sources/taipei1999/case.yaml")
    assert (loaded.name, loaded.document.system, loaded.document.message) == (
        "sources/taipei1999/case",
        "taipei1999",
        "case",
    )


# --- tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x", ["1:1: expected a table, got a text"]),
        ("table: t", ["1:1: expected the key 'codes' or the key 'rows', got neither"]),
        ("table: u\ncodes: {a: 1}", ["1:8: expected 'table: t', the name of its file"]),
        (
            "table: t\ncode: x\ncodes: {a: [1], b: }",
            [
                "2:1: unknown key 'code'; the nearest known is 'codes'",
                "3:12: expected a code, got a list",
                "3:20: expected a code, got nothing",
            ],
        ),
        ("table: t\ncodes: {a: 01}", ["2:12: expected a number without leading zeros or a quoted text, got 01"]),
        ("table: t\ncodes: {a: 1}\nlossy: false", ["3:8: expected 'lossy: true' or no such key"]),
        (
            "table: t\nkey: k\ncolumns: [c]\nrows:\n  - {key: A, cc: 1}\n  - {c: 1}\n  - {key: A, from: 2020-13-01}",
            [
                "5:14: unknown column 'cc'; the nearest known is 'c'",
                "6:5: expected the row's 'key', got none",
                "7:20: expected a day such as 2020-01-01 as 'from'",
                "7:5: the rows of key 'A' overlap: the other one is in line 5",
            ],
        ),
        (
            "table: t\nkey: k\ncolumns: [c]\nrows:\n  - {key: A, until: 2025-01-02}\n  - {key: A, from: 2025-01-01}",
            ["6:5: the rows of key 'A' overlap: the other one is in line 5"],
        ),
        (
            "table: t\nkey: k\ncolumns: [c]\nrows: [{key: A, from: 2025-01-02, until: 2025-01-02}]",
            ["4:35: expected 'until' after 'from'"],
        ),
    ],
)
def test_a_wrong_table_says_everything_at_once(text: str, found: list[str]) -> None:
    with pytest.raises(ProblemSet) as raised:
        mapping.load_tables({"mappings/tables/t.yaml": text})
    got = [str(problem).removeprefix("mappings/tables/t.yaml:") for problem in raised.value.problems]
    assert sorted(got) == sorted(found)


def test_the_problems_of_all_tables_come_together() -> None:
    files = {"mappings/tables/a.yaml": "a: [", "mappings/food/tables/b.yaml": "table: b"}
    with pytest.raises(ProblemSet) as raised:
        mapping.load_tables(files)
    assert [problem.place.file for problem in raised.value.problems] == sorted(files)


def test_a_systems_own_table_shadows_the_shared_one() -> None:
    tables = mapping.load_tables(TABLES)
    own, shared = tables.find("own", "food"), tables.find("own", "province")
    assert isinstance(own, mapping.CodeTable) and isinstance(shared, mapping.CodeTable)
    assert (own.codes, shared.codes) == ({"a": "food"}, {"a": "shared"})


# --- conditions of adapters ------------------------------------------------------------------------------


def test_a_condition_of_an_adapter_loads_and_decides() -> None:
    node = documents.read_yaml(
        "{all: [{equals: [case.kind, {const: application}]}, {in: [stage.kind, {const: [a, b]}]}]}", "a"
    )
    condition = mapping.load_condition(node, reads="stage")
    assert condition.holds({"kind": "application"}, {"kind": "b"}) is True
    assert condition.holds({"kind": "application"}, {"kind": "c"}) is False
    assert condition.holds({}, None) is False
    assert condition.paths == {"case.kind", "stage.kind"}


def test_a_wrong_condition_reports_its_places() -> None:
    node = documents.read_yaml(
        "{all: [{equals: [case.kind]}, {in: [stage.kind, {const: [a]}]}, {equals: [{context: case_id}, {const: a}]}]}",
        "a.yaml",
    )
    with pytest.raises(ProblemSet) as raised:
        mapping.load_condition(node, reads="case", schema=SCHEMA)
    assert [str(problem) for problem in raised.value.problems] == [
        "a.yaml:1:17: expected two values to compare, got 1",
        "a.yaml:1:37: expected a path that starts with case, got 'stage.kind'; "
        "a constant is written {const: stage.kind}",
        "a.yaml:1:76: context has no meaning here: it belongs in a mapping outward",
    ]
