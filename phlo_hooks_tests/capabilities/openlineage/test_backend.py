"""The backend judges what comes, one by one and together."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.openlineage.backend import PATH, Backend
from phlo_hooks_tests.capabilities.openlineage.examples import (
    LATER,
    NOON,
    PARENT_ID,
    RUN_ID,
    dataset_event,
    job_event,
    plain_event,
    run_event,
)

IO = {"inputs": ("raw.orders",), "outputs": ("orders",)}
AFTER = "2026-01-01T12:00:01Z"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend(expect_invalid=True) as backend:
        yield backend


def post(backend: Backend, body: Any, path: str = PATH, **headers: str) -> tuple[int, str]:
    """With a client that is not ours: status and body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(backend.url + path, data, {**JSON, **names}), timeout=5) as response:
            return response.status, response.read().decode()
    except HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def send(backend: Backend, *events: dict[str, Any]) -> None:
    """All valid."""
    assert {201} == {post(backend, event)[0] for event in events}


def test_takes_what_is_valid(backend) -> None:
    """Run, job and dataset events, plain and compressed, in order."""
    events = [run_event(), job_event(), dataset_event()]
    send(backend, *events)
    packed = gzip.compress(json.dumps(run_event()).encode())
    assert 201 == post(backend, packed, Content_Encoding="gzip")[0]
    assert [*events, events[0]] == backend.events
    assert [] == backend.invalid
    backend.check_valid()
    backend.clear()
    assert [] == backend.events


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP], ids=["plain", "gzip"])
def test_takes_what_the_client_sends(compression) -> None:
    """By its own transport."""
    with Backend(api_key="k") as backend:
        key = ApiKeyTokenProvider({"apiKey": "k"})
        transport = HttpTransport(HttpConfig(backend.url, auth=key, compression=compression))
        transport.emit(
            RunEvent(eventTime=NOON, eventType=RunState.START, run=Run(RUN_ID), job=Job("dagster", "orders"))
        )
        transport.close()
        assert [RUN_ID] == [*backend.runs()]


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"{", {}, "the body is no JSON"),
        (b"[]", {}, "the body is no object, but of type list"),
        (b"{}", {}, "is neither RunEvent, JobEvent nor DatasetEvent"),
        (b"{}", {"Content_Encoding": "gzip"}, "the body is no JSON"),
        (b"\xff", {}, "the body is no JSON"),
        ({**plain_event("START"), "eventTime": "now"}, {}, "$.eventTime: 'now' is not a 'date-time'"),
        (plain_event("START"), {"Content_Type": "text/plain"}, "Content-Type is not JSON"),
    ],
    ids=["no JSON", "a list", "nothing", "no gzip", "no UTF-8", "no time", "text"],
)
def test_refuses_what_is_not(backend, body, headers, message) -> None:
    """With the reasons in the answer, and for the test to see."""
    status, answer = post(backend, body, **headers)
    assert 400 == status
    assert message in json.loads(answer)["errors"][0]
    assert [] == backend.events
    assert message in backend.invalid[0].errors[0]
    with pytest.raises(AssertionError, match="not OpenLineage"):
        backend.check_valid()


def test_nobody_has_to_ask_whether_all_was_valid() -> None:
    """Leaving the backend does."""
    with pytest.raises(AssertionError, match="neither RunEvent"), Backend() as backend:
        post(backend, {})


def test_what_went_wrong_first_is_what_is_told() -> None:
    """Leaving the backend with an exception asserts nothing."""
    with pytest.raises(ZeroDivisionError), Backend() as backend:
        1 / post(backend, {})[1].count("nothing")


def test_other_places_and_other_keys() -> None:
    """404, 405 and 401."""
    with Backend(api_key="k") as backend:
        assert 404 == post(backend, run_event(), "/lineage")[0]
        assert 401 == post(backend, run_event())[0]
        assert 201 == post(backend, run_event(), Authorization="Bearer k")[0]
        with pytest.raises(HTTPError, match="405") as caught:
            urlopen(backend.url + PATH, timeout=5)
        caught.value.close()
        assert 1 == len(backend.events)


