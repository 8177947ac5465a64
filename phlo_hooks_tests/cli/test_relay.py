"""`phlo-hooks relay`, as a process of its own on a persistent instance, without a daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from phlo_hooks import HookEvent
from phlo_hooks.cli import main
from phlo_hooks_tests.cli.projects import Project, make_project

ROOT = Path(__file__).parents[2]
PATIENCE = 120
TOLD = ["ingestion.end", "ingestion.start", "run.start", "run.success"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def start(project: Project, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Python with these arguments, in the project's folder, as a user would."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=project.folder,
        env={**os.environ, **project.environment, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def execute(project: Project) -> None:
    """The project's job, run by a script: its events are recorded and wait."""
    code, _, err = finish(start(project, "lake_defs.py"))
    assert code == 0, err


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_once(project: Project) -> None:
    """What a script's run queued is delivered, and what only its log can say, each as one CloudEvent a line."""
    execute(project)
    assert project.lines() == []
    arguments = ("-m", "phlo_hooks", "relay", "--once")
    code, out, err = finish(start(project, *arguments, "-f", "lake_defs.py"))
    assert (code, out) == (0, "lake_defs.py: read 1 runs, recorded 1 new of 4 events; 4 delivered\n"), err
    assert sorted(project.types()) == TOLD

    code, out, _ = finish(start(project, *arguments, "-f", "lake_defs.py"))
    assert (code, out) == (0, "lake_defs.py: read 0 runs, recorded 0 new of 0 events; 0 delivered\n")
    assert sorted(project.types()) == TOLD
    for line, text in zip(project.lines(), project.lines_file.read_text().splitlines(), strict=True):
        assert JSONFormat().read(CloudEvent, text).get_id() == line["id"]
        assert HookEvent.from_cloudevent(line).to_cloudevent() == line
    (end,) = [HookEvent.from_cloudevent(each) for each in project.lines() if each["type"] == "ingestion.end"]
    assert (end.asset_key, end.metrics) == ("orders", {"rows": 12})


@pytest.mark.e2e
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("option", "name"),
    [
        pytest.param(("-m", "lake_defs"), "lake_defs", id="module"),
        pytest.param(("-w", "workspace.yaml"), "lake_defs.py", id="workspace"),
        pytest.param((), "lake_defs.py", id="workspace of this folder"),
        pytest.param(("-f", "lake_defs.py", "--location", "sales"), "sales", id="other name"),
    ],
)
def test_definitions_are_found(project: Project, option: tuple[str, ...], name: str) -> None:
    """As Dagster's own commands find them, and under the name that Dagster gives the location."""
    execute(project)
    code, out, err = finish(start(project, "-m", "phlo_hooks", "relay", "--once", *option))
    assert (code, out) == (0, f"{name}: read 1 runs, recorded 1 new of 4 events; 4 delivered\n"), err
    assert sorted(project.types()) == TOLD


