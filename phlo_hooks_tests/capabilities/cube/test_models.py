"""What Cube's data model is in the terms of a semantic layer, and which assets are under it."""

import pytest

from phlo_hooks.assets import NoAssets
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.semantics import Dimension, Entity, Measure, Metric
from phlo_hooks_tests.capabilities.cube.server import CubeServer
from phlo_hooks_tests.capabilities.cube.shop import layer


class Keys(NoAssets):
    def keys(self):
        return tuple(sorted(KEYS))


KEYS = frozenset({"marts/orders", "marts/customers", "raw/customers", "raw/crm/people", "else"})


@pytest.fixture
def server():
    with CubeServer() as server:
        yield server


def test_all_public_ones(server):
    names = [model.name for model in layer(server).list_models()]
    assert names == ["books", "cities", "customers", "events", "lake", "orders", "sales"]
    assert server.server.requests[0].path == "/cubejs-api/v1/meta?extended=true"


def test_a_cube(server):
    orders = layer(server).get_model("orders")
    assert (orders.description, orders.table, orders.url) == ("All orders.", "marts.orders", None)
    assert orders.measures == (Measure("count", "count"), Measure("revenue", "sum"))
    assert orders.dimensions == (Dimension("status"), Dimension("created_at", "time"))
    assert orders.entities == (Entity("customers", "foreign", "`${CUBE}.customers_id = ${customers}.id`"),)
    assert orders.metrics == ("orders.count", "orders.revenue")
    assert orders.assets == ("marts/orders",)


def test_a_cube_that_is_a_query(server):
    assert layer(server).get_model("customers").table is None


def test_a_view(server):
    """Its measures are those of the cubes behind it."""
    resource = layer(server)
    assert resource.get_model("sales").metrics == ("sales.count", "sales.revenue")
    (metric,) = [each for each in resource.list_metrics() if each.name == "sales.count"]
    assert metric == Metric("sales.count", label="Sales Count", models=("sales",), inputs=("orders.count",))


def test_metrics_by_name(server):
    names = [metric.name for metric in layer(server).list_metrics()]
    assert (names, len(names)) == (sorted(names), 14)


def test_the_assets_under_them(server):
    """Those of the definitions, once these are loaded; before, those that are named."""
    resource = layer(server)
    assert resource.get_model("customers").assets == ("marts/customers",)
    resource.check(lambda selection: KEYS)
    assert resource.get_model("customers").assets == ("marts/customers", "raw/crm/people", "raw/customers")
    assert resource.get_model("cities").assets == ()
    (metric,) = [each for each in resource.list_metrics() if each.name == "sales.count"]
    assert metric.assets == ("marts/customers", "marts/orders")


def test_models_by_asset():
    """Without asking Cube."""
    with CubeServer() as server:
        found = layer(server).models_by_asset(Keys())
        assert server.asked() == []
    assert found == {
        "marts/orders": ("orders", "sales"),
        "marts/customers": ("customers", "sales"),
        "raw/customers": ("customers",),
        "raw/crm/people": ("customers",),
    }


def test_what_an_asset_says_of_it():
    with CubeServer() as server:
        assert layer(server).annotations(Keys())["marts/orders"] == "- **orders**\n- **sales**"
        assert server.asked() == []


def test_a_model_that_is_not_there(server):
    with pytest.raises(
        ConfigurationError, match="Cube has no public cube or view 'order': there are 'orders'"
    ):
        layer(server).get_model("order")
    server.cubes = ()
    with pytest.raises(ConfigurationError, match="'order': there are none"):
        layer(server).get_model("order")


def test_names_of_older_data_models(server):
    """`joins` as they were before 1.0."""
    from phlo_hooks.capabilities.cube.meta import model_of

    sides = {"hasOne": "unique", "hasMany": "primary", "belongsTo": "foreign", "one_to_many": "primary"}
    joins = [{"name": side, "relationship": side} for side in sides]
    dimensions = [{"name": "Orders.id", "type": "number", "primaryKey": True}]
    model = model_of({"name": "Orders", "joins": joins, "dimensions": dimensions}, ())
    assert {each.name: each.type for each in model.entities} == {"id": "primary", **sides}
