"""Deployments: the site's folder is read anew, checked whole and activated, without restart."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from syncgate.documents import ProblemSet
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.deploy import Deployed
from syncgate.flows.operating.people import Action
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.place import Place

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
class Deployment:
    """What a deployment changed; empty where the folder is what is active already."""

    changed: tuple[Activated, ...]


def router(place: Place, deploy: Deploy) -> APIRouter:
    """The routes of one gate that can read its folder."""
    routes = APIRouter(tags=["deployments"])
    deploys = caller(place, Action.DEPLOY)

    @routes.post("/v1/deployments", summary="Activate the site's folder", responses=refusals(*READING))
    async def create_deployment(principal: Annotated[Principal, Depends(deploys)]) -> Deployment:
        try:
            deployed = await deploy(principal.name)
        except ProblemSet as found:
            errors = [FieldError(str(p.place), p.code, p.message) for p in found.problems]
            raise SiteRefused(
                "expected a site without problems, got {count}", count=len(errors), errors=errors
            ) from None
        return Deployment(
            changed=tuple(
                Activated(system=system, before=before, after=after)
                for system, (before, after) in sorted(deployed.changed.items())
            )
        )

    return routes
