"""The last revision of a case, and the one that takes it up again: each is made by a stage of ours."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Final

from syncgate.domain.case import is_finished, with_stages
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, CaseState
from syncgate.flows.accepting.joining import Joined, Spoken, keeps_words, read_words, under_number
from syncgate.flows.accepting.submission import Done, Taking, checked, refuse_closed, refuse_ended
from syncgate.flows.documents import open_document
from syncgate.flows.operating.people import LOCAL

WITHDRAWING_ROLES: Final = frozenset({"operator", "admin", LOCAL})
"""Roles that withdraw a case on behalf of the source that posted it first."""


def end(taking: Taking, case: Case, stage: Json, *, as_: CaseState) -> Done:
    """The last revision, which ends the case by this withdrawing stage; the same one where it ended so already.

    Args:
        case: locked.
        stage: without its id.
        as_: what becomes of the case. Only a withdrawal is refused of one that came to its end.

    Raises:
        StaleRevision: `If-Match` names another revision.
        CaseWithdrawn, CaseVoid, CaseFinished: it ended otherwise before.
        InvalidCase: the stage breaks a rule.
    """
    if case.state is as_:
        return counted(taking, taking.unchanged(case, taking.last(case)), case)
    taking.refuse_stale(case)
    refuse_closed(case)
    current = open_document(taking.gate, taking.tx, case)
    document = with_own_stage(case, current, stage)
    if as_ is CaseState.WITHDRAWN:
        refuse_ended(case, current, document)
    warnings = _warnings_of_last_stage(taking, document)
    joined = Joined(document=document, words=None, spoken=_words_of_withdrawn(taking, case, document))
    under_way = in_flight_count(taking, case)
    done = taking.revised(case, joined, current, state=as_)
    return replace(done, accepted=replace(done.accepted, warnings=warnings, in_flight=under_way))


def reopen(taking: Taking, case: Case, stage: Json) -> Done:
    """The next revision, which takes the case up again by this stage; the same one where it is open and not at
    its end.

    Raises:
        StaleRevision: `If-Match` names another revision.
        InvalidCase: the stage breaks a rule.
    """
    current = open_document(taking.gate, taking.tx, case)
    if case.state is CaseState.OPEN and not is_finished(current):
        return counted(taking, taking.unchanged(case, taking.last(case)), case)
    taking.refuse_stale(case)
    document = with_own_stage(case, current, stage)
    warnings = _warnings_of_last_stage(taking, document)
    said = _words_of_withdrawn(taking, case, document)
    spoken = said if said is None or case.state is CaseState.OPEN else replace(said, before=None)
    under_way = in_flight_count(taking, case)
    done = taking.revised(case, Joined(document=document, words=None, spoken=spoken), current)
    return replace(done, accepted=replace(done.accepted, warnings=warnings, in_flight=under_way))


def _warnings_of_last_stage(taking: Taking, document: Json) -> tuple[FieldError, ...]:
    own = f"/stages/{len(document['stages']) - 1}/"
    return tuple(one for one in checked(taking.gate, document) if one.pointer.startswith(own))


def replayed_ending(taking: Taking) -> Done | None:
    """As `replay`, with how many are under way now."""
    done = taking.replay()
    case = taking.tx.case(done.accepted.case_id) if done is not None else None
    return done if done is None or case is None else counted(taking, done, case)


def _words_of_withdrawn(taking: Taking, case: Case, document: Json) -> Spoken | None:
    """What a source that has a record of its own said so far: it gives that up itself, and is not asked to."""
    is_poster = taking.caller.principal.role not in WITHDRAWING_ROLES
    if not is_poster or not keeps_words(taking.gate, taking.caller.source, case):
        return None
    said = read_words(taking.gate, taking.tx, taking.caller.source, case)
    return None if said is None else Spoken(before=under_number(said, document), now=under_number(said, document))


def counted(taking: Taking, done: Done, case: Case) -> Done:
    """The answer, with how many deliveries of the case are under way now."""
    return replace(done, accepted=replace(done.accepted, in_flight=in_flight_count(taking, case)))


def in_flight_count(taking: Taking, case: Case) -> int:
    """How many deliveries of the case are under way: what they come to is not known yet."""
    return sum(delivery.phase is Phase.IN_FLIGHT for delivery in taking.tx.deliveries(case.case_id))


def with_own_stage(case: Case, document: Json, stage: Json) -> Json:
    """The document with a stage of ours, under an id that no other stage has."""
    known = {one["id"] for one in document.get("stages") or ()}
    names = (f"{stage['kind']}-{no}" for no in count(case.revision + 1))
    return with_stages(document, [{"id": next(name for name in names if name not in known), **stage}])
