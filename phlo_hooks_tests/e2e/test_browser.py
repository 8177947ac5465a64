"""The demo in Dagster's own UI, in a real browser: materialize everything, and see what the bus says of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from phlo_hooks_tests.e2e.stopping import stop

ROOT = Path(__file__).parents[2]
# Loading the code location parses the dbt project; everything else waits for it.
START_SECONDS = 180
RUN_SECONDS = 240

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def chromium() -> str:
    """Debian's browser."""
    found = os.environ.get("PHLO_HOOKS_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium, or set PHLO_HOOKS_CHROMIUM")
    return found


@pytest.fixture
def ui(chromium: str, tmp_path: Path) -> Iterator[str]:
    """`dagster dev` on workspace.yaml, in a home of its own; the address of its UI."""
    port = _free_port()
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "PHLO_HOOKS_DEMO_HOME": str(tmp_path / "demo"),
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    with (tmp_path / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            [scripts / "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_served(address, process, tmp_path / "dagster.log")
            yield address
        finally:
            stop(process)


def test_the_run_page_shows_what_the_bus_told(ui: str, chromium: str, tmp_path: Path) -> None:
    """One row for each step, with its events and deliveries in a dialog."""
    from playwright.sync_api import sync_playwright

    folder = Path(os.environ.get("PHLO_HOOKS_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"{ui}/locations/__repository__@lakehouse/jobs/lakehouse")
        _dismiss_invitation(page)
        page.get_by_role("button", name="Materialize all").first.click()
        page.goto(f"{ui}{_launched_run(page)}")
        page.get_by_text("Success", exact=True).first.wait_for(timeout=RUN_SECONDS * 1000)
        page.get_by_placeholder("Filter…").fill("Hook Bus:")
        # The tail sensor writes the rows once the deliveries are made, in its next tick.
        row = page.get_by_text("Hook Bus: 58 events")
        row.wait_for(timeout=120_000)
        page.screenshot(path=folder / "run_event_view.png")
        page.get_by_text("[Show Markdown]").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("table").wait_for()
        page.wait_for_timeout(1_000)  # it fades in
        page.screenshot(path=folder / "run_event_dialog.png")
        heads = dialog.get_by_role("columnheader").all_inner_texts()
        assert ["event", "asset", "outcome", "partition", "id"] == heads
        assert row.inner_text().startswith("Hook Bus: 58 events, 237 delivered\n")
        browser.close()


def _dismiss_invitation(page) -> None:
    """Dagster greets a new instance with an invitation to its Slack."""
    page.get_by_role("button", name="Skip").click()
    page.get_by_role("dialog").wait_for(state="hidden")


def _launched_run(page) -> str:
    """The path of the run that was launched, which the UI links to."""
    link = page.locator("a[href^='/runs/']").first
    link.wait_for()
    return link.get_attribute("href")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_served(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"dagster dev ended:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(1)
    pytest.fail(f"dagster dev did not serve in {START_SECONDS} s:\n{log.read_text()[-4000:]}")
