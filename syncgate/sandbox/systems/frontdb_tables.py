"""The tables of the front databases as they are published, written down by hand: the national one, and insurance.

`!` means NOT NULL; a number is a text of so many bytes of GBK, `time` a date with its time, `int` a whole number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SYNC = "row_guid 50! project_no 50! cd_operation 2! cd_time time! cd_batch 32! data_source 3!"
_PUBLISHED = {
    "up_pro_accept": """
        accept_date time! accept_doc_no 50 address 1000 apply_date time! apply_type 2! applyer_name 100!
        applyer_page_code 500! applyer_page_type 70! applyer_type 2! catalog_code 12! contact_code 50
        contact_mobile 11 contact_name 100 contact_type 6 handle_user_name 100 legal 100 local_catalog_code 50
        local_task_code 50 org_code 18! org_name 100! project_name 1000 project_type 2! promise_date time
        task_code 36! task_handle_item 50 task_name 1000! task_version int! zip_code 6""",
    "up_pro_process": """
        event_start_time time! event_end_time time! event_name 2! handle_explain 2000! handle_user_name 100!
        process_name 1000! remark 256""",
    "up_pro_special_procedure": """
        applyer_user_name 100 end_time time! handle_user 100 remark 256 result 2000 special_explain 2000
        special_name 1000! special_reason 2000! special_time time! special_type 2!""",
    "up_pro_material": "get_num 5 get_type 2! material_attach_name 200 material_name 200! remark 1000",
    "up_pro_result": """
        handle_user_name 100 is_delivery_results 2! remark 256 result_cetr_name 256 result_cetr_no 2000
        result_date time! result_explain 2000 result_type 2! satisfaction 2""",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `size` in bytes for a text, 0 for a time or a number."""

    name: str
    kind: str
    size: int
    is_required: bool


def _columns(text: str) -> tuple[Column, ...]:
    words = text.split()
    return tuple(_column(name, kind) for name, kind in zip(words[::2], words[1::2], strict=True))


def _column(name: str, kind: str) -> Column:
    bare = kind.rstrip("!")
    is_text = bare.isdigit()
    return Column(name, "text" if is_text else bare, int(bare) if is_text else 0, kind != bare)


_INSURANCE = {
    "si_register": """
        aac003 40! aac058 2! aac002 20! aac009 2! aae005 20 aae140 20! jfdc 3! aae041 6! aab301 6! aae036 time!
        aae011 40!""",
}


def _tables(published: Mapping[str, str]) -> Mapping[str, Sequence[Column]]:
    return {table: (*_columns(_SYNC), *_columns(text)) for table, text in published.items()}


TABLES: Mapping[str, Sequence[Column]] = _tables(_PUBLISHED)
"""Of the national one: columns by table, beside `id` and `is_sync`, in the order in which the consumer looks."""

INSURANCE_TABLES: Mapping[str, Sequence[Column]] = _tables(_INSURANCE)
"""Of insurance, in the same way."""

COLUMNS: Mapping[str, Sequence[Column]] = {**TABLES, **INSURANCE_TABLES}
"""Of every table that there is; no two front databases name one alike."""

REJECTED = "_unqbak"
"""What is added to a table's name for the table of what was not taken."""
