"""Who listens: functions, registrations, providers, resources, plugins.

No `from __future__ import annotations` here: Dagster looks at the annotations of a resource.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
import pytest
from pydantic import PrivateAttr

from phlo_hooks import DeliveryMode, HookFilter, HookRegistration, with_hooks
from phlo_hooks.errors import DuplicateHookError, RegistrationError, UnknownAssetError, UnknownEventTypeError
from phlo_hooks.plugins import HookPlugin, PluginMetadata
from phlo_hooks.producers import subscriptions
from phlo_hooks_tests.producers.recording import running, runtime_of

LOG: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()


@dg.asset
def orders() -> None:
    """Something to tell of."""


def tell(event: Any) -> None:
    LOG.append(("tell", event.event_type))


class Provider:
    """An object with hooks."""

    def get_hooks(self) -> Iterable[HookRegistration]:
        yield HookRegistration("first", tell)
        yield HookRegistration("second", tell)


class NamedPlugin(HookPlugin):
    """A plugin, as Phlo has them."""

    @property
    def metadata(self) -> PluginMetadata:
        return PluginMetadata("shop", "1.0")

    def get_hooks(self) -> Iterable[HookRegistration]:
        yield HookRegistration("rows", tell)


class Handler:
    """A handler that is an object."""

    def handle_event(self, event: Any) -> None:
        LOG.append(("handler", event.event_type))


class Slack(dg.ConfigurableResource):
    """A capability that has to be set up before it can tell."""

    channel: str = "#data"
    only: str = "run.*"
    mode: str = "queued"
    _client: str | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        LOG.append(("set up", context.instance is not None))
        self._client = f"client of {self.channel}"

    def get_hooks(self) -> Iterable[HookRegistration]:
        yield HookRegistration(
            "post",
            self._post,
            filters=HookFilter(event_types={self.only}),
            delivery=DeliveryMode(self.mode),
        )

    def _post(self, event: Any) -> None:
        LOG.append((self._client, event.event_type))


class Through(dg.ConfigurableResource):
    """A capability that holds another resource."""

    slack: Slack

    def get_hooks(self) -> Iterable[HookRegistration]:
        yield HookRegistration("through", self._post, filters=HookFilter(event_types={"run.success"}))

    def _post(self, event: Any) -> None:
        LOG.append(("through", self.slack._client))


class Plain:
    """A resource that is not Dagster's."""

    def get_hooks(self) -> Iterable[HookRegistration]:
        yield HookRegistration("plain", tell, filters=HookFilter(event_types={"run.success"}))


def names(hooks: Iterable[Any] = (), resources: dict[str, Any] | None = None, **options: Any) -> list[str]:
    options = {"plugins": False, **options}
    defs = with_hooks(dg.Definitions(assets=[orders], resources=resources), hooks=list(hooks), **options)
    with dg.DagsterInstance.ephemeral() as instance:
        return [hook.qualified_name for hook in runtime_of(defs).bus(instance).hooks]


SUBSCRIBED = [
    pytest.param([tell], {}, ["definitions.tell"], id="function"),
    pytest.param([HookRegistration("mine", Handler())], {}, ["definitions.mine"], id="registration"),
    pytest.param([Provider()], {}, ["Provider.first", "Provider.second"], id="provider"),
    pytest.param([NamedPlugin()], {}, ["shop.rows"], id="plugin"),
    pytest.param([], {"slack": Slack()}, ["slack.post"], id="resource"),
    pytest.param([], {"alerts": Plain()}, ["alerts.plain"], id="plain resource"),
    pytest.param([], {"a": Slack(), "b": Slack()}, ["a.post", "b.post"], id="two of a kind"),
    pytest.param([], {"x": 1, "y": None, "z": "text"}, [], id="other resources"),
    pytest.param([tell], {"slack": Slack()}, ["definitions.tell", "slack.post"], id="both"),
]


@pytest.mark.parametrize(("hooks", "resources", "expected"), SUBSCRIBED)
def test_subscribed(hooks: list[Any], resources: dict[str, Any], expected: list[str]) -> None:
    """Under the name of the plugin, of the class, or of the resource."""
    assert expected == names(hooks, resources)


