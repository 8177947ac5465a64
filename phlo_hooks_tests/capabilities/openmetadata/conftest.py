"""The server in each version, and OpenMetadata's own models as a second judge of what is sent to it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from . import wheels
from .calls import Calls
from .oracle import Oracle
from .seeds import seed_warehouse
from .server import OpenMetadataServer

VERSIONS = ("1.12.14", "2.0.6")


@pytest.fixture(scope="session")
def judge() -> Iterator[Oracle | None]:
    """The oracle; None where its models cannot be had, unless they must be."""
    try:
        for version in VERSIONS:
            wheels.models(version)
    except wheels.NotToBeHad as error:
        if "openmetadata" in os.environ.get("PHLO_HOOKS_TESTS_REQUIRE", "").split():
            pytest.fail(f"openmetadata is in PHLO_HOOKS_TESTS_REQUIRE, but: {error}")
        yield None
        return
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture(scope="session")
def oracle(judge: Oracle | None) -> Oracle:
    """The oracle, for a test that has no sense without it."""
    if judge is None:
        pytest.skip("the wheel of openmetadata-ingestion cannot be fetched")
    return judge


@pytest.fixture(params=VERSIONS, ids=["1.12", "2.0"])
def server(request: pytest.FixtureRequest, judge: Oracle | None) -> Iterator[OpenMetadataServer]:
    """A new server; whatever the models say of its own answers fails the test."""
    with OpenMetadataServer(request.param, validate=judge) as server:
        yield server
    assert [] == [problem for problem in server.problems if problem.startswith("answer")]


@pytest.fixture
def call(server: OpenMetadataServer) -> Calls:
    """Sends requests to the server."""
    return Calls(server)


@pytest.fixture
def warehouse(server: OpenMetadataServer) -> None:
    """A service, a database and a schema are there before a test."""
    seed_warehouse(server)