@contextmanager
def relaying(project: Project, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A relay that goes on until it is told to stop."""
    with start(project, "-m", "phlo_hooks", "relay", "-f", "lake_defs.py", *options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_lines(project: Project, process: subprocess.Popen[str], count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(project.lines()) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.e2e
@pytest.mark.timeout(400)
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_goes_on_until_it_is_told_to_stop(project: Project, sign: signal.Signals) -> None:
    """Runs that come later are delivered too; then it ends at once, and well."""
    with relaying(project, "--interval", "0.2") as process:
        execute(project)
        wait_for_lines(project, process, len(TOLD))
        execute(project)
        wait_for_lines(project, process, 2 * len(TOLD))
        began = time.monotonic()
        process.send_signal(sign)
        code, _, err = finish(process)
    assert code == 0, err
    assert time.monotonic() - began < 15
    assert sorted(project.types()) == sorted(2 * TOLD)
    assert "Traceback" not in err


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_it_serves_metrics(project: Project) -> None:
    """At the port that it says, while it is at work."""
    execute(project)
    with relaying(project, "--metrics-port", "0", "--concurrency", "2") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        wait_for_lines(project, process, len(TOLD))
        text = urllib.request.urlopen(url, timeout=PATIENCE).read().decode()
    assert "phlo_hooks_circuit_state{" in text
    assert "phlo_hooks_store_up 1" in text


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_it_is_killed(project: Project) -> None:
    """The next one delivers what it had not; a line may come twice, under the same id."""
    execute(project)
    with relaying(project) as process:
        wait_for_lines(project, process, 1)
        process.kill()
    code, _, err = finish(start(project, "-m", "phlo_hooks", "relay", "--once", "-f", "lake_defs.py"))
    assert code == 0, err
    assert {line["type"] for line in project.lines()} == set(TOLD)
    assert len({line["id"] for line in project.lines()}) == len(TOLD)


# -- what can be wrong -----------------------------------------------------------------------------


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it cannot do its work."""
    monkeypatch.setattr(sys, "argv", ["phlo-hooks", "relay", "--once", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code != 0
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project's folder and environment, in this process."""
    monkeypatch.chdir(project.folder)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    return project


def test_no_dagster_home(here: Project, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The one thing that the command cannot guess."""
    monkeypatch.delenv("DAGSTER_HOME")
    said = fails(monkeypatch, capsys, "-f", "lake_defs.py")
    assert said.startswith("Error: no Dagster instance: ")
    assert "Set DAGSTER_HOME to the folder that your deployment uses" in said


def test_a_dagster_home_that_is_not_there(here: Project, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Dagster's own reason is passed on."""
    monkeypatch.setenv("DAGSTER_HOME", str(here.folder / "nowhere"))
    assert "nowhere" in fails(monkeypatch, capsys, "-f", "lake_defs.py")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("-f", "nowhere.py"), "Error: file 'nowhere.py' is not there\n", id="no file"),
        pytest.param(("-f", "notes.txt"), "Error: file 'notes.txt' is not a Python file\n", id="not Python"),
        pytest.param(
            ("-m", "nowhere"),
            "Error: module 'nowhere' cannot be imported: No module named 'nowhere'\n",
            id="no module",
        ),
        pytest.param(
            ("-w", "nowhere.yaml"),
            "Error: nowhere.yaml is not there: name your definitions with -m MODULE, -f FILE or -w WORKSPACE\n",
            id="no workspace",
        ),
        pytest.param(
            ("-f", "bare.py"),
            "Error: bare.py: these definitions are not on the Hook Bus; wrap them: defs = with_hooks(defs)\n",
            id="not on the bus",
        ),
        pytest.param(
            ("-f", "none.py"),
            "Error: none.py has 0 Definitions objects at its top level; it must have exactly one\n",
            id="no definitions",
        ),
        pytest.param(
            ("-f", "two.py"),
            "Error: two.py has 2 Definitions objects at its top level; it must have exactly one\n",
            id="two definitions",
        ),
    ],
)
def test_definitions_that_cannot_be_used(
    here: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    """Each says what is wrong, and what to do."""
    here.write("notes.txt", "notes")
    here.write("bare.py", "import dagster as dg\ndefs = dg.Definitions()\n")
    here.write("none.py", "import dagster as dg\n")
    here.write("two.py", "import dagster as dg\none = dg.Definitions()\ntwo = dg.Definitions()\n")
    assert fails(monkeypatch, capsys, *arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [("-m", "lake_defs", "-f", "lake_defs.py"), ("-f", "lake_defs.py", "-w", "workspace.yaml")],
    ids=["module and file", "file and workspace"],
)
def test_two_ways_to_name_definitions(
    here: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    """Which of them is meant nobody can know."""
    assert fails(monkeypatch, capsys, *arguments) == "Error: give one of -m, -f and -w, not several\n"