def test_installed_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come by themselves, unless they are not wanted."""
    monkeypatch.setattr(subscriptions, "installed_plugins", lambda: (NamedPlugin(),))
    assert names(plugins=True) == ["shop.rows"]
    assert names(plugins=False) == []


def test_order() -> None:
    """By priority, then plugin, then hook, whatever came first."""
    hooks = [HookRegistration(name, tell, priority) for name, priority in (("z", 1), ("b", 5), ("a", 5))]
    expected = ["definitions.z", "definitions.a", "definitions.b", "Provider.first", "Provider.second"]
    assert expected == names([Provider(), *hooks])


def test_a_resource_is_set_up_when_it_is_first_needed() -> None:
    """Once, by Dagster, with the instance; and not at all where nobody wants its hooks."""
    defs = with_hooks(dg.Definitions(assets=[orders], resources={"slack": Slack()}), plugins=False)
    dg.Definitions.validate_loadable(defs)
    assert LOG == []
    with running(defs):
        assert LOG == [("set up", True), ("client of #data", "run.start"), ("client of #data", "run.success")]
    unwanted = dg.Definitions(assets=[orders], resources={"slack": Slack(only="run.canceled")})
    LOG.clear()
    with running(with_hooks(unwanted, plugins=False)):
        assert LOG == []


def test_a_resource_that_a_step_needs_too() -> None:
    """The step has its own, set up as Dagster does; the hook has another."""

    @dg.asset
    def posts(slack: Slack) -> None:
        LOG.append(("step", slack._client))

    defs = dg.Definitions(assets=[posts], resources={"slack": Slack(only="run.success", mode="inline")})
    with running(with_hooks(defs, plugins=False)) as ran:
        assert ran.result.success
    assert [entry for entry in LOG if entry[0] in ("step", "client of #data")] == [
        ("step", "client of #data"),
        ("client of #data", "run.success"),
    ]


def test_a_resource_with_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when the resource is set up, and may be missing when the definitions load."""
    monkeypatch.delenv("CHANNEL", raising=False)
    defs = dg.Definitions(assets=[orders], resources={"slack": Slack(channel=dg.EnvVar("CHANNEL"))})
    hooked = with_hooks(defs, plugins=False)
    monkeypatch.setenv("CHANNEL", "#ops")
    with running(hooked):
        assert ("client of #ops", "run.success") in LOG


# Dagster uses there what it has deprecated itself.
@pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning")
def test_a_nested_resource() -> None:
    """What a resource holds is set up with it."""
    slack = Slack(only="run.canceled")
    defs = dg.Definitions(assets=[orders], resources={"slack": slack, "through": Through(slack=slack)})
    with running(with_hooks(defs, plugins=False)):
        assert ("through", "client of #data") in LOG


def test_a_resource_that_cannot_be_set_up() -> None:
    """The run is not harmed; the deliveries are tried again."""

    class Down(Slack):
        def setup_for_execution(self, context: dg.InitResourceContext) -> None:
            raise ConnectionError("vault is sealed")

    defs = with_hooks(dg.Definitions(assets=[orders], resources={"down": Down()}), plugins=False)
    with running(defs) as ran:
        assert ran.result.success
        states = {(each.hook, each.state.value) for each in ran.store.deliveries(run_id=ran.result.run_id)}
        assert states == {("down.post", "retrying")}
        errors = [each.last_error or "" for each in ran.store.deliveries(run_id=ran.result.run_id)]
    assert all("vault is sealed" in error for error in errors)


def never() -> Iterator[HookRegistration]:
    yield HookRegistration("post", tell, filters=HookFilter(asset_keys={"orderz"}))


class Wrong:
    """A resource whose hook can never be called."""

    def get_hooks(self) -> Iterable[HookRegistration]:
        return never()


def registration(**fields: Any) -> HookRegistration:
    return HookRegistration("post", tell, **fields)


REFUSED = [
    pytest.param([tell, tell], {}, DuplicateHookError, "'tell'", id="function twice"),
    pytest.param([Provider(), Provider()], {}, DuplicateHookError, "'Provider'", id="provider twice"),
    pytest.param(
        [], {"alerts": Wrong()}, UnknownAssetError, "'alerts.post'.*'orderz'.*'orders'", id="unknown asset"
    ),
    pytest.param([object()], {}, RegistrationError, "HookRegistration", id="neither"),
    pytest.param([lambda event: 1], {}, RegistrationError, "HookRegistration", id="lambda"),
]


@pytest.mark.parametrize(("hooks", "resources", "error", "said"), REFUSED)
def test_refused(hooks: list[Any], resources: dict[str, Any], error: type[Exception], said: str) -> None:
    """When the definitions load, by name."""
    with pytest.raises(error, match=said):
        names(hooks, resources)


def test_unknown_event_type_names_the_next_one() -> None:
    """In the filter's own words."""
    with pytest.raises(UnknownEventTypeError, match=r"'run\.sucess'.*did you mean 'run\.success'"):
        registration(filters=HookFilter(event_types={"run.sucess"}))


KNOWN = [
    pytest.param({"orders"}, id="asset"),
    pytest.param({"ord*"}, id="pattern"),
    pytest.param({"upstream/raw"}, id="dependency"),
    pytest.param({"elsewhere"}, id="checked asset"),
]


@pytest.mark.parametrize("keys", KNOWN)
def test_known_assets(keys: set[str]) -> None:
    """A filter may name whatever an event can name."""

    @dg.asset(deps=[dg.AssetKey(["upstream", "raw"])])
    def customers() -> None:
        """Has a dependency."""

    @dg.asset_check(asset="elsewhere")
    def checked() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    defs = dg.Definitions(assets=[orders, customers], asset_checks=[checked])
    assert with_hooks(defs, hooks=[registration(filters=HookFilter(asset_keys=keys))], plugins=False)
