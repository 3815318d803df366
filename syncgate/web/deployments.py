"""Deployments: the site's folder is read anew, checked whole and activated, without restart."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from syncgate.documents import ProblemSet
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.deploy import Deployed
from syncgate.flows.operating.people import Action
from syncgate.language import Language, in_language
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.place import Place
from syncgate.web.problems import language_of

Deploy = Callable[[str], Awaitable[Deployed]]
"""Deploys the site's folder on behalf of somebody, by name."""


class SiteRefused(RequestError):
    """The site's folder has problems; nothing of it was activated."""

    code = "site_refused"
    status = 422
    actor = "integrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """A system whose active bundle is another one now. before: None where it had none."""

    system: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One difference. at: table, or table and column; words: what was expected, and what is there."""

    at: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A system that stays as it was."""

    system: str
    differences: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A system of which nothing could be seen. failure: why."""

    system: str
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment changed; empty where the folder is what is active already.

    refused: systems that were not activated, because what is there contradicts their adapter. unseen: systems that
    were activated although nothing could be seen of them now.
    """

    changed: tuple[Activated, ...]
    refused: tuple[Refused, ...]
    unseen: tuple[Unseen, ...]


def router(place: Place, deploy: Deploy) -> APIRouter:
    """The routes of one gate that can read its folder."""
    routes = APIRouter(tags=["deployments"])
    deploys = caller(place, Action.DEPLOY)

    @routes.post("/v1/deployments", summary="Activate the site's folder", responses=refusals(*READING))
    async def create_deployment(principal: Annotated[Principal, Depends(deploys)], request: Request) -> Deployment:
        try:
            deployed = await deploy(principal.name)
        except ProblemSet as found:
            errors = [FieldError(str(p.place), p.code, p.message) for p in found.problems]
            raise SiteRefused(
                "expected a site without problems, got {count}", count=len(errors), errors=errors
            ) from None
        return _told(deployed, language_of(request.scope, place.settings.language))

    return routes


def _told(deployed: Deployed, language: Language) -> Deployment:
    return Deployment(
        changed=tuple(
            Activated(system=system, before=before, after=after)
            for system, (before, after) in sorted(deployed.changed.items())
        ),
        refused=tuple(
            Refused(
                system=system,
                differences=tuple(Contradiction(at=d.at, words=in_language(d.words, language)) for d in differences),
            )
            for system, differences in sorted(deployed.refused.items())
        ),
        unseen=tuple(
            Unseen(system=system, failure=in_language(failure, language))
            for system, failure in sorted(deployed.unseen.items())
        ),
    )
