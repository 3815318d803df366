"""Every test of transports that speaks HTTP runs with each client behind the seam."""

from __future__ import annotations

import pytest

from syncgate.transports.rest.clients import MakeClient
from tests.integration.transports.speaking import CLIENTS


@pytest.fixture(params=sorted(CLIENTS))
def make_client(request: pytest.FixtureRequest) -> MakeClient:
    """Makes the client under test."""
    return CLIENTS[request.param]
