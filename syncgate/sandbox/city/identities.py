"""Synthetic identities: valid check digits, in a region that does not exist.

Region 9901xx is not in GB/T 2260 and the phone prefix 154 is not assigned, so that none can belong to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

DISTRICTS = ("990101", "990102")
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜"
GIVEN_NAMES = ("示例", "样本", "演示", "例甲", "例乙", "例丙", "虚构", "试样")
RARE_NAMES = ("李䶮", "王㛃", "陈𬱖", "周㼆", "阿依古丽·示例", "买买提·样本", "赵龑")
"""Names with characters outside GBK, outside the basic plane, or with the middle dot U+00B7."""
BRANDS = ("好味道", "家常菜", "老街口", "山水间", "小满", "知味", "福满", "清风", "一碗面", "南北")
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic natural person."""

    name: str
    id_no: str
    mobile: str


def resident_id(first_17: str) -> str:
    """The resident ID number with its check digit. Source: GB 11643."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first_17, weights, strict=True))
    return first_17 + "10X98765432"[total % 11]


def credit_code(first_17: str) -> str:
    """The unified social credit code with its check character. Source: GB 32100-2015."""
    total = sum(CREDIT_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(first_17))
    return first_17 + CREDIT_ALPHABET[(31 - total % 31) % 31]


def person(random: Random, serial: int, *, name: str | None = None) -> Person:
    """A person; the serial makes identity number and phone unique within the city."""
    born = f"{random.randint(1955, 2005)}{random.randint(1, 12):02d}{random.randint(1, 28):02d}"
    id_no = resident_id(f"{random.choice(DISTRICTS)}{born}{serial % 1000:03d}")
    return Person(
        name=name or random.choice(SURNAMES) + random.choice(GIVEN_NAMES),
        id_no=id_no,
        mobile=f"154{serial:08d}",
    )


def is_in_gbk(text: str) -> bool:
    """Whether the front database, which holds GBK alone, can write it."""
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True
