"""The OpenLineage events that a resource would send, as JSON documents. Nothing is sent or written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from phlo_hooks.capabilities.openlineage.compose import Composer
from phlo_hooks.capabilities.openlineage.ledger import Ledger
from phlo_hooks.capabilities.openlineage.static import Graph
from phlo_hooks.cli.openlineage.setups import Setup
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent
from phlo_hooks.state import Host

Document = dict[str, Any]
# Of an asset's key; of what is about no asset, of none.
Wanted = Callable[[str | None], object]


def of_definitions(setup: Setup, host: Host, wanted: Wanted) -> Iterator[Document]:
    """Those of the asset graph, without any run.

    Args:
        setup: whose.
        host: where it runs.
        wanted: whether an asset is asked for.
    """
    graph = Graph(setup.resource.settings(host), host.assets, Ledger.of(host))
    documents = setup.resource.documents()
    for key in filter(wanted, graph.assets()):
        for event in graph.events(key, utc_now()):
            yield from documents.of(event)


def of_events(setup: Setup, host: Host, events: Iterable[HookEvent], wanted: Wanted) -> Iterator[Document]:
    """Those of what happened; arguments as of `of_definitions`.

    Args:
        events: in the order in which they were recorded; what the hook does not want is passed over.
    """
    composer, ledger = Composer(setup.resource.settings(host), host.assets), Ledger.of(host)
    documents = setup.resource.documents()
    for event in events:
        page = composer.page(event, ledger)
        for message in composer.messages(event, page):
            message.note(page)
            if wanted(event.correlation.asset_key):
                yield from documents.of(message.event)
        ledger.close(page)
