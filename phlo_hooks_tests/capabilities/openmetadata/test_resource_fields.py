"""The fields of an OpenMetadataResource: a bad one is refused when it is built, a variable is looked up."""

from __future__ import annotations

import math
import sys

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities import OpenMetadataResource
from phlo_hooks.capabilities.openmetadata.resource import EVENT_TYPES
from phlo_hooks.errors import ConfigurationError, DeliveryError, PhloHooksError
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import Ordering
from phlo_hooks.state import HostedHookProvider

from .bench import Bench, Shelf, ended, orders

# A canary: it must be seen nowhere.
TOKEN = "eyJhbGciOiJSUzI1NiJ9.canary.signature"
GOOD = {"url": "http://openmetadata:8585", "token": TOKEN}

BAD = {
    "an empty url": ({"url": ""}, "OpenMetadataResource: url has the scheme ''"),
    "a password in the url": ({"url": "http://u:pw@x"}, "url has a user or password"),
    "a query in the url": ({"url": "http://x?a=b"}, "url has a ? or #"),
    "an empty token": ({"token": " "}, "token is empty, or holds what no token has"),
    "a token of two lines": ({"token": "pw\nX-Evil: 1"}, "token is empty, or holds what no token has"),
    "no time": ({"timeout": 0}, "timeout 0.0: use seconds, above 0"),
    "an endless timeout": ({"timeout": math.inf}, "timeout inf: use seconds"),
    "no pipeline service": ({"pipeline_service": ""}, "pipeline_service '' is no name"),
    "a bad pipeline service": ({"pipeline_service": "a::b"}, "pipeline_service 'a::b' is no name"),
    "a service type in small letters": ({"service_type": "postgres"}, "OpenMetadata writes it 'Postgres'"),
    "an empty service type": (
        {"service_type": ""},
        "service_type '': OpenMetadata writes it 'CustomDatabase'",
    ),
    "a password in each link": ({"webserver_url": "http://u:pw@x"}, "webserver_url has a user or password"),
    "a page that is none": ({"webserver_url": "dagster"}, "webserver_url has the scheme ''"),
    "a mapping": ({"mapping": {"a": "b"}}, "OpenMetadataResource: mapping['a']: 'b' has 1 parts"),
    "a service": ({"services": {"duckdb": ""}}, "OpenMetadataResource: services['duckdb']: ''"),
}


@pytest.mark.parametrize(("fields", "words"), BAD.values(), ids=BAD)
def test_refused_when_built(fields, words):
    with pytest.raises(ConfigurationError) as caught:
        OpenMetadataResource(**{**GOOD, **fields})
    assert words in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("missing", ["url", "token"])
def test_what_is_needed(missing):
    with pytest.raises(ValidationError, match=missing) as caught:
        OpenMetadataResource(**{key: value for key, value in GOOD.items() if key != missing})
    assert "canary" not in str(caught.value)


def test_a_field_that_is_misspelt():
    """Dagster takes it, and leaves the right one at its default."""
    with pytest.raises(ValidationError, match="servces") as caught:
        OpenMetadataResource(**GOOD, servces={})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/", "/api/v1", "/api/v1/"])
def test_the_url_may_have_the_path_of_the_api(end):
    setup = OpenMetadataResource(**{**GOOD, "url": f"http://x/om{end}"}).setup(memory_host())
    assert setup.client.rest.url == "http://x/om/api/v1"


@pytest.mark.parametrize("token", [TOKEN, f"Bearer {TOKEN}", f" {TOKEN}\n"])
def test_the_token_is_sent_as_a_bearer_token(token):
    setup = OpenMetadataResource(**{**GOOD, "token": token}).setup(memory_host())
    assert setup.client.rest.headers == {"authorization": f"Bearer {TOKEN}"}


def test_variables_in_each_field(monkeypatch):
    """Nobody sets up the resource but itself: Dagster hands over none of them."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    resource = OpenMetadataResource(
        url=dg.EnvVar("OM_URL"),
        token=dg.EnvVar("OM_TOKEN"),
        services={"duckdb": dg.EnvVar("OM_LAKE")},
        mapping={"raw/*": dg.EnvVar("OM_RAW"), "old": None},
        exclude=dg.EnvVar("OM_OUT"),
        service_type=dg.EnvVar("OM_TYPE"),
        pipeline_service=dg.EnvVar("OM_PIPES"),
        webserver_url=dg.EnvVar("OM_PAGE"),
        ca_file=dg.EnvVar("OM_CA"),
    )
    setup = resource.setup(memory_host(select_assets=lambda selection: frozenset([selection])))
    assert (setup.client.rest.url, setup.client.rest.ca_file) == ("http://om:8585/api/v1", "/etc/ca.pem")
    assert setup.client.rest.headers == {"authorization": f"Bearer {TOKEN}"}
    assert setup.mapping.services == {"duckdb": "lake.shop"}
    assert setup.mapping.patterns == {"raw/*": "a.b.c.{name}", "old": None}
    assert not setup.takes("secret_asset")
    assert (setup.service_type, setup.pipeline_service) == ("Hive", "dagster-prod")
    assert setup.webserver_url == "http://dagster:3000"


VARIABLES = {
    "OM_URL": "http://om:8585/",
    "OM_TOKEN": TOKEN,
    "OM_LAKE": "lake.shop",
    "OM_RAW": "a.b.c.{name}",
    "OM_OUT": "secret_asset",
    "OM_TYPE": "Hive",
    "OM_PIPES": "dagster-prod",
    "OM_PAGE": "http://dagster:3000/",
    "OM_CA": "/etc/ca.pem",
}


def test_variables_are_not_looked_at_when_built():
    """The code location may load where they are not set."""
    resource = OpenMetadataResource(
        url=dg.EnvVar("OM_URL"),
        token=dg.EnvVar("OM_TOKEN"),
        services={"duckdb": dg.EnvVar("OM_LAKE")},
        mapping={"raw/*": dg.EnvVar("OM_RAW")},
        include=dg.EnvVar("OM_IN"),
    )
    resource.check(lambda selection: frozenset())
    with pytest.raises(DeliveryError, match="token: the environment variable OM_TOKEN is not set"):
        OpenMetadataResource(url="http://x", token=dg.EnvVar("OM_TOKEN")).setup(memory_host())


def test_a_variable_with_a_bad_value(monkeypatch):
    """Is named, and what is in the token's is not shown."""
    monkeypatch.setenv("OM_TOKEN", "pw pw")
    with pytest.raises(ConfigurationError) as caught:
        OpenMetadataResource(url="http://x", token=dg.EnvVar("OM_TOKEN")).setup(memory_host())
    assert "OpenMetadataResource: token" in str(caught.value)
    assert "pw" not in str(caught.value)


