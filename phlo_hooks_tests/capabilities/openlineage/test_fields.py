"""The fields of an OpenLineageResource: a bad one is refused when it is built, a variable is looked up."""

import math

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks.capabilities import OpenLineageResource
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.memory import memory_host
from phlo_hooks_tests.capabilities.openlineage.shop import Shop, run

BAD = {
    "an empty url": ({"url": ""}, "url has the scheme ''"),
    "a password in the url": ({"url": "http://u:pw@x"}, "url has a user or password"),
    "an endless timeout": ({"timeout": math.inf}, "timeout inf: use seconds"),
    "runless": ({"runless": "no"}, "runless 'no': use 'run' or 'dataset'"),
    "a transport without a type": ({"transport": {"url": "http://x"}}, "transport= has no type"),
    "an empty transport": ({"transport": {}}, "transport= has no type"),
    "an unknown transport": ({"transport": {"type": "htpp"}}, "transport type 'htpp' is unknown"),
    "http without a url": ({"transport": {"type": "http"}}, "transport 'http' has no url"),
    "a child without a url": (
        {"transport": {"type": "composite", "transports": [{"type": "http"}]}},
        "transport 'http' has no url",
    ),
    "a key for the console": (
        {"transport": {"type": "console"}, "api_key": dg.EnvVar("OL_KEY")},
        "api_key= are for HTTP",
    ),
    "a password in each link": ({"webserver_url": "http://u:pw@x"}, "webserver_url has a user or password"),
    "a page that is none": ({"webserver_url": "dagster"}, "webserver_url has the scheme ''"),
}


@pytest.mark.parametrize(("fields", "words"), BAD.values(), ids=BAD)
def test_refused_when_built(fields, words):
    with pytest.raises(ConfigurationError) as caught:
        OpenLineageResource(**fields)
    assert words in str(caught.value)
    assert "pw" not in str(caught.value)


def test_a_field_that_is_misspelt():
    """Dagster takes it, and leaves the right one at its default."""
    with pytest.raises(ValidationError, match="job_namspace"):
        OpenLineageResource(url="http://x", job_namspace="prod")


def test_variables_in_each_field(monkeypatch):
    """Nobody sets up the resource but itself: Dagster hands over none of them."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    resource = OpenLineageResource(
        url=dg.EnvVar("OL_URL"),
        endpoint=dg.EnvVar("OL_PATH"),
        api_key=dg.EnvVar("OL_KEY"),
        job_namespace=dg.EnvVar("OL_JOBS"),
        dataset_namespace=dg.EnvVar("OL_DATA"),
        data_sources={"postgres": dg.EnvVar("OL_PG")},
        exclude=dg.EnvVar("OL_OUT"),
        webserver_url=dg.EnvVar("OL_PAGE"),
    )
    host = memory_host(select_assets=lambda selection: frozenset([selection]))
    settings = resource.settings(host)
    transport = resource.outlet()._client.transport
    assert (VARIABLES["OL_URL"], VARIABLES["OL_PATH"]) == (transport.url.rstrip("/"), transport.endpoint)
    assert "prod" == settings.job("x", {}).namespace
    assert "lake" == settings.naming.logical("x", group=None, tags={}).namespace
    assert not settings.takes("secret_asset")
    assert VARIABLES["OL_PAGE"] == settings.webserver_url
    known = {"table_name": "a.b", "uri": None, "storage_kind": "postgres", "kinds": (), "metadata": {}}
    assert "postgres://db:5432" == settings.naming.physical(**known).namespace


VARIABLES = {
    "OL_URL": "http://marquez:5000",
    "OL_PATH": "api/v2",
    "OL_KEY": "a-key-of-mine",
    "OL_JOBS": "prod",
    "OL_DATA": "lake",
    "OL_PG": "postgres://db/shop",
    "OL_OUT": "secret_asset",
    "OL_PAGE": "http://dagster:3000",
}


def test_variables_in_a_list_of_transports(monkeypatch):
    children = [{"type": "http", "url": dg.EnvVar("OL_URL")}]
    resource = OpenLineageResource(transport={"type": "composite", "transports": children})
    with pytest.raises(DeliveryError, match=r"transport.transports\[0\].url: .* OL_URL is not set"):
        resource.outlet()
    monkeypatch.setenv("OL_URL", "http://marquez:5000")
    (child,) = resource.outlet()._client.transport.transports
    assert "http://marquez:5000" == child.url.rstrip("/")


def test_variables_are_not_looked_at_when_built():
    """The code location may load where they are not set."""
    resource = OpenLineageResource(
        url=dg.EnvVar("OL_URL"), include=dg.EnvVar("OL_IN"), job_namespace=dg.EnvVar("OL_JOBS")
    )
    resource.check(lambda selection: frozenset())


def test_nothing_secret_in_its_repr():
    auth = {"type": "api_key", "apiKey": "a-key-of-mine"}
    resource = OpenLineageResource(transport={"type": "http", "url": "http://x", "auth": auth})
    assert "a-key-of-mine" not in repr(resource)
    assert "a-key-of-mine" not in repr(OpenLineageResource(url="http://x", api_key="a-key-of-mine"))


def test_the_token_in_a_working_copy(tmp_path, monkeypatch):
    """The client, if told to, names the repository that it finds: a CI job clones with its token in the URL."""
    git = tmp_path / ".git"
    git.mkdir()
    (git / "config").write_text('[remote "origin"]\nurl = https://ci:glcbt-64_abcdef@gitlab.com/a/b.git\n')
    (git / "HEAD").write_text("0" * 40)
    (tmp_path / "openlineage.yml").write_text("facets: {source_code_location: {disabled: false}}")
    monkeypatch.chdir(tmp_path)
    shop = Shop()
    (message,) = shop.composer.messages(run(), shop.composer.page(run(), shop.ledger))
    (document,) = OpenLineageResource(transport={"type": "console"}).documents().of(message.event)
    url = document["job"]["facets"]["sourceCodeLocation"]["url"]
    assert "https://gitlab.com/a/b.git" == url


CHILD = {"type": "http", "url": "http://x"}
TRANSPORTS = {
    "none": ({}, 20),
    "its own": ({"transport": {**CHILD, "timeout": 60}}, 120),
    "several": ({"transport": {"type": "composite", "transports": [CHILD, {**CHILD, "timeout": 30}]}}, 80),
    "several by name": ({"transport": {"type": "composite", "transports": {"a": CHILD, "b": CHILD}}}, 40),
}


@pytest.mark.parametrize(("fields", "least"), TRANSPORTS.values(), ids=TRANSPORTS)
def test_a_call_may_take_as_long_as_its_requests(fields, least):
    """An event may be two requests to each transport; one that is slow, and takes it, did not fail."""
    for hook in OpenLineageResource(**(fields or {"url": "http://x"}), static_lineage=True).get_hooks():
        assert hook.timeout > least


def test_a_step_that_asks_for_the_resource():
    """Dagster builds it anew there, with what it makes of the variables within."""
    url = {"type": "http", "url": dg.EnvVar("OL_URL")}

    @dg.asset(required_resource_keys={"openlineage"})
    def orders(context):
        assert isinstance(context.resources.openlineage, OpenLineageResource)

    assert dg.materialize([orders], resources={"openlineage": OpenLineageResource(transport=url)}).success
