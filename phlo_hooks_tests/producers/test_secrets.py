"""A secret that a resource holds never leaves: not into the store, a hook, the log or a repr.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr
from sqlalchemy import make_url

from phlo_hooks import (
    DeliveryMode,
    HookBusResource,
    HookRegistration,
    TelemetryEvent,
    emit,
    ingestion,
    with_hooks,
)
from phlo_hooks.producers.secrets import redactor_for
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.producers.recording import Gate, Spy, running, runtime_of

CANARY = 'c4n4ry/with+odd="chars"&ü'
PLAIN = "canary-0123456789"


class Slack(dg.ConfigurableResource):
    """Holds a secret under a name that says so."""

    token: str
    channel: str = "#data-platform"


class Warehouse(dg.ConfigurableResource):
    """Holds one in a URL."""

    url: str


class Nested(dg.ConfigurableResource):
    """Holds others."""

    slack: Slack
    options: dict[str, Any] = Field(default_factory=dict)
    hosts: list[str] = Field(default_factory=list)


class Store(dg.ConfigurableIOManager):
    """An IO manager with a secret."""

    access_key: str

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Nowhere."""

    def load_input(self, context: dg.InputContext) -> Any:
        """Nothing."""


class Account(BaseModel):
    """Not Dagster's, and held as a plain value."""

    user: str = "ana-maria"
    phrase: SecretStr
    pin: SecretBytes = SecretBytes(b"pin-0123456789")


@dataclass
class Client:
    """A plain object, as many teams pass one."""

    password: str
    host: str = "db.example.com"


@dg.resource(config_schema={"password": str, "host": dg.Field(str, default_value="db.example.com")})
def legacy(context: dg.InitResourceContext) -> Any:
    return context.resource_config["host"]


HELD = [
    pytest.param(lambda secret: Slack(token=secret), id="field"),
    pytest.param(lambda secret: Slack(token=dg.EnvVar("CANARY")), id="EnvVar"),
    pytest.param(lambda secret: Slack(token="x", channel=dg.EnvVar("CANARY_TOKEN")), id="EnvVar's own name"),
    pytest.param(lambda secret: Warehouse(url=f"postgresql://ana:{secret}@db:5432/lake"), id="URL"),
    pytest.param(lambda secret: Warehouse(url=dg.EnvVar("CANARY_URL")), id="URL in an EnvVar"),
    pytest.param(lambda secret: Nested(slack=Slack(token=secret)), id="nested"),
    pytest.param(lambda secret: Nested(slack=Slack(token=dg.EnvVar("CANARY"))), id="nested EnvVar"),
    pytest.param(
        lambda secret: Nested(slack=Slack(token="x"), options={"auth": {"password": secret}}), id="in a dict"
    ),
    pytest.param(
        lambda secret: Nested(slack=Slack(token="x"), hosts=[f"redis://:{secret}@cache"]), id="in a list"
    ),
    pytest.param(lambda secret: Store(access_key=secret), id="IO manager"),
    pytest.param(lambda secret: Account(phrase=secret), id="SecretStr"),
    pytest.param(lambda secret: Account(phrase="x", pin=secret.encode()), id="SecretBytes"),
    pytest.param(lambda secret: {"client_secret": secret}, id="plain dict"),
    pytest.param(Client, id="plain object"),
    pytest.param(lambda secret: legacy.configured({"password": secret}), id="configured function"),
    pytest.param(
        lambda secret: dg.ResourceDefinition.hardcoded_resource({"password": secret}), id="hardcoded value"
    ),
    pytest.param(lambda secret: Slack(token=secret).get_resource_definition(), id="as a definition"),
    pytest.param(
        lambda secret: dg.ResourceDefinition.hardcoded_resource(Client(secret)), id="hardcoded object"
    ),
    pytest.param(lambda secret: make_url(f"postgresql://ana:{secret}@db/lake"), id="SQLAlchemy URL"),
    pytest.param(lambda secret: HookBusResource(store_url=f"postgresql://a:{secret}@db/lake"), id="store"),
]


