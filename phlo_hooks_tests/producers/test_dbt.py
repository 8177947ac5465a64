"""dagster-dbt is really run: `dbt build` on a project in which one of everything goes wrong."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster import DagsterEventType as T

from phlo_hooks.producers.dbt import (
    DbtError,
    DbtNode,
    FailedNode,
    dbt_error,
    dbt_facts,
    failed_nodes,
    failed_observations,
    failure_from_observation,
    failure_message,
    is_dbt,
    node_of,
    quality_facts,
    quality_from_observation,
    test_facts as facts_of_test,
)
from phlo_hooks.producers.metadata import ColumnEdge

# dagster-dbt calls what Dagster has deprecated, and sqlglot warns of its own older accelerator.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PROJECT = Path(__file__).parent / "projects" / "shop"
BAD = "Runtime Error in model bad (models/bad.sql)"


@dataclass
class Build:
    """A dbt step that was run, and what Dagster recorded of it."""

    assets: dg.AssetsDefinition
    success: bool
    events: list[dg.DagsterEvent]
    target: Path

    def of(self, kind: T) -> list[Any]:
        return [event.event_specific_data for event in self.events if event.event_type is kind]

    @property
    def materializations(self) -> dict[str, dg.AssetMaterialization]:
        found = [data.materialization for data in self.of(T.ASSET_MATERIALIZATION)]
        return {each.asset_key.to_user_string(): each for each in found}

    @property
    def evaluations(self) -> dict[str, dg.AssetCheckEvaluation]:
        return {data.check_name: data for data in self.of(T.ASSET_CHECK_EVALUATION)}

    @property
    def observations(self) -> list[dg.AssetObservation]:
        return [data.asset_observation for data in self.of(T.ASSET_OBSERVATION)]

    @property
    def error_text(self) -> str:
        (failure,) = self.of(T.STEP_FAILURE)
        return failure.error.message

    @property
    def error(self) -> DbtError:
        found = dbt_error(self.error_text)
        assert found is not None
        return found

    def spec_metadata(self, key: str) -> Any:
        return next(spec.metadata for spec in self.assets.specs if spec.key.to_user_string() == key)

    def run_results(self) -> dict[str, dict[str, Any]]:
        found = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"]: result for result in found}


class Shop:
    """The project in a folder of its own, parsed once, and one of everything in it broken."""

    def __init__(self, folder: Path) -> None:
        from dagster_dbt import DbtCliResource

        self.folder = folder
        shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
        with duckdb.connect(str(folder / "shop.duckdb")) as connection:
            connection.execute("create table payments as select 1 as id")
        beside_python = Path(sys.executable).with_name("dbt")
        dbt = str(beside_python) if beside_python.exists() else "dbt"
        self.dbt = DbtCliResource(project_dir=str(folder), profiles_dir=str(folder), dbt_executable=dbt)
        # The same for every command, so that dbt parses the project only once.
        self.vars = ["--vars", json.dumps({"database": str(folder / "shop.duckdb"), "broken": True})]
        subprocess.run([dbt, "parse", "--quiet", *self.vars], check=True, cwd=folder)

    def build(self, select: str, stream: Callable[[Any], Iterator[Any]], **options: Any) -> Build:
        """Run `dbt build` as a step, and hand what it yields to `stream`."""
        from dagster_dbt import DbtCliResource, dbt_assets

        options["target_path"] = self.folder / f"target-{stream.__name__}"

        @dbt_assets(manifest=self.folder / "target" / "manifest.json", select=select)
        def shop(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
            yield from stream(dbt.cli(["build", *self.vars], context=context, **options))

        with dg.DagsterInstance.ephemeral() as instance:
            run = dg.materialize([shop], resources={"dbt": self.dbt}, instance=instance, raise_on_error=False)
            return Build(shop, run.success, run.all_events, options["target_path"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def tolerant(shop: Shop) -> Build:
    """The branch of the broken model, in a step that dbt's failure does not fail; nothing fetched."""

    def tolerated(invocation: Any) -> Iterator[Any]:
        yield from invocation.stream()
        yield from failed_observations(invocation)

    return shop.build("+child", tolerated, raise_on_error=False)


