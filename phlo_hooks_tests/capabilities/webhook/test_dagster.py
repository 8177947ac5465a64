"""End to end: a run, the store, the relay, and a real receiver.

No `from __future__ import annotations` here: Dagster looks at the annotations of an asset.
"""

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import WebhookEndpoint, WebhookResource
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.webhook.helpers import NEW_SECRET, SECRET
from phlo_hooks_tests.producers.recording import running


@dg.asset
def orders() -> dg.MaterializeResult:
    """Something to tell of."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 120})


def definitions(webhook: WebhookResource) -> dg.Definitions:
    return with_hooks(dg.Definitions(assets=[orders], resources={"webhook": webhook}), plugins=False)


def test_a_run_reaches_its_endpoints(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, each with its own key, filter and headers."""
    monkeypatch.setenv("CATALOG_SECRET", SECRET)
    monkeypatch.setenv("CATALOG_URL", f"{server.url}/catalog")
    monkeypatch.setenv("CATALOG_TOKEN", "token-1234")
    webhook = WebhookResource(
        endpoints=[
            WebhookEndpoint(
                name="catalog",
                url=dg.EnvVar("CATALOG_URL"),
                secret=dg.EnvVar("CATALOG_SECRET"),
                headers={"X-Token": dg.EnvVar("CATALOG_TOKEN")},
                event_types=["ingestion.end"],
            ),
            WebhookEndpoint(name="runs", url=f"{server.url}/runs", secret=NEW_SECRET, event_types=["run.*"]),
        ]
    )
    with running(definitions(webhook)) as ran:
        assert ran.result.success
        assert {"delivered"} == {each.state.value for each in ran.store.deliveries()}
        catalog = [request for request in server.requests if request.path == "/catalog"]
        runs = [request for request in server.requests if request.path == "/runs"]
        assert [ran.one("ingestion.end")] == [event for request in catalog for event in request.events()]
        assert {"run.start", "run.success"} == {e.event_type for request in runs for e in request.events()}
        assert ["token-1234"] == [request.headers["x-token"] for request in catalog]
        assert all(request.signed_with(SECRET) for request in catalog)
        assert all(request.signed_with(NEW_SECRET) for request in runs)


@pytest.mark.parametrize(
    "fault", [Fault.hang(), Fault.answer(500), Fault.refuse()], ids=["hangs", "500", "refused"]
)
def test_a_run_is_never_harmed(server: FaultServer, fault: Fault) -> None:
    """What the receiver does is no business of the run; the event waits."""
    server.always(fault)
    webhook = WebhookResource(url=server.url, secret=SECRET, event_types=["ingestion.end"], timeout=0.3)
    with running(definitions(webhook)) as ran:
        assert ran.result.success
        assert ["retrying"] == [each.state.value for each in ran.store.deliveries()]
