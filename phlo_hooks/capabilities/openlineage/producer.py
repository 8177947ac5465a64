"""Who made an event or a facet: this package, in this version."""

from __future__ import annotations

from phlo_hooks import __version__

REPOSITORY = "https://github.com/phlo-hooks/phlo-hooks"
# Passed to every facet: the client's set_producer() is one global of all who use it in a process.
PRODUCER = f"{REPOSITORY}/tree/{__version__}"
