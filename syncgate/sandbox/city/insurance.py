"""Item C, 灵活就业人员参保登记: applied for, accepted and finished within the same second."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.identities import DISTRICTS, RARE_NAMES, Person, person
from syncgate.sandbox.city.places import INSURANCE_ITEM, INSURANCE_OFFICE, INSURER
from syncgate.sandbox.city.script import CASES, STAGES, Call, Life, Source

KINDS = ("企业职工基本养老保险", "职工基本医疗保险")
FIRST_PERSON = 5000
"""Serials of persons from here on belong to this item."""
FRIDAY_EVENING = datetime(2026, 4, 10, 18, 0, tzinfo=CHINA)
WEEKEND = timedelta(hours=62)
"""Until Monday 08:00."""
FIRST_NEW_CODE, NEW_CODE_COUNT = 40, 41
"""From this serial on so many bear a kind of household that insurance knows, and has told nobody of."""
NEW_HOUSEHOLD = "4"


def insurance_life(random: Random, serial: int, *, at_weekend: bool = False) -> Life:
    """One registration, at the window on a working day or through the app at a weekend."""
    applied_at = _at_weekend(random, serial) if at_weekend else _on_a_working_day(random, serial)
    source: Source = "app" if at_weekend else "window"
    case, stages = _case(random, serial, applied_at=applied_at, source=source), _stages(applied_at)
    cut = len(stages) if random.random() < 0.8 else 2
    first = Call("POST", CASES, case | {"stages": stages[:cut]}, source=source, times=1 + (serial % 10 == 3))
    rest = [Call("POST", STAGES, {"stages": stages[cut:]}, source=source)] if stages[cut:] else []
    is_rare = case["applicant"]["name"] in RARE_NAMES
    traits = {"immediate", *(["rare_character"] if is_rare else []), *(["weekend"] if at_weekend else [])}
    traits |= {"new_code"} if case["form"]["户籍性质"] == NEW_HOUSEHOLD else set()
    return Life(case["case_no"], frozenset(traits), (first, *rest))


def _on_a_working_day(random: Random, serial: int) -> datetime:
    """From Monday to Thursday; now and then a minute or two before the month ends."""
    if serial % 50 == 7:
        return datetime(2026, 4, 30, 23, 58, serial % 60, tzinfo=CHINA)
    day = datetime(2026, 3, 2, tzinfo=CHINA) + timedelta(weeks=serial % 6, days=serial % 4)
    return day + timedelta(hours=random.randint(8, 17), minutes=random.randint(0, 59), seconds=serial % 60)


def _at_weekend(random: Random, serial: int) -> datetime:
    return FRIDAY_EVENING + timedelta(minutes=random.randrange(int(WEEKEND.total_seconds()) // 60), seconds=serial % 60)


def _case(random: Random, serial: int, *, applied_at: datetime, source: Source) -> dict[str, Any]:
    who = person(random, FIRST_PERSON + serial, name=_rare_name(random, serial) if _is_rare(serial) else None)
    region = random.choice(DISTRICTS)
    return {
        "kind": "application",
        "case_no": f"{INSURANCE_ITEM['task_code']}{applied_at:%Y%m%d}{serial:04d}",
        "case_class": "immediate",
        "title": f"关于{who.name}的灵活就业人员参保登记",
        "query_password": f"{random.randint(0, 999999):06d}",
        "item": dict(INSURANCE_ITEM),
        "applicant": {"type": "natural_person", "name": who.name, "id_type": "111", "id_no": who.id_no},
        "contact": {"name": who.name, "mobile": who.mobile},
        "accept_org": dict(INSURANCE_OFFICE),
        "region_code": region + random.choice(("", "000000")),
        "channel": source,
        "applied_at": instant(applied_at, style=random.choice((0, 0, 1))),
        "limits": {"promise": {"value": 0, "unit": "working_day"}},
        "form": _form(random, applied_at, is_new=_has_new_code(serial)),
        "materials": [_identity_card(who)],
    }


def _has_new_code(serial: int) -> bool:
    """Counted without those whose name insurance cannot write: these are parked for that as well."""
    counted = [one for one in range(FIRST_NEW_CODE, 2 * FIRST_NEW_CODE + NEW_CODE_COUNT) if not _is_rare(one)]
    return serial in counted[:NEW_CODE_COUNT]


def _rare_name(random: Random, serial: int) -> str:
    """李䶮 is the first: GBK lacks the second character."""
    drawn = random.choice(RARE_NAMES)
    return RARE_NAMES[0] if serial < 30 else drawn


def _is_rare(serial: int) -> bool:
    return serial % 30 == 11


def _form(random: Random, applied_at: datetime, *, is_new: bool) -> dict[str, Any]:
    household = random.choice(("1", "2", "3"))
    return {
        "参保险种": random.choice((list(KINDS), [KINDS[0]], [KINDS[1]])),
        "缴费档次": random.choice(("60", "80", "100")),
        "起缴年月": f"{applied_at:%Y%m}",
        "户籍性质": NEW_HOUSEHOLD if is_new else household,
    }


def _identity_card(who: Person) -> dict[str, Any]:
    reference = {"cert_type": "居民身份证", "cert_no": who.id_no, "holder": who.name}
    return {"id": "M01", "name": "身份证", "get_type": "3", "licence_ref": reference}


def _stages(at: datetime) -> list[dict[str, Any]]:
    now, handler = instant(at), dict(INSURER)
    return [
        {"id": "S01", "kind": "applied", "at": now},
        {"id": "S02", "kind": "accepted", "at": now, "ended_at": now, "handler": handler},
        {"id": "S03", "kind": "finished", "at": now, "handler": handler, "decision": {"result_code": "0"}},
    ]