@pytest.mark.parametrize("hold", HELD)
def test_known(hold: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found wherever a resource holds it, and so is taken out of any text."""
    monkeypatch.setenv("CANARY", PLAIN)
    monkeypatch.setenv("CANARY_TOKEN", PLAIN)
    monkeypatch.setenv("CANARY_URL", f"postgresql://ana:{PLAIN}@db:5432/lake")
    redactor = redactor_for([("held", hold(PLAIN))])
    assert redactor.text(f"it was {PLAIN}!") == "it was [redacted]!"
    assert PLAIN not in repr(redactor)


def test_only_secrets() -> None:
    """What is no secret is left alone, though it stands beside one."""
    redactor = redactor_for([("a", Slack(token=PLAIN)), ("b", Account(phrase=PLAIN)), ("c", Client(PLAIN))])
    text = "#data-platform ana-maria db.example.com"
    assert redactor.text(text) == text


# Through a run


def leaking(secret: str, **options: Any) -> dg.Definitions:
    """Definitions that put a secret of theirs wherever an event takes text from."""

    @dg.asset(metadata={"said": secret}, description=f"uses {secret}")
    @ingestion
    def loaded(context: dg.AssetExecutionContext, slack: Slack) -> dg.MaterializeResult:
        context.log_event(dg.AssetObservation("loaded", metadata={"seen": slack.token}))
        emit(
            context,
            TelemetryEvent(
                event_type="telemetry.log", name="log", value=slack.token, payload={"p": [secret]}
            ),
        )
        metadata = {
            "connected with": f"postgresql://ana:{secret}@db/lake",
            "nested": {"deep": [{"innocent": slack.token}]},
            "markdown": dg.MetadataValue.md(f"# {secret}"),
            f"key {secret}": 1,
            "table": dg.TableMetadataValue(
                records=[dg.TableRecord({"x": secret})], schema=dg.TableSchema([dg.TableColumn("x")])
            ),
        }
        return dg.MaterializeResult(metadata=metadata)

    @dg.asset
    def broken() -> None:
        raise ValueError(f"cannot connect with {secret}") from KeyError(secret)

    @dg.asset
    def refused() -> None:
        raise dg.Failure(f"refused {secret}", metadata={"with": secret})

    @dg.asset_check(asset=loaded, description=f"compares {secret}")
    def checked() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, description=f"no {secret}", metadata={"dsn of it": secret})

    @dg.asset_check(asset=loaded)
    def crashed() -> dg.AssetCheckResult:
        raise RuntimeError(f"login as {secret}")

    return with_hooks(
        dg.Definitions(
            assets=[loaded, broken, refused],
            asset_checks=[checked, crashed],
            resources={"slack": Slack(token=secret)},
        ),
        plugins=False,
        **options,
    )


SECRETS = [pytest.param(PLAIN, id="plain"), pytest.param(CANARY, id="odd characters")]


def _forms(secret: str) -> list[str]:
    """As it is, and as JSON writes it."""
    return [secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]


def assert_absent(secret: str, text: str) -> None:
    """Show the place, not the whole, where it is there."""
    for form in _forms(secret):
        place = text.find(form)
        assert place < 0, text[max(0, place - 80) : place + 80]


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, secret: str) -> str:
    job = defs.resolve_job_def("__ASSET_JOB")
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags={"note": secret[:60]})
    assert not result.success
    return result.run_id


@pytest.mark.parametrize("step_hooks", [True, False], ids=["step hook", "tail"])
@pytest.mark.parametrize("secret", SECRETS)
def test_never_stored(secret: str, step_hooks: bool, tmp_path: Path) -> None:
    """Nor is it in any file that the bus writes."""
    url = f"sqlite:///{tmp_path}/store/hooks.db"
    defs = leaking(secret, store=url, step_hooks=step_hooks)
    with dg.instance_for_test() as instance:
        _run(defs, instance, secret)
        tick(instance, runtime_of(defs), "")
        bodies = [record.body for record in runtime_of(defs).store(instance).events()]
    assert len(bodies) > 10
    for body in bodies:
        assert_absent(secret, body if isinstance(body, str) else json.dumps(body))
    for file in (tmp_path / "store").iterdir():
        data = file.read_bytes()
        assert [form for form in _forms(secret) if form.encode() in data] == [], file.name


@pytest.mark.parametrize("secret", SECRETS)
def test_never_handed_to_a_hook(secret: str) -> None:
    """Neither to one that is called in the step, nor by the relay, nor to one that may refuse."""
    inline, queued, gate = Spy(), Spy(), Gate()
    hooks = [inline.hook("inline", delivery=DeliveryMode.INLINE), queued.hook("queued"), gate.hook("gate")]
    defs = leaking(secret, hooks=hooks)
    with dg.DagsterInstance.ephemeral() as instance:
        _run(defs, instance, secret)
    for spy in (inline, queued, gate):
        assert {"ingestion.end", "telemetry.log", "quality.result"} <= set(spy.types)
        for event in spy.events:
            assert_absent(secret, event.to_json())
            assert_absent(secret, repr(event))


MODES = [
    pytest.param(DeliveryMode.INLINE, id="inline"),
    pytest.param(DeliveryMode.QUEUED, id="queued"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("secret", SECRETS)
def test_never_logged(secret: str, mode: DeliveryMode, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where a hook fails with it in its message, as with the URL of a webhook."""

    def fails(event: Any) -> None:
        raise ValueError(f"cannot post as {secret}: {event.to_json()}")

    defs = leaking(secret, hooks=[HookRegistration("fails", fails, delivery=mode)])
    with caplog.at_level(logging.DEBUG), dg.DagsterInstance.ephemeral() as instance:
        _run(defs, instance, secret)
    ours = [record for record in caplog.records if record.name.startswith("phlo_hooks")]
    assert ours
    for record in ours:
        assert_absent(secret, logging.Formatter().format(record))


def test_never_in_a_delivery_error(tmp_path: Path) -> None:
    """What the store keeps of a failed delivery, and what the tick says of it."""

    def fails(event: Any) -> None:
        raise ValueError(f"cannot post as {PLAIN}")

    defs = leaking(PLAIN, hooks=[HookRegistration("queued", fails, circuit=None)])
    with dg.instance_for_test() as instance:
        run_id = _run(defs, instance, PLAIN)
        said = tick(instance, runtime_of(defs), "")
        deliveries = runtime_of(defs).store(instance).deliveries(run_id=run_id)
        errors = {delivery.last_error or "" for delivery in deliveries}
        assert {error.splitlines()[0] for error in errors} == {"ValueError: cannot post as [redacted]"}
        for error in errors:
            assert_absent(PLAIN, error)
        records = instance.get_records_for_run(run_id).records
        rows = [each.event_log_entry for each in records if "Hook Bus" in each.event_log_entry.message]
    assert_absent(PLAIN, said)
    assert rows
    for row in rows:
        assert_absent(PLAIN, str(row))


def test_never_in_a_repr() -> None:
    """Of nothing that a traceback or a debugger would show."""
    defs = leaking(PLAIN, store=f"sqlite:////tmp/x.db?password={PLAIN}")
    runtime = runtime_of(defs)
    shown: list[Any] = [(defs.resources or {})["hooks"], runtime, runtime.catalog, *(defs.sensors or ())]
    with dg.DagsterInstance.ephemeral() as instance:
        bus = runtime.bus(instance)
        shown += [bus, *bus.hooks, runtime.recorder(instance, ""), runtime.store(instance)]
    for each in shown:
        assert_absent(PLAIN, repr(each))


def test_an_environment_variable_that_is_read_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be set after the definitions were loaded, as in another process."""
    monkeypatch.delenv("CANARY", raising=False)

    @dg.asset
    def loaded(slack: Slack) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"said": slack.token})

    defs = with_hooks(
        dg.Definitions(assets=[loaded], resources={"slack": Slack(token=dg.EnvVar("CANARY"))}), plugins=False
    )
    monkeypatch.setenv("CANARY", PLAIN)
    with running(defs) as ran:
        assert ran.one("ingestion.end").metadata == {"said": "[redacted]"}


def bound_on_an_asset(secret: str) -> dg.Definitions:
    @dg.asset(resource_defs={"slack": Slack(token=secret)}, required_resource_keys={"slack"})
    def loaded() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"said": secret})

    return dg.Definitions(assets=[loaded])


def bound_on_a_job(secret: str) -> dg.Definitions:
    @dg.op(required_resource_keys={"slack"})
    def load() -> Iterator[Any]:
        yield dg.AssetMaterialization("loaded", metadata={"said": secret})
        yield dg.Output(None)

    @dg.job(resource_defs={"slack": Slack(token=secret)})
    def job() -> None:
        load()

    return dg.Definitions(jobs=[job])


def bound_on_a_scheduled_job(secret: str) -> dg.Definitions:
    (job,) = bound_on_a_job(secret).jobs or ()
    return dg.Definitions(schedules=[dg.ScheduleDefinition(job=job, cron_schedule="@daily")])


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize(
    ("build", "job"),
    [
        pytest.param(bound_on_an_asset, "__ASSET_JOB", id="asset"),
        pytest.param(bound_on_a_job, "job", id="job"),
        pytest.param(bound_on_a_scheduled_job, "job", id="scheduled job"),
    ],
)
def test_bound_elsewhere(build: Any, job: str) -> None:
    """A resource need not be at the top to be known, also when the bus is put around it twice."""
    defs = with_hooks(with_hooks(build(PLAIN), plugins=False), plugins=False)
    with running(defs, job) as ran:
        assert ran.one("ingestion.end").metadata == {"said": "[redacted]"}
