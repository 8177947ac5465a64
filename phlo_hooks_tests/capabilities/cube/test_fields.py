"""The fields of a CubeSemanticLayerResource: a bad one is refused when it is built, a variable is looked up."""

import json
import math
import time

import dagster as dg
import pytest
from pydantic import ValidationError

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import CubeSemanticLayerResource
from phlo_hooks.capabilities.cube.jwt import signed
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.semantics import SemanticLayerProvider
from phlo_hooks.state import HostedHookProvider
from phlo_hooks_tests.capabilities.cube.requests import RefusedError, claims_of
from phlo_hooks_tests.capabilities.cube.server import SECRET, CubeServer
from phlo_hooks_tests.capabilities.cube.shop import layer, refreshed, work

GOOD = {"url": "http://cube:4000", "models": {"orders": ["marts/orders"]}}
BAD = {
    "an empty url": ({"url": ""}, "url has the scheme ''"),
    "a password in the url": ({"url": "http://u:canary-pw@x"}, "url has a user or password before 'x'"),
    "no slash": ({"base_path": "cubejs-api"}, "base_path 'cubejs-api': use one that begins with a slash"),
    "a slash behind": ({"base_path": "/cubejs-api/"}, "base_path '/cubejs-api/'"),
    "both": ({"token": "canary-pw", "secret": "canary-pw"}, "has a token and a secret: give one of them"),
    "an endless timeout": ({"timeout": math.inf}, "timeout inf: use seconds"),
    "no time": ({"timeout": 0}, "timeout 0.0: use seconds, above 0"),
    "no models": ({"models": {}}, "has no models: name the assets of each cube"),
    "a measure": ({"models": {"orders.count": ["x"]}}, "models names 'orders.count': use the name of a cube or view"),
    "no assets": ({"models": {"orders": []}}, "models['orders'] names no asset"),
    "an empty asset": ({"models": {"orders": [" "]}}, "models['orders'] names no asset"),
    "no contexts": ({"contexts": []}, "contexts is empty"),
    "a bare context": ({"contexts": [{"tenant": "canary-pw"}]}, "a context is no {'securityContext': {…}}"),
    "more than a context": ({"contexts": [{"securityContext": {}, "x": 1}]}, "a context is no {'securityContext'"),
    "a context of text": ({"contexts": [{"securityContext": "canary-pw"}]}, "a context is no {'securityContext'"),
    "a context that is no JSON": ({"contexts": [{"securityContext": {"x": math.nan}}]}, "a securityContext is no JSON"),
    "no time zones": ({"timezones": []}, "timezones is empty"),
    "no such time zone": ({"timezones": ["Europe/Berlin", "CEST/Berlin"]}, "no time zone 'CEST/Berlin': use an IANA name"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), BAD.values(), ids=BAD)
def test_refused_when_built(fields, words):
    with pytest.raises(ConfigurationError) as caught:
        CubeSemanticLayerResource(**{**GOOD, **fields})
    assert words in str(caught.value)
    assert "canary-pw" not in str(caught.value)


def test_a_field_that_is_misspelt():
    with pytest.raises(ValidationError, match="timezone\n") as caught:
        CubeSemanticLayerResource(**GOOD, timezone="canary-pw")
    assert "canary-pw" not in str(caught.value)


def test_it_is_what_it_is_used_as():
    resource = CubeSemanticLayerResource(**GOOD)
    assert isinstance(resource, SemanticLayerProvider)
    assert isinstance(resource, HostedHookProvider)
    assert [hook.hook_name for hook in resource.get_hooks()] == ["publications", "refresh"]


def test_nothing_secret_in_its_repr():
    for fields in ({"token": "canary-pw"}, {"secret": "canary-pw"}):
        resource = CubeSemanticLayerResource(**GOOD, **fields)
        assert "canary-pw" not in f"{resource!r} {resource} {resource.client()!r}"


