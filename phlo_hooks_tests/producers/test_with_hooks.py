"""The one line: what it adds, what it refuses, and that doing it twice is doing it once."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookBusResource, HookFilter, HookRegistration, ingestion, with_hooks
from phlo_hooks.errors import (
    ConfigurationError,
    DuplicateHookError,
    RegistrationError,
    UnknownAssetError,
    UnknownEventTypeError,
)
from phlo_hooks.producers.sensor import SENSOR_NAME, tick
from phlo_hooks.producers.step_hook import HOOK_NAME, STEP_HOOK
from phlo_hooks_tests.producers import adversarial
from phlo_hooks_tests.producers.recording import Row, Spy, golden, running, runtime_of


@dg.asset
def orders() -> int:
    return 1


@dg.asset(group_name="marts")
def customers(orders: int) -> int:
    return orders


@dg.op
def work() -> None:
    """Nothing."""


@dg.job
def working() -> None:
    work()


def tell(event: Any) -> None:
    """A hook that does nothing."""


def also_tell(event: Any) -> None:
    """Another."""


def base(**more: Any) -> dg.Definitions:
    return dg.Definitions(assets=[orders, customers], jobs=[working], **more)


def hooked(defs: dg.Definitions | None = None, **options: Any) -> dg.Definitions:
    return with_hooks(defs or base(), plugins=False, **options)


def hook_names(defs: dg.Definitions) -> list[str]:
    with dg.DagsterInstance.ephemeral() as instance:
        return [hook.qualified_name for hook in runtime_of(defs).bus(instance).hooks]


# What it adds


def test_adds_a_resource_and_a_sensor() -> None:
    """Under `hooks`, and one that runs without being switched on."""
    defs = hooked()
    assert set(defs.resources or {}) == {"hooks"}
    (sensor,) = defs.sensors or ()
    assert (sensor.name, sensor.default_status) == (SENSOR_NAME, dg.DefaultSensorStatus.RUNNING)


def test_leaves_the_original_alone() -> None:
    """The definitions that were passed, and what they hold, are not changed."""
    defs = base(resources={"x": 1})
    hooked(defs)
    assert defs.resources == {"x": 1}
    assert not defs.sensors
    assert all(STEP_HOOK not in each.hook_defs for each in (orders, customers, working))


def test_without_sensors_or_step_hooks() -> None:
    """Each can be left out."""
    assert list(hooked(sensors=False).sensors or ()) == []
    bare = hooked(step_hooks=False)
    assert all(STEP_HOOK not in each.hook_defs for each in bare.assets or ())  # type: ignore[union-attr]
    with running(bare, "working") as ran:
        assert HOOK_NAME not in "".join(event.message or "" for event in ran.log)


def test_an_own_bus_resource_is_kept(tmp_path: Path) -> None:
    """Where its store is, is what was said there."""
    url = f"sqlite:///{tmp_path}/mine.db"
    defs = hooked(base(resources={"hooks": HookBusResource(store_url=url)}))
    with dg.instance_for_test() as instance, running(defs, instance=instance):
        assert (tmp_path / "mine.db").exists()


def test_a_store_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when the store is opened, not when the definitions load."""
    defs = hooked(store=dg.EnvVar("MY_STORE"))
    monkeypatch.setenv("MY_STORE", f"sqlite:///{tmp_path}/mine.db")
    with dg.instance_for_test() as instance, running(defs, instance=instance):
        assert (tmp_path / "mine.db").exists()


