"""The script of the demo: which calls a source makes for each case, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

Answer = Literal["accepted", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that must be so before a call is made: a message of the case stands in a phase at a system."""

    system: str
    message: str
    phase: Literal["delivered", "parked"] = "delivered"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the gate.

    Attributes:
        method: POST, PUT or PATCH.
        path: `{case}` stands for the case's id.
        body: the JSON body.
        idempotency_key: sent as `Idempotency-Key`; None: no header.
        times: how often the same call is made in a row; every one must answer as the first.
        after: what must be so before, as a source waits that corrects what it saw delivered.
        answer: what the call must be answered with.
        refused_at: JSON Pointers that the problem must all name, when refused.
    """

    method: str
    path: str
    body: Json
    idempotency_key: str | None = None
    times: int = 1
    after: tuple[Gate, ...] = ()
    answer: Answer = "accepted"
    refused_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Life:
    """All calls for one case, in order; `traits` say what makes it worth having."""

    case_no: str
    traits: frozenset[str]
    calls: tuple[Call, ...]


CASES = "/v1/cases"
ONE_CASE = "/v1/cases/{case}"
STAGES = "/v1/cases/{case}/stages"

BOTH_HOLD_IT = (Gate("province", "basic_info"), Gate("food", "application"))
"""What a correction waits for: both systems hold what was typed first."""
