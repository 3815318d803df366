"""Every parser of the product as a target."""

from tests.fuzz.parsers import answers, bodies, records, site
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for group in (site, records, bodies, answers) for target in group.targets()
}