def test_an_environment_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default place would be the wrong one: who reads the store says so."""
    monkeypatch.delenv("MY_STORE", raising=False)
    defs = hooked(store=dg.EnvVar("MY_STORE"))
    with (
        dg.instance_for_test() as instance,
        pytest.raises(ConfigurationError, match="MY_STORE, which is not set"),
    ):
        tick(instance, runtime_of(defs), "")


def test_metadata_and_component_tree_are_kept() -> None:
    """What is neither an asset nor a resource is still there."""
    defs = hooked(base(metadata={"owner": "data"}, executor=dg.in_process_executor))
    assert defs.metadata["owner"] == dg.MetadataValue.text("data")
    assert defs.executor is dg.in_process_executor


# Twice


def test_twice_is_once() -> None:
    """One step hook, one sensor, and the same definitions."""
    twice = hooked(hooked())
    assert len(list(twice.sensors or ())) == 1
    with running(twice) as ran:
        calls = Counter(e.step_key for e in ran.log if f'hook "{HOOK_NAME}"' in (e.message or ""))
        once = golden(ran.events)
    assert calls == {"orders": 1, "customers": 1}
    with running(hooked()) as ran:
        assert once == golden(ran.events)


def test_twice_is_once_for_a_job_with_resources() -> None:
    """Its resource is the one of the second time."""
    own = {"base": dg.ResourceDefinition.hardcoded_resource(1)}

    @dg.job(resource_defs=own)
    def complete() -> None:
        work()

    spy = Spy()
    twice = hooked(hooked(dg.Definitions(jobs=[complete])), hooks=[spy.hook()])
    with running(twice, "complete"):
        assert spy.types == ["run.start", "run.success"]


def test_twice_joins_hooks_and_stages() -> None:
    """What the second says is added to what the first said; what is said twice counts once."""
    registration = HookRegistration("named", tell)
    first = hooked(hooks=[tell, registration], stages={"orders": "publish"})
    second = hooked(first, hooks=[tell, also_tell, registration], stages={"customers": "publish"})
    names = ["definitions.also_tell", "definitions.named", "definitions.tell"]
    assert names == hook_names(second)
    stages = {key: facts.stage.value for key, facts in runtime_of(second).catalog.assets.items()}
    assert stages == {"orders": "publish", "customers": "publish"}


def test_twice_keeps_what_was_switched_off() -> None:
    """A second call with defaults does not bring back what the first left out."""
    second = hooked(hooked(sensors=False, step_hooks=False))
    assert list(second.sensors or ()) == []
    assert all(STEP_HOOK not in each.hook_defs for each in second.assets or ())  # type: ignore[union-attr]


def test_twice_keeps_the_first_start() -> None:
    """`since` is not forgotten by a second call that does not say it."""
    since = datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert runtime_of(hooked(hooked(since=since))).start == since


# Where definitions come from


def test_merged_definitions() -> None:
    """Merge first, then hook: everything of both is on the bus."""

    @dg.asset
    def other() -> None:
        """Of the other team."""

    merged = dg.Definitions.merge(base(), dg.Definitions(assets=[other], resources={"x": 1}))
    with running(hooked(merged)) as ran:
        ended = [row.asset for row in golden(ran.events) if row.event_type.endswith(".end")]
    assert sorted(ended) == ["customers", "orders", "other"]


def test_a_hooked_part_can_be_merged() -> None:
    """With definitions that are not hooked; those stay without."""
    merged = dg.Definitions.merge(hooked(dg.Definitions(assets=[orders])), dg.Definitions(jobs=[working]))
    dg.Definitions.validate_loadable(merged)
    with running(merged) as ran:
        assert Row("ingestion.end", "orders", status="success", attempt=1) in golden(ran.events)


def test_assets_that_only_a_target_names() -> None:
    """They are part of the code location, so their steps are told and a filter may name them."""

    @dg.asset
    def hidden() -> None:
        """Not passed to Definitions."""

    @dg.asset
    def unseen() -> None:
        """Neither."""

    @dg.sensor(target=[hidden])
    def sensor() -> dg.SkipReason:
        return dg.SkipReason("no")

    schedule = dg.ScheduleDefinition("daily", target=unseen, cron_schedule="@daily")
    spy = Spy()
    only = HookFilter(asset_keys={"hidden", "unseen"}, event_types={"*.end"})
    defs = dg.Definitions(assets=[orders], sensors=[sensor], schedules=[schedule])
    with running(hooked(defs, hooks=[spy.hook(filters=only)])):
        assert sorted(event.asset_key for event in spy.events) == ["hidden", "unseen"]  # type: ignore[attr-defined]


def project(folder: Path, **files: str) -> Path:
    """A small `dg` project."""
    toml = """
        [tool.dg]
        directory_type = "project"
        [tool.dg.project]
        root_module = "shop"
    """
    texts = {"pyproject.toml": toml, "shop/__init__.py": "", "shop/defs/__init__.py": "", **files}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


ASSETS = """
    import dagster as dg

    @dg.asset(kinds={"dlt"})
    def orders(): ...

    @dg.asset_check(asset=orders)
    def some():
        return dg.AssetCheckResult(passed=True)

    @dg.schedule(target=[orders], cron_schedule="@daily")
    def daily():
        return {}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with assets, a check and a schedule, each found in its folder."""
    import sys

    root = project(tmp_path, **{"shop/defs/lake.py": ASSETS})
    monkeypatch.syspath_prepend(str(root))
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        sys.modules.pop(name)


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::dagster.BetaWarning")
def test_definitions_from_a_folder(shop: Path) -> None:
    """As `dg` projects have them; what Dagster knows of its components is kept."""
    loaded = dg.load_from_defs_folder(path_within_project=shop / "shop" / "defs")
    defs = hooked(loaded)
    dg.Definitions.validate_loadable(defs)
    assert defs.component_tree is loaded.component_tree
    with running(defs) as ran:
        assert golden(ran.events) == [
            Row("ingestion.end", "orders", status="success", attempt=1),
            Row("ingestion.start", "orders", status="started", attempt=1),
            Row("quality.result", "orders", "some", status="passed", attempt=1),
            Row("run.start", status="started"),
            Row("run.success", status="success"),
        ]


def test_lazy_definitions() -> None:
    """A function under `@dg.definitions` calls it within."""

    @dg.definitions
    def defs() -> dg.Definitions:
        return hooked()

    dg.Definitions.validate_loadable(defs())


# What it refuses


@ingestion
def declared() -> None:
    """Beneath no decorator of Dagster's."""