def test_faults(backend) -> None:
    """What a fault does not handle did not come; what it does, did, whoever knows; and it ends."""
    backend.next(Fault.answer(500), Fault.lose_answer())
    assert 500 == post(backend, plain_event("START"))[0]
    assert [] == backend.events
    with pytest.raises(OSError):  # noqa: PT011  # as the connection ends
        post(backend, plain_event("START"))
    assert 1 == len(backend.events)
    backend.always(Fault.refuse())
    with pytest.raises(OSError):  # noqa: PT011  # as above
        post(backend, plain_event("COMPLETE"))
    backend.recover()
    assert 400 == post(backend, {})[0]
    send(backend, plain_event("COMPLETE"))
    assert ["START", "COMPLETE"] == [event["eventType"] for event in backend.events]


def test_what_is_invalid_is_seen_through_any_fault(backend) -> None:
    """A sender whose backend is down still must not send nonsense."""
    backend.always(Fault.answer(500))
    post(backend, {})
    assert 1 == len(backend.invalid)


GOOD = {
    "a run": [plain_event("START", **IO), plain_event("COMPLETE", **IO, at=AFTER)],
    "more is known at the end": [plain_event("START"), plain_event("FAIL", **IO, at=LATER)],
    "on the way, and after": [
        plain_event("START", **IO),
        plain_event("RUNNING"),
        plain_event("OTHER"),
        plain_event("ABORT", **IO),
        plain_event("OTHER"),
    ],
    "a failure names what it would have written": [
        plain_event("START", **IO),
        plain_event("COMPLETE", **IO),
        plain_event("START", run_id=PARENT_ID),
        plain_event("FAIL", run_id=PARENT_ID, **IO),
    ],
    "two at once": [
        plain_event("START"),
        plain_event("START", "other", PARENT_ID),
        plain_event("COMPLETE"),
        plain_event("COMPLETE", "other", PARENT_ID),
    ],
    "without a run": [job_event(), dataset_event()],
}


@pytest.mark.parametrize("events", GOOD.values(), ids=GOOD)
def test_lifecycles(backend, events) -> None:
    """As they should be."""
    send(backend, *events)
    backend.check_lifecycle()


FACETED = run_event()
BAD = {
    "no start": ([plain_event("COMPLETE")], "begins with exactly one START"),
    "two starts": (
        [plain_event("START"), plain_event("START"), plain_event("COMPLETE")],
        "exactly one START",
    ),
    "no end": ([plain_event("START"), plain_event("OTHER")], "has 0 of COMPLETE, FAIL and ABORT, not one"),
    "two ends": ([plain_event("START"), plain_event("FAIL"), plain_event("COMPLETE")], "has 2 of COMPLETE"),
    "running after the end": (
        [plain_event("START"), plain_event("COMPLETE"), plain_event("RUNNING")],
        "OTHER and RUNNING may come before its end, OTHER after it",
    ),
    "another job": ([plain_event("START"), plain_event("COMPLETE", "other")], "its events name 2 jobs"),
    "ends before it began": (
        [plain_event("START", at=AFTER), plain_event("COMPLETE", at=NOON)],
        "ended at 2026-01-01T12:00:00+00:00, before it began, 2026-01-01T12:00:01Z",
    ),
    "inputs are lost": (
        [plain_event("START", **IO), plain_event("COMPLETE", outputs=("orders",), inputs=("other",))],
        "inputs of its START are not repeated at its end: [('duckdb://wh', 'raw.orders')]",
    ),
    "facets are lost": (
        [{**FACETED, "eventType": "START"}, plain_event("COMPLETE", **IO)],
        "run facets of its START are not repeated at its end: ['environmentVariables',",
    ),
    "a failure wipes": (
        [
            *GOOD["a run"],
            plain_event("START", run_id=PARENT_ID),
            plain_event("FAIL", run_id=PARENT_ID, outputs=("orders",)),
        ],
        f"job orders: FAIL of run {PARENT_ID} has no inputs, and an earlier event had some",
    ),
}


