"""`phlo-hooks semantic`, on a project whose layer notes what it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from phlo_hooks.assets import NoAssets
from phlo_hooks.cli import cli
from phlo_hooks.cli.loading import load_locations
from phlo_hooks.cli.semantic.asking import Asked
from phlo_hooks.events import SemanticEvent
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.semantics.bench import DailyAssets
from phlo_hooks_tests.semantics.noted import noted

MODULE = "semantic_defs"
LOCATION = f"{MODULE}.py"
DEFINITIONS = """
    import os

    import dagster as dg

    from phlo_hooks import with_hooks
    from phlo_hooks_tests.semantics.noted import NotedLayer

    DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")
    PUBLISH = {"phlo/stage": "publish"}


    @dg.asset(partitions_def=DAYS, tags=PUBLISH)
    def orders() -> None: ...


    @dg.asset(deps=[orders])
    def staged() -> None: ...


    @dg.asset(tags=PUBLISH)
    def idle() -> None: ...


    defs = with_hooks(
        dg.Definitions(
            assets=[orders, staged, idle],
            executor=dg.in_process_executor,
            resources={
                "layer": NotedLayer(
                    notes=os.environ["NOTES"],
                    feeds={"orders": ["order", "sale"], "staged": ["stage"], "elsewhere": ["far"]},
                    looks=int(os.environ.get("LOOKS", "0")),
                    broken=os.environ.get("BROKEN", "").split(),
                    wait=0,
                    poll_every=0.01,
                )
            },
        ),
        plugins=False,
    )
"""


@dataclass
class Project:
    """The project, its instance, and what its layer was asked for."""

    folder: Path
    instance: dg.DagsterInstance

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    def runtime(self) -> Runtime:
        [location] = load_locations(None, str(self.folder / LOCATION), None)
        return location.runtime

    def run(self) -> None:
        runtime = self.runtime()
        job = sys.modules[MODULE].defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey("orders")], partition_key="2026-01-03"
        )
        for _ in range(2):
            tick(self.instance, runtime, LOCATION)

    def command(self, *arguments: str, code: int = 0) -> Any:
        options = ["-f", str(self.folder / LOCATION)]
        result = CliRunner().invoke(
            cli, ["semantic", *arguments, *options], env={"DAGSTER_HOME": self.instance.root_directory}
        )
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def json(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self.command(*arguments, "--json").stdout.splitlines()]

    def told(self) -> list[SemanticEvent]:
        events = (record.event for record in self.runtime().store(self.instance).events())
        return [
            each for each in events if isinstance(each, SemanticEvent) and each.event_type != "semantic.due"
        ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    (tmp_path / LOCATION).write_text(dedent(DEFINITIONS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("PHLO_HOOKS_STORE_URL", raising=False)
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    with dg.instance_for_test() as instance:
        yield Project(tmp_path, instance)
        sys.modules.pop(MODULE, None)


def test_models(project: Project) -> None:
    """Without a store, and after a refresh."""
    rows = project.json("list")
    assert [row["model"] for row in rows] == ["far", "order", "sale", "stage"]
    assert rows[1] == {
        "layer": "layer",
        "model": "order",
        "metrics": ["order_count"],
        "assets": ["orders"],
        "last refresh": None,
    }
    project.run()
    refreshed = {row["model"]: row["last refresh"] for row in project.json("list")}
    assert [name for name, when in refreshed.items() if when] == ["order", "sale"]
    assert str(refreshed["sale"]).endswith(" UTC")


def test_a_refresh_that_failed_is_in_the_list(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "sale")
    project.run()
    assert project.json("list")[2]["last refresh"].endswith(" failed: sale does not compile")


def test_metrics(project: Project) -> None:
    assert project.json("list", "--metrics")[1] == {
        "layer": "layer",
        "metric": "order_count",
        "type": "simple",
        "models": ["order"],
        "assets": ["orders"],
        "description": None,
    }


def test_assets(project: Project) -> None:
    """Each that is published or feeds something, and what becomes of it."""
    rows = project.json("list", "--assets")
    assert {row["asset"]: row["status"] for row in rows} == {
        "elsewhere": "not in these definitions",
        "idle": "feeds no model",
        "orders": "refreshes",
        "staged": "never refreshes: its stage is transform, stages is publish",
    }
    table = project.command("list", "--assets").stdout.splitlines()
    assert table[0].split() == ["layer", "asset", "models", "status"]
    assert "order, sale" in table[3]


def test_two_lists(project: Project) -> None:
    assert "give one of them" in project.command("list", "--assets", "--metrics", code=1).stderr


def test_show(project: Project) -> None:
    text = project.command("show", "order").stdout
    assert "metrics: order_count" in text
    assert "dimensions:\n  day (time, day)" in text
    assert project.json("show", "order_count")[0]["models"] == ["order"]
    assert "did you mean 'order'" in project.command("show", "ordr", code=1).stderr


def test_a_layer_that_answers_no_queries(project: Project) -> None:
    assert "layer: answers no queries here" in project.command("query", "order_count", code=1).stderr


def test_refresh_everything(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKS", "2")
    out = project.command("refresh").stdout.splitlines()
    assert out == ["layer: refresh far, order, sale, stage", *["layer: running"] * 2, "layer: done"]
    assert list(noted(project.notes)[0]["models"]) == ["far", "order", "sale", "stage"]
    assert [each.model_names for each in project.told()] == [("far", "order", "sale", "stage")]


def test_refresh_what_is_named(project: Project) -> None:
    project.command("refresh", "--model", "order", "--asset", "staged", "--recompile")
    assert noted(project.notes) == [
        {"models": {"order": None, "stage": None}, "recompile": True, "publications": 1}
    ]


def test_refresh_a_partition(project: Project) -> None:
    out = project.command("refresh", "--asset", "orders", "--partition", "2026-01-03").stdout
    assert "layer: refresh order, sale, 2026-01-03 00:00 to before 2026-01-04 00:00" in out
    assert noted(project.notes)[0]["models"]["order"] == [
        "2026-01-03T00:00:00+00:00",
        "2026-01-04T00:00:00+00:00",
    ]


def test_a_partition_of_an_asset_that_another_location_has() -> None:
    """The layer of this one has nothing to do with it, and does not stop the other's."""
    asked = Asked(assets=["orders"], partition="2026-01-03")
    assert not asked.bundle({"letters": ("letter",)}, NoAssets())
    assert asked.bundle({"orders": ("order",)}, DailyAssets("orders")).date_range is not None