@pytest.fixture(scope="module")
def broken(shop: Shop, tolerant: Build) -> Build:
    """Everything, rows and columns fetched. Comes last: after a fetch dagster-dbt keeps DuckDB's lock."""

    def fetched(invocation: Any) -> Iterator[Any]:
        # Waits for dbt: dagster-dbt spins on a whole core while it fetches from a stream that goes on.
        assert not invocation.is_successful()
        yield from invocation.stream().fetch_row_counts().fetch_column_metadata()

    return shop.build("fqn:*", fetched)


e2e = pytest.mark.e2e


@e2e
@pytest.mark.parametrize(
    ("asset", "unique_id", "kind", "rows"),
    [
        pytest.param("raw_orders", "seed.shop.raw_orders", "seed", 3, id="seed"),
        pytest.param("orders", "model.shop.orders", "model", 3, id="table"),
        pytest.param("order_totals", "model.shop.order_totals", "model", 3, id="incremental"),
        pytest.param("orders_snapshot", "snapshot.shop.orders_snapshot", "snapshot", 3, id="snapshot"),
    ],
)
def test_what_was_built(broken: Build, asset: str, unique_id: str, kind: str, rows: int) -> None:
    """A materialization tells its node, its rows and how long dbt took; its spec, the relation."""
    found = dbt_facts(broken.materializations[asset].metadata, broken.spec_metadata(asset))
    assert found is not None
    assert (unique_id, kind, asset) == (found.unique_id, found.resource_type, found.name)
    assert (found.tool, found.status, found.rebuilt) == ("dbt", "success", True)
    assert (rows, f"shop.main.{asset}") == (found.table.rows, found.table.table_name)
    took = broken.run_results()[unique_id]["execution_time"]
    assert found.table.seconds == pytest.approx(took, abs=0.1)
    assert (found.table.seconds or 0) > 0


@e2e
def test_columns_and_their_lineage(broken: Build) -> None:
    """Types are the warehouse's, descriptions the project's, and edges name the upstream asset."""
    orders = broken.materializations["orders"].metadata
    found = dbt_facts(orders, broken.spec_metadata("orders"))
    assert found is not None
    columns = [(each.name, each.type, each.description) for each in found.table.columns]
    assert columns == [
        ("order_id", "INTEGER", "Given by the till."),
        ("customer", "character varying(256)", None),
        ("amount", "INTEGER", None),
    ]
    assert (
        ColumnEdge("amount", "raw_orders", "amount"),
        ColumnEdge("customer", "raw_orders", "customer"),
        ColumnEdge("order_id", "raw_orders", "id"),
    ) == found.table.column_lineage


@e2e
def test_without_fetching_there_are_no_rows_and_no_columns(tolerant: Build) -> None:
    """What dagster-dbt says unasked: the node, the invocation, the status, the time."""
    metadata = tolerant.materializations["orders"].metadata
    assert {"unique_id", "invocation_id", "status", "Execution Duration"} == set(metadata)
    found = dbt_facts(metadata)
    assert found is not None
    assert (found.table.rows, found.table.columns, found.table.table_name) == (None, (), None)
    assert (found.table.seconds or 0) > 0


@e2e
@pytest.mark.parametrize(
    ("check", "status", "severity", "failed_rows"),
    [
        pytest.param("unique_orders_order_id", "pass", "ERROR", 0, id="generic-passed"),
        pytest.param("accepted_values_orders_customer__ann", "warn", "WARN", 1, id="generic-warned"),
        pytest.param("not_null_guarded_id", "fail", "ERROR", 1, id="generic-failed"),
        pytest.param("totals_positive", "error", "ERROR", None, id="singular-crashed"),
    ],
)
def test_tests_that_are_asset_checks(
    broken: Build, check: str, status: str, severity: str, failed_rows: int | None
) -> None:
    """What we say of a test is what Dagster recorded of it, and that it crashed, which Dagster did not."""
    evaluation = broken.evaluations[check]
    found = quality_facts(evaluation.metadata)
    assert found is not None
    assert (check, status, severity, failed_rows) == (
        found.check_name,
        found.status,
        found.severity,
        found.failed_rows,
    )
    assert (evaluation.passed, evaluation.severity.value) == (found.passed, found.severity)
    assert (status == "error") == found.crashed


@e2e
def test_tests_that_are_no_asset_checks(broken: Build) -> None:
    """They come as observations, one for each asset that they look at."""
    found = [
        (each.asset_key.to_user_string(), quality.check_name, quality.passed)
        for each in broken.observations
        if (quality := quality_from_observation(each))
    ]
    assert sorted(found) == [
        ("ext/payments", "source_not_null_ext_payments_id", True),
        ("order_totals", "totals_match", True),
        ("orders", "totals_match", True),
    ]


