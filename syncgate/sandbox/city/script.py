"""The script of the demo: which calls a source makes for each case, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

Answer = Literal["accepted", "unchanged", "refused"]
Source = Literal["window", "food", "app", "hotline", "urban", "ecology", "street"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that must be so before a call is made: a message of the case stands in a phase at a system."""

    system: str
    message: str
    phase: Literal["delivered", "parked"] = "delivered"


@dataclass(frozen=True, slots=True)
class Typed:
    """What food's clerks type into their own system before food posts: the call's stages, as events.

    Attributes:
        event_base: what an event's number starts from; the digits of the stage's id are added.
        application: whether the application itself is typed as well: a new one of food's own, or a correction.
        number: of a new application; "" for the number that food gave to what was delivered to it.
    """

    event_base: int
    application: Literal["none", "new", "corrected"] = "none"
    number: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the gate.

    Attributes:
        method: POST, PUT or PATCH.
        path: `{case}` stands for the case's id, `{food}` for food's number of it.
        body: the JSON body; `{food}` as its case_no as in the path.
        idempotency_key: sent as `Idempotency-Key`; None: no header.
        times: how often the same call is made in a row; every one must answer as the first.
        after: what must be so before, as a source waits that corrects what it saw delivered.
        answer: what the call must be answered with.
        refused_at: JSON Pointers that the problem must all name, when refused.
        source: who calls.
        typed: what is typed in at food before.
        unreached: systems that nothing of the case had reached when the call was made: they were down all the while.
    """

    method: str
    path: str
    body: Json
    idempotency_key: str | None = None
    times: int = 1
    after: tuple[Gate, ...] = ()
    answer: Answer = "accepted"
    refused_at: tuple[str, ...] = ()
    source: Source = "window"
    typed: Typed | None = None
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Life:
    """All calls for one case, in order; `traits` say what makes it worth having.

    or_no: the number that the case bears instead of `case_no` where another source's post came first; "" where
        the order is certain.
    """

    case_no: str
    traits: frozenset[str]
    calls: tuple[Call, ...]
    or_no: str = ""


CASES = "/v1/cases"
ONE_CASE = "/v1/cases/{case}"
STAGES = "/v1/cases/{case}/stages"
WITHDRAW = "/v1/cases/{case}/withdraw"
MERGE = "/v1/cases/{case}/merge"
FOODS_CASE = "/v1/cases/food:{food}"
FOODS_STAGES = "/v1/cases/food:{food}/stages"
FOODS_NUMBER = "{food}"

BOTH_HOLD_IT = (Gate("province", "basic_info"), Gate("food", "application"))
"""What a correction waits for: both systems hold what was typed first."""
FOOD_HOLDS_IT = (Gate("food", "application"),)