def test_dry_run(project: Project) -> None:
    assert project.command("refresh", "--dry-run").stdout == "layer: refresh far, order, sale, stage\n"
    assert (noted(project.notes), project.told()) == ([], [])


def test_a_refresh_that_fails(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "order")
    assert "layer: failed: order does not compile" in project.command("refresh", code=1).stderr
    assert [each.event_type for each in project.told()] == ["semantic.refresh_failed"]


REFUSED = {
    "model": (["--model", "ordr"], "no asset feeds a model 'ordr'; did you mean 'order'?"),
    "asset": (["--asset", "order"], "asset 'order' feeds no model; did you mean 'orders'?"),
    "partition alone": (["--partition", "x"], "--partition is of an asset"),
    "partition": (["--asset", "orders", "--partition", "x"], "asset 'orders' has no partition 'x'"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_what_there_is_not(project: Project, arguments: list[str], message: str) -> None:
    assert message in project.command("refresh", *arguments, code=1).stderr
    assert noted(project.notes) == []


def test_one_at_a_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a relay's refresh is under way; by force it is taken over, and told once."""
    monkeypatch.setenv("LOOKS", "1000")
    project.run()
    sys.modules.pop(MODULE)
    assert "a refresh is under way since" in project.command("refresh", code=1).stderr
    monkeypatch.setenv("LOOKS", "0")
    project.command("refresh", "--model", "far", "--force")
    assert sorted(noted(project.notes)[-1]["models"]) == ["far", "order", "sale"]
    tick(project.instance, project.runtime(), LOCATION)
    assert [each.model_names for each in project.told()] == [("far", "order", "sale")]


def test_without_a_layer(project: Project) -> None:
    (project.folder / LOCATION).write_text(
        "import dagster as dg\nfrom phlo_hooks import with_hooks\ndefs = with_hooks(dg.Definitions())\n"
    )
    assert "no DbtSemanticLayerResource is among the resources" in project.command("list", code=1).stderr
