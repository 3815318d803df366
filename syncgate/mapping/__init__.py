"""The mapping language: a closed, total way from a case to a payload, and from a record to a case.

`load_tables` and `load_mapping` check everything at once and compile once; `Mapping.apply` gives a value for
every input and never raises. See docs/reference/mapping-language.md.
"""

from syncgate.mapping.document import Document
from syncgate.mapping.examples import ExampleResult
from syncgate.mapping.functions import NO_FUNCTIONS, Function, Functions
from syncgate.mapping.mapping import Condition, Mapping, load_condition, load_mapping
from syncgate.mapping.results import (
    RULES,
    VOLATILE,
    Context,
    Fault,
    Inputs,
    Mapped,
    Refs,
    Result,
    Unmappable,
    WaitsFor,
)
from syncgate.mapping.tables import NO_TABLES, CodeTable, SiteTable, Tables, load_tables

__all__ = [
    "NO_FUNCTIONS",
    "NO_TABLES",
    "RULES",
    "VOLATILE",
    "CodeTable",
    "Condition",
    "Context",
    "Document",
    "ExampleResult",
    "Fault",
    "Function",
    "Functions",
    "Inputs",
    "Mapped",
    "Mapping",
    "Refs",
    "Result",
    "SiteTable",
    "Tables",
    "Unmappable",
    "WaitsFor",
    "load_condition",
    "load_mapping",
    "load_tables",
]
