"""Builds the whole city from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from syncgate.sandbox.city.alike import AlikePair, alike_pairs
from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.assigned import assigned_life
from syncgate.sandbox.city.calls import (
    Case,
    add_material,
    change_email,
    correct_area,
    correct_mobile,
    first_calls,
    mend_form,
    post_again,
    replace_title,
    restore_mobile,
)
from syncgate.sandbox.city.early import early_lives
from syncgate.sandbox.city.edited import EDITED_COUNT, edited_lives
from syncgate.sandbox.city.given_back import NOTHING_GIVEN_BACK, GivenBack, given_back_lives
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.city.hotline import hotline_life
from syncgate.sandbox.city.identities import is_in_gbk
from syncgate.sandbox.city.insurance import insurance_life
from syncgate.sandbox.city.joining import food_number
from syncgate.sandbox.city.places import TASK_CODE
from syncgate.sandbox.city.refused import refused_calls
from syncgate.sandbox.city.roads import road_life
from syncgate.sandbox.city.script import Call, Life
from syncgate.sandbox.city.stages import Turns, stages
from syncgate.sandbox.city.subsidies import subsidy_life
from syncgate.sandbox.city.two_sources import Story, at_once, food_first, while_paused, window_first
from syncgate.sandbox.city.withdrawals import NOTHING_WITHDRAWN, PLAN, Withdrawn, withdrawn_lives
from syncgate.sandbox.city.wrong_days import wrong_lives

CASE_COUNT = 170
"""Of item A."""
INSURANCE_COUNT = 150
APP_COUNT = 45
"""How many of them come through the app, at the weekend that province is down."""
ROAD_COUNT = 60
SUBSIDY_COUNT = 18
HOTLINE_COUNT = 20
ASSIGNED_COUNT = 24
"""Of item E."""
FOODS_SHARE = 0.76
"""Which part of the drafted cases is accepted first by food: with the golden ones 60 % of all."""
ROUND = 44
"""After so many serials the corrections begin anew."""
UNMAPPED = (29, 43)
"""Serials, modulo ROUND, of cases with a form of business that food has no word for."""
FIRST_JOINED = 900
JOINED_COUNT = 5


@dataclass(frozen=True, slots=True)
class City:
    """All lives of the city, golden ones first, and the submissions that must be refused.

    Attributes:
        while_paused: the window posts, food types the same in and posts it, and food is paused all the while.
        at_once: the same, both posts at once, whoever comes first.
        race: one such case, whose two calls are made a thousand times.
        weekend: what is posted while province is down from Friday 18:00 to Monday 08:00.
        edited: what food's own people change in food, and nobody posts.
        alike: two calls each with the same text, which a person merges or says to be two.
        given_back: what the front database takes and gives back the next morning.
        stage_first: cases of which food posts the last stage before the case.
        wrong_days: what food is told wrong by a mapping, and told anew.
        withdrawn: cases that are withdrawn: `before` at that weekend, `after` among `lives`, `in_flight` apart.
        assigned: calls that the hotline assigns; among `lives` only where `with_assigned` put them there.
    """

    lives: tuple[Life, ...]
    refused: tuple[Call, ...]
    while_paused: tuple[Life, ...] = ()
    at_once: tuple[Life, ...] = ()
    race: Life | None = None
    weekend: tuple[Life, ...] = ()
    withdrawn: Withdrawn = NOTHING_WITHDRAWN
    edited: tuple[Life, ...] = ()
    alike: tuple[AlikePair, ...] = ()
    given_back: GivenBack = NOTHING_GIVEN_BACK
    wrong_days: tuple[Life, ...] = ()
    stage_first: tuple[Life, ...] = ()
    assigned: tuple[Life, ...] = ()

    @property
    def every_life(self) -> tuple[Life, ...]:
        """What every system must hold in the end comes from these."""
        return (*self.mix, *self.beside_the_mix)

    @property
    def mix(self) -> tuple[Life, ...]:
        """The items in the shares that a city has of them."""
        together = (*self.while_paused, *self.at_once, *([self.race] if self.race else []))
        late = (*self.weekend, *self.withdrawn.before, *self.withdrawn.in_flight, *self.edited)
        return (*self.lives, *together, *late)

    @property
    def beside_the_mix(self) -> tuple[Life, ...]:
        """What is there for one story alone."""
        pairs = (life for pair in self.alike for life in (pair.earlier, pair.later))
        return (*pairs, *self.given_back.every_life, *self.wrong_days, *self.stage_first)

    def with_assigned(self) -> City:
        """The same city where the hotline assigns calls, among the first that are posted."""
        return replace(self, lives=(*self.assigned, *self.lives))


def build_city(seed: int = 2026, *, case_count: int = CASE_COUNT, hotline_count: int = HOTLINE_COUNT) -> City:
    """The same city for the same arguments: `case_count` applications of item A, the withdrawn ones included."""
    random = Random(seed)
    golden = [golden_life(document) for document in golden_documents().values()]
    withdrawn = withdrawn_lives(Random(f"withdrawn-{seed}"), golden)
    played = [life for life in golden if not life.traits & {"withdrawn", "assigned"}]
    ours = sum(life.calls[0].body["item"].get("task_code") == TASK_CODE for life in golden)
    count = case_count - ours - 2 * JOINED_COUNT - 1 - EDITED_COUNT - len(PLAN["applications"])
    applications = [_application(random, serial) for serial in range(1, count + 1)]
    hotline = [hotline_life(random, serial) for serial in range(1, hotline_count + 1)]
    last = FIRST_JOINED + 2 * JOINED_COUNT
    together = (
        tuple(while_paused(random, serial) for serial in range(FIRST_JOINED, FIRST_JOINED + JOINED_COUNT)),
        tuple(at_once(random, serial) for serial in range(FIRST_JOINED + JOINED_COUNT, last)),
        at_once(random, last),
    )
    others = [*_insurances(seed), *_roads(seed), *_subsidies(seed), *withdrawn.after]
    return City(
        (*played, *_mixed(seed, applications + others), *hotline),
        refused_calls(golden[0].calls[0].body),
        *together,
        weekend=tuple(_weekend(seed)),
        withdrawn=withdrawn,
        edited=edited_lives(seed),
        alike=alike_pairs(seed),
        assigned=(*(life for life in golden if "assigned" in life.traits), *_assigned(seed)),
        given_back=given_back_lives(seed),
        wrong_days=wrong_lives(seed),
        stage_first=early_lives(seed),
    )


def _assigned(seed: int) -> list[Life]:
    random = Random(f"assigned-{seed}")
    return [assigned_life(random, serial) for serial in range(1, ASSIGNED_COUNT + 1)]


def _insurances(seed: int) -> list[Life]:
    random = Random(f"insurances-{seed}")
    return [insurance_life(random, serial) for serial in range(1, INSURANCE_COUNT - APP_COUNT + 1)]


def _weekend(seed: int) -> list[Life]:
    random = Random(f"weekend-{seed}")
    serials = range(INSURANCE_COUNT - APP_COUNT + 1, INSURANCE_COUNT + 1)
    return [insurance_life(random, serial, at_weekend=True) for serial in serials]


def _roads(seed: int) -> list[Life]:
    random = Random(f"roads-{seed}")
    return [road_life(random, serial) for serial in range(1, ROAD_COUNT - len(PLAN["roads"]) + 1)]


def _subsidies(seed: int) -> list[Life]:
    random = Random(f"subsidies-{seed}")
    return [subsidy_life(random, serial) for serial in range(1, SUBSIDY_COUNT + 1)]


def _mixed(seed: int, lives: list[Life]) -> list[Life]:
    """The items in turns, as they come to a window."""
    Random(f"order-{seed}").shuffle(lives)
    return lives


def _application(random: Random, serial: int) -> Life:
    drafted = draft(random, serial)
    turns = _turns(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=turns, serial=serial)
    traits = _traits(drafted.case, turns)
    window_no, is_foods = drafted.case["case_no"], _is_foods(serial)
    if is_foods:
        drafted.case["case_no"] = food_number(serial)
    after, more = _corrections(drafted.case, serial)
    # What the front database cannot write holds back its materials, unless they went before the acceptance came.
    calls = first_calls(random, drafted.case, happened, is_whole=not is_in_gbk(_names(drafted.case)))
    lead = food_first if is_foods else window_first
    follow = lead(Story(drafted.case, happened, serial, window_no), calls, after, frozenset(traits | more))
    return Life(drafted.case["case_no"], follow.traits, tuple(follow.calls))


def _is_foods(serial: int) -> bool:
    """Whether food accepts it first; it cannot type in what it has no word for."""
    return serial % ROUND not in UNMAPPED and Random(f"first-{serial}").random() < FOODS_SHARE


def _turns(random: Random, serial: int) -> Turns:
    """Shares are kept by counting, so that a small city has its mix as well."""
    is_declined = serial % 47 == 5
    is_open = serial % 17 == 4
    return Turns(
        is_declined=is_declined,
        has_supplement=serial % 5 == 1,
        has_special=serial % 40 == 7,
        is_refused=serial % 12 == 8,
        is_open=is_open,
        has_pickup=random.random() < 0.1,
        has_evaluation=random.random() < 0.1,
    )


def _traits(case: Case, turns: Turns) -> set[str]:
    is_finished = not (turns.is_declined or turns.is_open)
    found = {
        "declined": turns.is_declined,
        "open": turns.is_open and not turns.is_declined,
        "supplement": turns.has_supplement and not turns.is_declined,
        "special": turns.has_special and not turns.is_declined,
        "refused_licence": is_finished and turns.is_refused,
        "approved": is_finished and not turns.is_refused,
        "agent": "agent" in case,
        "rare_character": not is_in_gbk(case["applicant"]["name"] + case["title"]),
        "company": case["applicant"]["type"] == "enterprise",
    }
    return {trait for trait, is_there in found.items() if is_there}


def _names(case: Case) -> str:
    """Everything that names somebody."""
    applicant = case["applicant"]
    return "".join((case["title"], applicant["name"], applicant.get("legal_rep", ""), case["contact"]["name"]))


def _corrections(case: Case, serial: int) -> tuple[list[Call], set[str]]:
    """What is called after the first calls, by serial; the case itself may be spoiled here to be mended."""
    match serial % ROUND:
        case 2 | 24:
            return [correct_mobile(f"1549{serial:07d}")], {"correction", "mobile"}
        case 10:
            there_and_back = [correct_mobile(f"1549{serial:07d}"), restore_mobile(case["contact"]["mobile"])]
            return there_and_back, {"correction", "changed_back"}
        case 14:
            return [correct_area(77.7)], {"correction", "area"}
        case 18:
            return [replace_title(case, "关于示例食堂的食品经营许可")], {"correction", "title"}
        case 22:
            return [post_again(case, f"西示区更正路{serial}号")], {"correction", "premises"}
        case 27 | 35:
            return [add_material(case, "经营场所平面布局图（补）")], {"correction", "more_material"}
        case 39:
            return [change_email(f"new{serial:04d}@example.invalid")], {"email"}
        case 29:
            case["form"]["主体业态"] = "9"
            return [], {"unmapped"}
        case 43 if serial > ROUND:
            case["form"]["主体业态"] = "9"
            return [mend_form()], {"unmapped_mended"}
        case _:
            return [], set()
