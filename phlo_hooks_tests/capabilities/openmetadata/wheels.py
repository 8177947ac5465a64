"""OpenMetadata's own models: fetched with pip, kept outside the tree, and never installed.

The wheel of `openmetadata-ingestion` is under no open-source licence, weighs half a gigabyte installed, and does
not go together with Dagster. Its generated models alone need pydantic and nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

# The version of a server, and the release of the client that belongs to it.
RELEASES = {"1.12.14": "1.12.14.2", "2.0.6": "2.0.6.0"}
_WANTED = "metadata/generated/"


class NotToBeHad(Exception):
    """The wheel cannot be fetched: there is no network, or no pip."""


def cache() -> Path:
    """Where the models are kept from one session to the next."""
    named = os.environ.get("PHLO_HOOKS_TESTS_CACHE")
    if named:
        return Path(named)
    above = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(above) if above else Path.home() / ".cache") / "phlo-hooks-tests"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return Path(tempfile.gettempdir()) / "phlo-hooks-tests"
    return folder


def models(version: str) -> Path:
    """The folder with the models of a server's version; fetched once, also by several workers."""
    release = RELEASES[version]
    folder = cache() / f"openmetadata-{release}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _fetch(release, folder)
    return folder


def _fetch(release: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        wheel = _download(release, Path(scratch))
        made = Path(scratch) / "models"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(made, (name for name in archive.namelist() if name.startswith(_WANTED)))
        # In one step, so that a folder that is there is a whole one.
        shutil.move(made, folder)


def _download(release: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", f"openmetadata-ingestion=={release}"]
    # Its metadata names a Python and a platform that need not be ours: nothing of it is installed.
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    quick = ["--quiet", "--disable-pip-version-check", "--retries=1", "--timeout=20"]
    done = subprocess.run(
        [*command, *options, *quick, f"--dest={folder}"], capture_output=True, text=True, check=False
    )
    found = list(folder.glob("*.whl"))
    if done.returncode != 0 or not found:
        raise NotToBeHad(f"pip cannot fetch openmetadata-ingestion {release}: {done.stderr.strip()[-500:]}")
    return found[0]
