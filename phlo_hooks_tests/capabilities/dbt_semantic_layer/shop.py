"""A small dbt project with semantic models of all kinds of metrics, and its tables without dbt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
config-version: 2
profile: shop
model-paths: [models]
flags: {send_anonymous_usage_stats: false}
models:
  shop:
    marts: {+schema: marts}
""",
    "profiles.yml": """
shop:
  target: duck
  outputs:
    duck: {type: duckdb, path: shop.duckdb, schema: main}
    elsewhere: {type: duckdb, path: "{{ var('file') }}", schema: main}
    secret: {type: duckdb, path: "{{ env_var('SHOP_SECRET_THAT_IS_NOT_SET') }}", schema: main}
    wrong: {type: duckdb, path: 31415926, schema: main}
    pg:
      type: postgres
      host: "{{ env_var('SHOP_PG_HOST', 'localhost') }}"
      port: "{{ env_var('SHOP_PG_PORT', '5432') | as_number }}"
      user: "{{ env_var('SHOP_PG_USER', 'shop') }}"
      password: "{{ env_var('SHOP_PG_PASSWORD', 'nothing') }}"
      dbname: "{{ env_var('SHOP_PG_DATABASE', 'shop') }}"
      schema: main
      connect_timeout: 2
""",
    "macros/schema.sql": """
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}
""",
    "models/marts/orders.sql": "select 1 as order_id",
    "models/customers.sql": "select 1 as customer_id",
    "models/visits.sql": "{{ config(meta={'dagster': {'asset_key': ['web', 'visits']}}) }} select 1 as visit_id",
    "models/days.sql": "select current_date as day",
    "models/shop.yml": """
models:
  - name: days
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]

semantic_models:
  - name: orders
    description: What was sold.
    model: ref('orders')
    defaults: {agg_time_dimension: ordered_on}
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: ordered_on, type: time, type_params: {time_granularity: day}}
      - {name: status, type: categorical, description: How far it is.}
    measures:
      - {name: revenue, agg: sum, expr: amount, description: Euros.}
      - {name: order_count, agg: count, expr: order_id}
  - name: customers
    model: ref('customers')
    entities: [{name: customer, type: primary, expr: customer_id}]
    dimensions: [{name: country, type: categorical}]
  - name: visits
    model: ref('visits')
    defaults: {agg_time_dimension: visited_on}
    entities:
      - {name: visit, type: primary, expr: visit_id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions: [{name: visited_on, type: time, type_params: {time_granularity: day}}]
    measures: [{name: visits, agg: count, expr: visit_id}]

metrics:
  - {name: revenue, label: Revenue, type: simple, description: Euros., type_params: {measure: revenue}}
  - {name: order_count, label: Orders, type: simple, type_params: {measure: order_count}}
  - {name: visits, label: Visits, type: simple, type_params: {measure: visits}}
  - name: revenue_per_order
    label: Basket
    type: ratio
    type_params: {numerator: revenue, denominator: order_count}
  - name: revenue_per_visit
    label: Per visit
    type: derived
    type_params: {expr: revenue / visits, metrics: [{name: revenue}, {name: visits}]}
  - name: revenue_to_date
    label: So far
    type: cumulative
    type_params: {measure: revenue, cumulative_type_params: {grain_to_date: month}}
  - name: visit_to_order
    label: Conversion
    type: conversion
    type_params:
      conversion_type_params: {entity: customer, base_measure: visits, conversion_measure: order_count, window: 7 days}
""",
}
TABLES = (
    "CREATE SCHEMA marts",
    "CREATE TABLE marts.orders (order_id int, customer_id int, ordered_on date, status varchar(9), amount numeric(9, 2))",
    """INSERT INTO marts.orders VALUES (1, 1, '2026-01-05', 'paid', 10), (2, 1, '2026-01-20', 'paid', 30.5),
    (3, 2, '2026-02-01', 'open', 5), (4, 3, '2026-02-10', 'paid', 7.25), (5, 3, '2026-02-25', 'open', 1)""",
    "CREATE TABLE main.customers (customer_id int, country varchar(2))",
    "INSERT INTO main.customers VALUES (1, 'DE'), (2, 'FR'), (3, 'DE')",
    "CREATE TABLE main.visits (visit_id int, customer_id int, visited_on date)",
    """INSERT INTO main.visits VALUES (1, 1, '2026-01-04'), (2, 2, '2026-01-30'), (3, 2, '2026-02-20'),
    (4, 3, '2026-02-10')""",
    "CREATE TABLE main.days (day date)",
    "INSERT INTO main.days SELECT * FROM (VALUES (DATE '2026-01-05'), (DATE '2026-01-20'), (DATE '2026-02-01'), (DATE '2026-02-10'), (DATE '2026-02-25')) AS d",
)
ALL_METRICS = (
    "order_count",
    "revenue",
    "revenue_per_order",
    "revenue_per_visit",
    "revenue_to_date",
    "visit_to_order",
    "visits",
)


def write_project(folder: Path) -> Path:
    """The project's files."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def parse(project: Path, *arguments: str) -> None:
    """What a user does before: 5 s, without a database."""
    dbt = str(Path(sys.executable).with_name("dbt"))
    command = [dbt, "parse", "--quiet", "--project-dir", ".", "--profiles-dir", ".", *arguments]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=120)


def change(
    project: Path, edit: Callable[[dict[str, Any]], None], file: str = "semantic_manifest.json"
) -> None:
    """Write one of the manifests anew."""
    path = project / "target" / file
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def named(content: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """A semantic model or a metric of a manifest."""
    (found,) = (each for each in content[kind] if each["name"] == name)
    return found
