"""Real processes that use a store at the same moment: `python -m phlo_hooks_tests.delivery.children`.

They are started once for all tests, since each takes a second to import what it needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from typing_extensions import Self

from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.delivery.helpers import HOOK, FakeHook, claim, deliver, make_entries
from phlo_hooks_tests.receiver import post_to


class Children:
    """Processes that carry out one order each, all at once.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        command = [sys.executable, "-m", __name__]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._processes = [subprocess.Popen(command, **pipes) for _ in range(count)]

    def __enter__(self) -> Self:
        self.all("ready")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.communicate()

    def all(self, order: str, url: str = "", **options: Any) -> list[Any]:
        """Have all of them carry out an order; return what each of them replied."""
        start = time.time() + 0.05
        for number, process in enumerate(self._processes):
            line = {"order": order, "url": url, "start": start, "number": number, **options}
            assert process.stdin is not None
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
        replies = [self._reply(process) for process in self._processes]
        assert not any(isinstance(reply, dict) for reply in replies), replies
        return replies

    @staticmethod
    def _reply(process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "a child died"
        return json.loads(line)


def _ready(url: str, number: int) -> str:
    return "ready"


def _open(url: str, number: int) -> int:
    return HookStore(url).pending_count()


def _record(url: str, number: int, count: int, size: int) -> int:
    """Record the same events as the others, every second process from the last to the first."""
    store = HookStore(url)
    entries = make_entries(count)[:: -1 if number % 2 else 1]
    batches = [entries[start : start + size] for start in range(0, count, size)]
    return sum(len(store.record(batch)) for batch in batches)


def _claim(url: str, number: int) -> list[int]:
    """Claim and settle until there is nothing left; the rows that were claimed."""
    store, found = HookStore(url), []
    while claims := claim(store, owner=f"process-{number}", limit=7):
        found += [each.delivery_id for each in claims]
        deliver(store, *claims[:3])
        store.settle([], owner=f"process-{number}")
    return found


def _compare_and_set(url: str, number: int, times: int) -> int:
    """Count up to `times` more, together with the others; return how often it took a second try."""
    store, collisions = HookStore(url), 0
    for _ in range(times):
        while True:
            entry = store.get_state("test", "counter")
            value, version = (entry.value, entry.version) if entry else (0, None)
            if store.compare_and_set("test", "counter", version, value + 1):
                break
            collisions += 1
    return collisions


def _relay(url: str, number: int, port: int, limit: int) -> int:
    """Deliver at most so many to the receiver at this port; how many it were."""
    hook = FakeHook(post_to(port, keep=True))
    return Relay(HookStore(url), {HOOK: hook}, scopes=[""]).run(budget=120, limit=limit).delivered


_ORDERS: dict[str, Callable[..., Any]] = {
    "ready": _ready,
    "open": _open,
    "record": _record,
    "claim": _claim,
    "compare_and_set": _compare_and_set,
    "relay": _relay,
}


def main() -> None:
    """Carry out the orders that come in."""
    for line in sys.stdin:
        order = json.loads(line)
        work, start = _ORDERS[order.pop("order")], order.pop("start")
        time.sleep(max(0.0, start - time.time()))
        try:
            reply = work(**order)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the parent is to say it
            reply = {"error": f"{type(exc).__name__}: {exc}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