def with_tag() -> dg.Definitions:
    return dg.Definitions(assets=[dg.AssetSpec("orders", tags={"phlo/stage": "bronze"})])


def own_hooks_key_in_job() -> dg.Definitions:
    @dg.job(resource_defs={"hooks": dg.ResourceDefinition.hardcoded_resource("mine")})
    def taken() -> None:
        work()

    return dg.Definitions(jobs=[taken])


def own_hooks_key_on_asset() -> dg.Definitions:
    @dg.asset(resource_defs={"hooks": dg.ResourceDefinition.hardcoded_resource("mine")})
    def taken() -> None:
        """Has a resource of its own under our key."""

    return dg.Definitions(assets=[taken])


def filtered(**fields: Any) -> HookRegistration:
    return HookRegistration("slack", tell, filters=HookFilter(**fields))


REFUSED = [
    pytest.param(
        lambda: with_hooks([orders]),
        ConfigurationError,
        ["dagster.Definitions", "list"],
        id="not Definitions",
    ),
    pytest.param(
        lambda: with_hooks(hooked), ConfigurationError, ["dagster.Definitions", "function"], id="a function"
    ),
    pytest.param(
        lambda: hooked(base(resources={"hooks": {"a": 1}})),
        ConfigurationError,
        ["'hooks'", "dict", "rename"],
        id="key taken",
    ),
    pytest.param(
        lambda: hooked(own_hooks_key_in_job()),
        ConfigurationError,
        ["'hooks'", "'taken'", "rename"],
        id="key taken in a job",
    ),
    pytest.param(
        lambda: hooked(own_hooks_key_on_asset()),
        ConfigurationError,
        ["'hooks'", "'taken'", "rename"],
        id="key taken on an asset",
    ),
    pytest.param(
        lambda: hooked(
            base(resources={"hooks": HookBusResource(store_url="sqlite:///a")}), store="sqlite:///b"
        ),
        ConfigurationError,
        ["store", "twice", "'hooks'", "remove one"],
        id="store twice",
    ),
    pytest.param(
        lambda: hooked(stages={"group:raw": "bronze"}),
        ConfigurationError,
        ["group:raw", "'bronze'", "ingestion, transform, publish"],
        id="unknown stage",
    ),
    pytest.param(
        lambda: hooked(with_tag()),
        ConfigurationError,
        ["'phlo/stage'", "'orders'", "'bronze'", "ingestion, transform, publish"],
        id="bad stage tag",
    ),
    pytest.param(
        lambda: hooked(hooks=[filtered(asset_keys={"order"})]),
        UnknownAssetError,
        ["'definitions.slack'", "'order'", "did you mean 'orders'"],
        id="unknown asset",
    ),
    pytest.param(
        lambda: hooked(hooks=[filtered(event_types={"ingest.end"})]),
        UnknownEventTypeError,
        ["'ingest.end'", "did you mean"],
        id="unknown event type",
    ),
    pytest.param(
        lambda: hooked(hooks=[lambda event: None]),
        RegistrationError,
        ["lambda", "HookRegistration("],
        id="lambda",
    ),
    pytest.param(
        lambda: hooked(hooks=[Spy]), RegistrationError, ["Spy", "have you forgotten the `()`"], id="a class"
    ),
    pytest.param(
        lambda: hooked(hooks=["slack"]), RegistrationError, ["'slack'", "HookRegistration("], id="a string"
    ),
    pytest.param(lambda: hooked(hooks=tell), ConfigurationError, ["tell", "hooks=[…]"], id="no list"),
    pytest.param(
        lambda: hooked(since=datetime(2024, 1, 1)),  # noqa: DTZ001
        ConfigurationError,
        ["since", "2024", "tzinfo=timezone.utc"],
        id="naive datetime",
    ),
    pytest.param(
        lambda: hooked(since="2024-01-01"),
        ConfigurationError,
        ["since", "tzinfo=timezone.utc"],
        id="since as text",
    ),
    pytest.param(
        lambda: hooked(hooks=[tell, HookRegistration("tell", also_tell)]),
        DuplicateHookError,
        ["'definitions'", "'tell'", "another hook_name"],
        id="name taken",
    ),
    pytest.param(
        lambda: hooked(hooks=[HookRegistration("gate", tell, failure_policy="raise")]),  # type: ignore[arg-type]
        RegistrationError,
        ["'definitions.gate'", "failure_policy='raise'", "@ingestion"],
        id="nothing to stop",
    ),
]


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize(("call", "error", "said"), REFUSED)
def test_refused(call: Callable[[], Any], error: type[Exception], said: list[str]) -> None:
    """When the definitions load, in words that name the object, the value and what to do."""
    with pytest.raises(error) as raised:
        call()
    message = str(raised.value)
    assert [word for word in said if word not in message] == [], message


# In other processes


@pytest.mark.e2e
def test_in_other_processes() -> None:
    """A job that is loaded anew in each process of its steps is told by the step hook alone."""
    job = dg.reconstructable(adversarial.job_in_processes)
    with dg.instance_for_test() as instance:
        with dg.execute_job(job, instance=instance, raise_on_error=True) as result:
            run_id = result.run_id
        runtime = adversarial.job_in_processes().resource_defs["hooks"].runtime  # type: ignore[attr-defined]
        events = [record.event for record in runtime.store(instance).events(run_id=run_id)]
    expected = [
        Row("ingestion.end", "grown", "", partition, "success", attempt)
        for partition in ("a", "b")
        for attempt in (1, 2)
    ]
    told = [*expected, Row("telemetry.metric", "found", attempt=1), Row("run.start", status="started")]
    assert golden(events) == sorted(told)