@e2e
def test_failed_nodes_have_the_message_that_dbt_gives(broken: Build) -> None:
    """What is read from the error's text equals what dbt wrote into its own results."""
    results = broken.run_results()
    broke = ("error", "fail")
    messages = {key: each["message"] for key, each in results.items() if each["status"] in broke}
    assert len(messages) == 3
    assert messages == {key: failure_message(broken.error_text, key) for key in messages}
    assert {"bad", "not_null_guarded_id", "totals_positive"} == set(failed_nodes(broken.error_text))


@e2e
def test_failed_and_skipped_assets_are_told_apart(broken: Build) -> None:
    """Of what was planned and is not there, the error names what failed; dbt's results agree on the rest."""
    planned = {key.to_user_string() for key in broken.assets.keys} - set(broken.materializations)
    nodes = {key: node for key in planned if (node := node_of(broken.spec_metadata(key)))}
    failed = broken.error.failed_assets(nodes)
    assert {"bad"} == set(failed)
    assert failed["bad"].startswith(f"{BAD}\n  Conversion Error: Could not convert string 'ann'")
    results = broken.run_results()
    skipped = {key for key, node in nodes.items() if results[node.unique_id]["status"] == "skipped"}
    assert {"child", "after_guarded"} == skipped == planned - set(failed)


@e2e
@pytest.mark.parametrize(
    ("asset", "kind", "name"),
    [
        pytest.param("child", "model", "bad", id="model-failed"),
        pytest.param("after_guarded", "test", "not_null_guarded_id", id="test-failed"),
    ],
)
def test_why_an_asset_was_skipped(broken: Build, asset: str, kind: str, name: str) -> None:
    """The nearest failed node upstream of it, tests included."""
    found = broken.error.blocker(broken.spec_metadata(asset))
    assert found is not None
    assert (kind, name) == (found.kind, found.name)


@e2e
def test_a_failure_that_must_not_fail_the_step_is_recorded(tolerant: Build) -> None:
    """The step is green and has no error; an observation says which model failed, and why."""
    assert tolerant.success
    assert {"raw_orders", "orders"} == set(tolerant.materializations)
    found = {
        each.asset_key.to_user_string(): failure_from_observation(each) for each in tolerant.observations
    }
    failed = {key: failure for key, failure in found.items() if failure}
    message = tolerant.run_results()["model.shop.bad"]["message"]
    assert {"bad": FailedNode("model", "bad", None, message)} == failed


# What dbt really printed, shortened where "…" stands.
COMMAND = "The dbt CLI process with command\n\n`dbt build`\n\nfailed with exit code `1`. Check the stdout …"
ERRORS = f"dagster_dbt.errors.DagsterDbtCliRuntimeError: {COMMAND}\n\nErrors parsed from dbt logs:\n\n"
SEVERAL = (
    ERRORS
    + "5 of 29 ERROR creating sql view model main.ver_v2 .............. [\x1b[31mERROR\x1b[0m in 0.07s]\n\n"
    "8 of 29 SKIP relation main.on_eph due to ephemeral model status 'error' [\x1b[31mERROR SKIP\x1b[0m]\n\n"
    "\x1b[31mFailure in model eph (models/eph.sql)\x1b[0m\n\n"
    "  Compilation Error in model eph (models/eph.sql)\n  eph broke\n\n"
    "9 of 29 FAIL 1 not_null_guarded_id ....... [\x1b[31mFAIL 1\x1b[0m in 0.03s]\n\n"
    "\x1b[31mFailure in model ver (models/ver_v2.sql)\x1b[0m\n\n"
    "  Runtime Error in model ver (models/ver_v2.sql)\n  Catalog Error: nothing_here does not exist!\n"
    '  Did you mean "pg_indexes"?\n\n'
    "\x1b[31mFailure in unit_test ut_orders (models/v.yml)\x1b[0m\n\n"
    "  \n\n\x1b[32mactual\x1b[0m differs from \x1b[31mexpected\x1b[0m:\n\n@@ ,id\r\n+++,1\r\n---,2\r\n\n\n\n"
    "\x1b[31mFailure in test not_null_guarded_id (models/schema.yml)\x1b[0m\n\n"
    "  Got 1 result, configured to fail if != 0\n\n"
    "\x1b[31mFailure in operation shop-on-run-end-0 (./dbt_project.yml)\x1b[0m\n\n"
    "  shop.on-run-end.0 failed, error:\n Catalog Error: nowhere does not exist!\nDid you mean x?\n"
)
LOCKED = (
    ERRORS + 'Encountered an error:\nIO Error: Could not set lock on file "/tmp/shop.duckdb"\n\n'
    'Traceback (most recent call last):\n  File "connections.py", line 110, in exception_handler\n    yield\n'
)
PYTHON_MODEL = (
    ERRORS + "Traceback (most recent call last):\n  File x\n\nFailure in model py (models/py.py)\n\n"
    "  Runtime Error in model py (models/py.py)\n  Python failed:\n  Traceback (most recent call last):\n"
)
UNPARSED = (
    ERRORS + "Encountered an error:\nCompilation Error\n"
    "  Model 'model.shop.p' (models/p.sql) depends on a node named 'nope' which was not found\n"
)
DBT_1_7 = (
    ERRORS + "\x1b[33mDatabase Error in model bad (models/bad.sql)\x1b[0m\n\n"
    "  Binder Error: no such column\n  compiled Code at target/run/bad.sql\n"
)
SILENT = f"dagster_dbt.errors.DagsterDbtCliRuntimeError: {COMMAND}"


