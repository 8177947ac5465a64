"""What metrics come to, held against plain SQL."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.errors import ConfigurationError, PermanentError
from phlo_hooks.semantics import ModelWork, Work

from .shop import change

BY_MONTH = ("metric_time__month",)


def plain(value: Any) -> Any:
    """Older DuckDBs give a date where newer ones give a time."""
    if isinstance(value, (date, datetime)):
        return f"{value:%Y-%m-%d}"
    return value if isinstance(value, str) else pytest.approx(float(value))


@pytest.mark.parametrize(
    ("metric", "group_by", "sql"),
    [
        pytest.param("revenue", (), "SELECT sum(amount) FROM marts.orders", id="simple"),
        pytest.param(
            "revenue",
            ("customer__country",),
            "SELECT country, sum(amount) FROM marts.orders JOIN customers USING (customer_id) GROUP BY 1",
            id="joined",
        ),
        pytest.param(
            "revenue_per_order",
            ("order__status",),
            "SELECT status, sum(amount) / count(order_id) FROM marts.orders GROUP BY 1",
            id="ratio",
        ),
        pytest.param(
            "revenue_per_visit",
            BY_MONTH,
            "SELECT m, s / v FROM (SELECT date_trunc('month', ordered_on) m, sum(amount) s FROM marts.orders GROUP BY 1)"
            " JOIN (SELECT date_trunc('month', visited_on) m, count(*) v FROM visits GROUP BY 1) USING (m)",
            id="derived",
        ),
        pytest.param(
            "revenue_to_date",
            ("metric_time__day",),
            "SELECT day, (SELECT sum(amount) FROM marts.orders WHERE ordered_on <= day"
            " AND ordered_on >= date_trunc('month', day)) FROM days",
            id="cumulative",
        ),
        pytest.param("visit_to_order", (), "SELECT 3 / 4.0", id="conversion"),
    ],
)
def test_a_metric_comes_to_what_sql_says(
    layer: DbtSemanticLayerResource, project: Path, metric: str, group_by: tuple[str, ...], sql: str
) -> None:
    """Of every type; of the four visits three led to an order of the same customer within a week."""
    result = layer.query([metric], group_by, order_by=group_by)
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        expected = connection.execute(sql + (" ORDER BY 1" if group_by else "")).fetchall()
    assert [[plain(value) for value in row] for row in expected] == [
        list(map(loose, row)) for row in result.rows
    ]
    assert (*group_by, metric) == result.columns
    assert "SELECT" in result.sql


def loose(value: Any) -> Any:
    """As `plain` compares it."""
    return (
        f"{value:%Y-%m-%d}"
        if isinstance(value, (date, datetime))
        else value
        if isinstance(value, str)
        else float(value)
    )


def test_conditions_order_and_limit(layer: DbtSemanticLayerResource) -> None:
    """All conditions hold; the largest comes first."""
    where = [
        "{{ Dimension('order__status') }} = 'paid'",
        "{{ TimeDimension('metric_time', 'day') }} > '2026-01-10'",
    ]
    result = layer.query(["order_count", "revenue"], ["customer__country"], where, ["-revenue"], 1)
    assert [("DE", 2, 37.75)] == [(country, count, float(revenue)) for country, count, revenue in result.rows]
    assert ("customer__country", "order_count", "revenue") == result.columns


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((["revenu"],), "there is no metric 'revenu'; did you mean 'revenue'", id="metric"),
        pytest.param(
            (["revenue"], ["country"]),
            "revenue cannot be grouped by 'country'; did you mean 'customer__country'",
            id="without its entity",
        ),
        pytest.param(
            (["revenue"], ["order__statu"]),
            "cannot be grouped by 'order__statu'; did you mean 'order__status'",
            id="dimension",
        ),
        pytest.param((["revenue_to_date"],), "do not include 'metric_time'", id="needs time"),
        pytest.param(
            (["revenue"], [], ["{{ Dimension('order__x') }} = 1"]), "does not match any", id="condition"
        ),
        pytest.param(
            (["revenue"], [], ["{{ Dimension('x' }} = 1"]), "Error parsing where filter", id="template"
        ),
        pytest.param((["REVENUE"],), "did you mean 'revenue'", id="capitals"),
        pytest.param(([],), "nothing cannot be asked for like this: There are no metrics", id="nothing"),
        pytest.param((["revenue"], [], [], [""]), "order_by has an empty text", id="empty"),
        pytest.param((["revenue"], [], [], [], 0), "limit 0: use a whole number from 1 up", id="limit"),
        pytest.param((["revenue"], [], [], ["status"]), "order-by item 'status'", id="order"),
    ],
)
def test_what_cannot_be_asked_is_said(layer: DbtSemanticLayerResource, arguments: Any, said: str) -> None:
    """In one line, without MetricFlow's plan or a traceback."""
    with pytest.raises(ConfigurationError) as caught:
        layer.query(*arguments)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_alone_is_one_name(layer: DbtSemanticLayerResource) -> None:
    """And not its letters."""
    assert layer.query("visits", "customer__country", limit=5).columns == ("customer__country", "visits")


def test_without_a_time_spine(layer: DbtSemanticLayerResource, project: Path) -> None:
    """MetricFlow asks for one, whatever the metric; a refresh fails with that."""
    change(project, lambda content: content["project_configuration"].update(time_spines=[]))
    with pytest.raises(ConfigurationError, match="At least one time spine must be configured") as caught:
        layer.query(["revenue"])
    assert str(caught.value) == layer.begin(Work((ModelWork("orders"),))).error


def test_what_the_database_refuses_is_said(layer: DbtSemanticLayerResource) -> None:
    """It is not tried again."""
    with pytest.raises(PermanentError, match="DuckDB refuses the query: Binder Error.*amout"):
        layer.query(["revenue"], where=["amout > 1"])


def test_the_file_cannot_be_written(layer: DbtSemanticLayerResource, project: Path) -> None:
    """Whatever a condition has in it."""
    evil = "1 = 1) ; DROP TABLE main.customers; SELECT (1"
    with pytest.raises((PermanentError, ConfigurationError)):
        layer.query(["revenue"], where=[evil])
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM main.customers").fetchall() == [(3,)]