@pytest.mark.parametrize(("events", "message"), BAD.values(), ids=BAD)
def test_broken_lifecycles(backend, events, message) -> None:
    """Each is valid alone; together they are not."""
    send(backend, *events)
    with pytest.raises(AssertionError) as caught:
        backend.check_lifecycle()
    assert message in str(caught.value)


def test_redelivery_is_tolerated_where_it_is_expected(backend) -> None:
    """The very same event; another one is never tolerated."""
    start, end = GOOD["a run"]
    send(backend, start, start, end, end)
    with pytest.raises(AssertionError, match="exactly one START"):
        backend.check_lifecycle()
    backend.check_lifecycle(redelivered=True)
    send(backend, {**end, "eventTime": LATER})
    with pytest.raises(AssertionError, match="has 2 of COMPLETE"):
        backend.check_lifecycle(redelivered=True)


def test_a_run_on_its_way(backend) -> None:
    """No end yet, where that is expected; a beginning it has."""
    send(backend, plain_event("START"), plain_event("RUNNING"))
    backend.check_lifecycle(unfinished=True)
    with pytest.raises(AssertionError, match="has 0 of COMPLETE"):
        backend.check_lifecycle()
    send(backend, plain_event("RUNNING", "other", PARENT_ID))
    with pytest.raises(AssertionError, match="exactly one START"):
        backend.check_lifecycle(unfinished=True)


def test_runs_and_jobs(backend) -> None:
    """Where to look for what was sent."""
    send(backend, *GOOD["two at once"], job_event())
    assert {RUN_ID: ["START", "COMPLETE"], PARENT_ID: ["START", "COMPLETE"]} == {
        run_id: [event["eventType"] for event in events] for run_id, events in backend.runs().items()
    }
    assert 3 == len(backend.of_job("orders"))
    assert [] == backend.of_job("nothing")


def test_graph(backend) -> None:
    """The last end of a run holds, and a start changes nothing."""
    send(
        backend,
        *GOOD["a run"],
        plain_event("COMPLETE", "report", PARENT_ID, inputs=("orders",), outputs=("report",)),
    )
    send(backend, plain_event("START", "report", inputs=("else",)))
    graph = backend.graph()
    assert {
        ("raw.orders", "orders"),
        ("orders", "orders"),
        ("orders", "report"),
        ("report", "report"),
    } == graph.edges
    assert {("raw.orders", "orders"), ("orders", "report")} == graph.flows
    assert {"raw.orders", "orders"} == graph.upstream("report")
    send(backend, plain_event("FAIL", "report"))
    assert {("raw.orders", "orders")} == backend.graph().flows


def test_graph_of_static_lineage(backend) -> None:
    """A JobEvent draws edges without a run, also a cycle."""
    send(backend, job_event())
    assert {("raw.orders", "orders")} == backend.graph().flows
    send(backend, plain_event("COMPLETE", inputs=("orders",), outputs=("orders",)))
    assert {"orders"} == backend.graph().upstream("orders")


def test_datasets(backend) -> None:
    """With the newest of each facet, from wherever it came."""
    send(backend, run_event(), plain_event("OTHER", **IO))
    dataset = backend.datasets()["duckdb://wh", "orders"]
    assert "v7" == dataset.facets["version"]["datasetVersion"]
    assert 3 == dataset.output_facets["outputStatistics"]["rowCount"]
    assert 3 == backend.datasets()["duckdb://wh", "raw.orders"].input_facets["inputStatistics"]["rowCount"]
    gone = dataset_event()
    gone["dataset"]["facets"]["version"]["_deleted"] = True
    send(backend, gone)
    assert "version" not in backend.datasets()["duckdb://wh", "orders"].facets
