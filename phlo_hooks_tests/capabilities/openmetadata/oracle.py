"""Judges bodies by OpenMetadata's own models, in a process that lives as long as the session."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from . import wheels

_WORKER = Path(__file__).with_name("oracle_worker.py")


class Oracle:
    """Says what is wrong with a value that shall have the shape of a schema."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, str] = {}
        # Isolated: neither this tree nor the folder of the script is on its path.
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, version: str, model: str, value: Any) -> str | None:
        """What is wrong, in the words of pydantic; None for nothing."""
        question = {"folder": self._folder(version), "model": model, "value": value}
        with self._lock:
            answer = self._ask(json.dumps(question))
        if "error" in answer:
            raise RuntimeError(f"the oracle cannot judge {model} of {version}: {answer['error']}")
        return answer["problem"]

    def _folder(self, version: str) -> str:
        if version not in self._folders:
            self._folders[version] = str(wheels.models(version))
        return self._folders[version]

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process of the oracle has ended")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