@pytest.mark.parametrize(
    ("text", "node", "message"),
    [
        pytest.param(
            SEVERAL,
            "model.shop.eph",
            "Compilation Error in model eph (models/eph.sql)\n  eph broke",
            id="unique-id",
        ),
        pytest.param(
            SEVERAL, "eph", "Compilation Error in model eph (models/eph.sql)\n  eph broke", id="name"
        ),
        pytest.param(
            SEVERAL,
            "model.shop.ver.v2",
            "Runtime Error in model ver (models/ver_v2.sql)\n  Catalog Error: nothing_here does not exist!\n"
            '  Did you mean "pg_indexes"?',
            id="version",
        ),
        pytest.param(
            SEVERAL,
            "unit_test.shop.orders.ut_orders",
            "actual differs from expected:\n\n@@ ,id\r\n+++,1\r\n---,2",
            id="unit-test",
        ),
        pytest.param(
            SEVERAL,
            "test.shop.not_null_guarded_id.926a96ec54",
            "Got 1 result, configured to fail if != 0",
            id="test",
        ),
        pytest.param(
            SEVERAL,
            "shop-on-run-end-0",
            "shop.on-run-end.0 failed, error:\n Catalog Error: nowhere does not exist!\nDid you mean x?",
            id="operation",
        ),
        pytest.param(
            DBT_1_7,
            "model.shop.bad",
            "Database Error in model bad (models/bad.sql)\n"
            "  Binder Error: no such column\n  compiled Code at target/run/bad.sql",
            id="dbt-1.7",
        ),
        pytest.param(
            PYTHON_MODEL,
            "model.shop.py",
            "Runtime Error in model py (models/py.py)\n"
            "  Python failed:\n  Traceback (most recent call last):",
            id="tracebacks-before-and-within",
        ),
        pytest.param(SEVERAL, "model.shop.on_eph", None, id="skipped"),
        pytest.param(SEVERAL, "seed.shop.eph", None, id="another-kind"),
        pytest.param(SEVERAL, "model.shop.ephemeral", None, id="longer-name"),
        pytest.param(LOCKED, "model.shop.eph", None, id="command-failed"),
        pytest.param("ValueError: the user's own", "model.shop.eph", None, id="not-dbt"),
    ],
)
def test_failure_message(text: str, node: str, message: str | None) -> None:
    """dbt's own words for the node, without colours, and nothing for a node that did not fail."""
    assert message == failure_message(text, node)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(LOCKED, 'IO Error: Could not set lock on file "/tmp/shop.duckdb"', id="traceback-cut"),
        pytest.param(
            UNPARSED,
            "Compilation Error\n"
            "  Model 'model.shop.p' (models/p.sql) depends on a node named 'nope' which was not found",
            id="not-parsed",
        ),
        pytest.param(SILENT, "dbt failed with exit code 1", id="no-errors-logged"),
    ],
)
def test_when_dbt_fails_as_a_whole_all_that_was_planned_failed(text: str, message: str) -> None:
    """No node is to blame, so none was skipped on another's account."""
    error = dbt_error(text)
    assert DbtError(message) == error
    planned = {"a": DbtNode("model.shop.a"), "b": DbtNode("model.shop.b")}
    assert error is not None
    assert {"a": message, "b": message} == error.failed_assets(planned)