def test_nothing_secret_in_its_repr():
    resource = OpenMetadataResource(**GOOD)
    assert "canary" not in repr(resource)
    assert "canary" not in repr(resource.setup(memory_host()))


def test_nothing_secret_in_what_is_raised_and_kept(server, caplog):
    """A server that repeats the token in its answers."""
    caplog.set_level("DEBUG")
    server.token = TOKEN
    bench = Bench(server, orders(table_name=None), orders(key="raw/items", owners=("team:x",)), token=TOKEN)
    for method, status in (("GET", 500), ("PUT", 400), ("PUT", 403)):
        server.fail(method, ".", status, body={"message": f"Bearer {TOKEN} and {TOKEN}"})
        with pytest.raises(PhloHooksError) as caught:
            bench.deliver(ended("raw/items"))
        assert "canary" not in repr(caught.value)
    bench.deliver(ended(), ended("raw/items"))
    kept = [*bench.state.list(), *bench.shared.list()]
    assert kept and "canary" not in repr(kept)
    assert caplog.records and "canary" not in caplog.text


HOOKS = {
    "all": ({}, ["tables", "lineage", "quality", "pipelines"]),
    "no lineage": ({"lineage": False}, ["tables", "quality", "pipelines"]),
    "tables": ({"lineage": False, "quality": False, "pipelines": False}, ["tables"]),
}


@pytest.mark.parametrize(("fields", "names"), HOOKS.values(), ids=HOOKS)
def test_its_hooks(fields, names):
    """In order, of an asset's events or a run's, and with time for some slow requests."""
    resource = OpenMetadataResource(**GOOD, **fields, timeout=30)
    hooks = list(resource.get_hooks())
    assert isinstance(resource, HostedHookProvider)
    assert [each.hook_name for each in hooks] == names
    for each in hooks:
        assert each.filters.event_types == frozenset(EVENT_TYPES[each.hook_name])
        assert each.ordering is (Ordering.RUN if each.hook_name == "pipelines" else Ordering.ASSET)
        assert each.timeout > 3 * 30


def test_selections_are_checked():
    asked = []
    OpenMetadataResource(**GOOD, include="group:a", exclude="key:b").check(
        lambda selection: asked.append(selection) or frozenset()
    )
    assert asked == ["group:a", "key:b"]


def test_writers_are_loaded_when_an_event_comes():
    """Who only lists hooks pays for none of them."""
    loaded = f"{OpenMetadataResource.__module__.rpartition('.')[0]}.tables"
    known = sys.modules.pop(loaded, None)
    try:
        list(OpenMetadataResource(**GOOD).hooks_on(memory_host()))
        assert loaded not in sys.modules
    finally:
        if known is not None:
            sys.modules[loaded] = known


def test_a_step_that_asks_for_the_resource():
    """Dagster builds it anew there."""

    @dg.asset(required_resource_keys={"openmetadata"})
    def made(context):
        assert isinstance(context.resources.openmetadata, OpenMetadataResource)
        assert context.resources.openmetadata.mapping == {"old/*": None}

    resource = OpenMetadataResource(**GOOD, mapping={"old/*": None})
    assert dg.materialize([made], resources={"openmetadata": resource}).success


def test_assets_link_to_their_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """On their pages in Dagster, without a request; what is in no variable yet cannot be a link."""
    shelf = Shelf(AssetInfo("orders"), AssetInfo("none"))
    monkeypatch.delenv("OM_URL", raising=False)
    resource = OpenMetadataResource(
        url=dg.EnvVar("OM_URL"),
        token=dg.EnvVar("OM_TOKEN"),
        mapping={"orders": 'lake.main.shop."my orders.v2"'},
    )
    assert resource.annotations(shelf) == {"orders": '**lake.main.shop."my orders.v2"**'}
    monkeypatch.setenv("OM_URL", "http://om:8585/api")
    assert resource.annotations(shelf) == {
        "orders": '[lake.main.shop."my orders.v2"](http://om:8585/table/lake.main.shop.%22my%20orders.v2%22)'
    }
