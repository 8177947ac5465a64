"""The resource in real definitions."""

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities.alerting import AlertingResource, ConsoleChannel, Rule, SlackChannel
from phlo_hooks.producers.sensor import tick

RULE = Rule(name="failures", on=["asset.failure"], to=["console", "slack"])


@dg.asset
def orders():
    raise ValueError("no such table: orders")


@pytest.mark.parametrize("field", ["token", "channel"])
def test_a_variable_that_is_not_set_stops_its_own_channel_only(field, capsys, monkeypatch):
    """The others are told at once; its message waits, and says which variable to set."""
    monkeypatch.delenv("NOT_SET_YET", raising=False)
    slack = SlackChannel(**{"token": "xoxb-1", "channel": "#data", field: dg.EnvVar("NOT_SET_YET")})
    alerting = AlertingResource(
        rules=[RULE],
        console=[ConsoleChannel(stream="stdout")],
        slack=[slack],
        webserver_url=dg.EnvVar("NOT_SET_YET"),
    )
    defs = with_hooks(dg.Definitions(assets=[orders], resources={"alerting": alerting}))
    with dg.instance_for_test() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=instance, raise_on_error=False)
        runtime = defs.resources["hooks"].runtime
        tick(instance, runtime, "")
        states = {
            each.hook: (each.state.value, each.last_error)
            for each in runtime.store(instance).deliveries()
            if each.event_type == "alert.firing"
        }
    assert "ERROR: Asset orders failed" in capsys.readouterr().out
    assert states["alerting.console"] == ("delivered", None)
    state, error = states["alerting.slack"]
    assert state == "retrying"
    assert "the environment variable NOT_SET_YET is not set where alerts are sent" in error