def test_the_error_as_a_whole_is_what_dbt_said_of_its_nodes() -> None:
    """No command line, no progress lines, no colours."""
    error = dbt_error(SEVERAL)
    assert error is not None
    assert error.message.startswith(
        "Failure in model eph (models/eph.sql)\n\n  Compilation Error in model eph"
    )
    assert error.message.endswith("Did you mean x?")
    assert not [noise for noise in ("\x1b", " of 29 ", "exit code") if noise in error.message]


def test_an_error_of_another_kind_is_none_of_dbts() -> None:
    """The asset function may raise before or after dbt runs."""
    assert dbt_error("ValueError: dbt failed with exit code `1`") is None
    assert failed_nodes("ValueError: no") == {}


def test_two_versions_of_a_model_are_told_apart_by_their_files() -> None:
    """dbt names both `ver`."""
    error = dbt_error(SEVERAL)
    assert error is not None
    versions = {
        f"ver_v{number}": DbtNode(f"model.shop.ver.v{number}", f"models/ver_v{number}.sql")
        for number in (1, 2)
    }
    assert {"ver_v2"} == set(error.failed_assets(versions))


@pytest.mark.parametrize(
    ("unique_id", "kind", "name"),
    [
        pytest.param("model.shop.orders", "model", "orders", id="model"),
        pytest.param("model.shop.orders.v2", "model", "orders", id="version"),
        pytest.param("model.shop.my.view", "model", "my.view", id="dot-in-the-name"),
        pytest.param("test.shop.unique_orders_id.fed79b3a6e", "test", "unique_orders_id", id="generic-test"),
        pytest.param("test.shop.positive", "test", "positive", id="singular-test"),
        pytest.param("snapshot.shop.s", "snapshot", "s", id="snapshot"),
    ],
)
def test_names_of_nodes(unique_id: str, kind: str, name: str) -> None:
    """The name is what the author wrote, without package, version and hash."""
    assert (kind, name) == (DbtNode(unique_id).kind, DbtNode(unique_id).name)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="empty"),
        pytest.param(
            {"unique_id": dg.TextMetadataValue("7"), "invocation_id": dg.TextMetadataValue("x")},
            id="own-unique-id",
        ),
        pytest.param(
            {"unique_id": dg.IntMetadataValue(7), "invocation_id": dg.TextMetadataValue("x")}, id="number"
        ),
        pytest.param({"unique_id": dg.TextMetadataValue("model.shop.orders")}, id="no-invocation"),
    ],
)
def test_metadata_that_dbt_did_not_write(metadata: dict[str, Any]) -> None:
    """A user's own keys are not taken for dbt's."""
    assert (is_dbt(metadata), dbt_facts(metadata), quality_facts(metadata)) == (False, None, None)


@pytest.mark.parametrize(
    ("status", "rebuilt"),
    [("success", True), ("warn", True), ("no-op", False), ("reused", False)],
)
def test_a_table_that_dbt_left_alone_was_not_rebuilt(status: str, rebuilt: bool) -> None:
    """dagster-dbt materializes it all the same."""
    values = {
        "unique_id": "model.shop.orders",
        "invocation_id": "x",
        "status": status,
        "execution_duration": 1.5,
    }
    found = dbt_facts(dg.AssetMaterialization("orders", metadata=values).metadata)
    assert found is not None
    assert (rebuilt, 1.5) == (found.rebuilt, found.table.seconds)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param(
            {"column_name": "carrier", "test_metadata": {"name": "relationships"}},
            {"dagster/column": "carrier", "dagster_dbt/test": "relationships"},
            id="of a column",
        ),
        pytest.param(
            {"test_metadata": {"name": "at_least_one"}}, {"dagster_dbt/test": "at_least_one"}, id="of a table"
        ),
        pytest.param({"column_name": None, "test_metadata": None}, {}, id="singular"),
        pytest.param(None, {}, id="unknown"),
    ],
)
def test_what_the_manifest_knows_of_a_test(node: dict[str, Any] | None, expected: dict[str, str]) -> None:
    """Its column and which test it is; dagster-dbt puts no more than the id into the check's spec."""
    manifest = {"nodes": {"test.shop.t": node} if node is not None else {}}
    assert facts_of_test({"dagster_dbt/unique_id": "test.shop.t"}, manifest) == expected
    assert facts_of_test({}, manifest) == {}