def test_variables(monkeypatch):
    """Looked up where the hooks are called, and not before."""
    with CubeServer() as server:
        fields = {"url": dg.EnvVar("CUBE_URL"), "secret": dg.EnvVar("CUBEJS_API_SECRET")}
        resource = layer(server, **fields)
        with pytest.raises(DeliveryError, match="CubeSemanticLayerResource: url: .* CUBE_URL is not set"):
            resource.begin(work("orders"))
        monkeypatch.setenv("CUBE_URL", server.url + "/")
        with pytest.raises(
            DeliveryError, match="secret: the environment variable CUBEJS_API_SECRET is not set"
        ):
            resource.begin(work("orders"))
        monkeypatch.setenv("CUBEJS_API_SECRET", SECRET)
        assert refreshed(resource, work("orders")).state == "done"


def test_a_variable_with_a_bad_url(monkeypatch):
    monkeypatch.setenv("CUBE_URL", "http://u:canary-pw@cube:4000")
    resource = CubeSemanticLayerResource(url=dg.EnvVar("CUBE_URL"), models={"a": ["b"]})
    with pytest.raises(ConfigurationError, match="url has a user or password") as caught:
        resource.list_models()
    assert "canary-pw" not in str(caught.value)


def test_a_token_of_ones_own():
    token = signed({"service": True}, SECRET, time.time())
    with CubeServer() as server:
        assert refreshed(layer(server, secret=None, token=token), work("orders")).state == "done"
        assert server.claims[0]["service"] is True
        assert refreshed(layer(server, secret=None, token=f"Bearer {token}"), work("orders")).state == "done"


def test_a_base_path_of_ones_own():
    with CubeServer(base_path="/api") as server:
        assert refreshed(layer(server, base_path="/api"), work("orders")).state == "done"


def test_a_token_is_good_for_five_minutes():
    """As the server's own reading of RFC 7519 has it; nobody can change what it says."""
    token = signed({"tenant": "é"}, SECRET, now=time.time())
    claims = claims_of({"authorization": token}, SECRET)
    assert (claims["tenant"], claims["exp"] - claims["iat"]) == ("é", 300)
    head, payload, _ = token.split(".")
    assert json.loads(json.dumps(payload)) == payload
    for bad in (
        signed({}, SECRET, time.time() - 301),
        signed({}, "other", time.time()),
        f"{head}.{payload}.x",
        "x",
    ):
        with pytest.raises(RefusedError, match="Invalid token"):
            claims_of({"authorization": bad}, SECRET)


def test_a_step_may_ask_for_it():
    """As any resource of Dagster's."""
    with CubeServer() as server:

        @dg.asset
        def counted(cube: CubeSemanticLayerResource) -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={"cubes": len(cube.list_models())})

        done = dg.materialize([counted], resources={"cube": layer(server)})
        (event,) = done.get_asset_materialization_events()
        assert event.materialization.metadata["cubes"].value == 7


def test_models_of_assets_that_there_are_not():
    @dg.asset(key=["marts", "orders"])
    def orders():
        pass

    resource = CubeSemanticLayerResource(url="http://cube:4000", models={"orders": ["marts/order"]})
    with pytest.raises(
        ConfigurationError,
        match=r"models\['orders'\]: no asset matches 'marts/order'; did you mean 'marts/orders'",
    ):
        with_hooks(dg.Definitions(assets=[orders], resources={"cube": resource}))
    good = CubeSemanticLayerResource(url="http://cube:4000", models={"orders": ["marts/*", "*/orders"]})
    with_hooks(dg.Definitions(assets=[orders], resources={"cube": good}))


def test_definitions_that_dagster_does_not_know_yet():
    """Cacheable assets are there only when it resolves them: then nothing can be refused."""
    resource = CubeSemanticLayerResource(url="http://cube:4000", models={"orders": ["later"]})
    resource.check(lambda selection: frozenset())
