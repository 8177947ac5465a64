"""What the definitions of this location say, when it is no longer what they said before."""

from __future__ import annotations

from collections.abc import Iterator

from phlo_hooks.envelope import utc_now
from phlo_hooks.events import DefinitionsEvent
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import Post, envelope

_LAST = "last"


def watch_definitions(post: Post, notes: Notes) -> Iterator[DefinitionsEvent]:
    """`definitions.changed`: also the first time, and also when they are again what they once were.

    Where no hook names it, nothing is noted: who asks later is told what there is then.
    """
    # Of 5,000 assets a fingerprint takes a second, in each process: not for those that take whatever comes.
    if not post.asked_for(DefinitionsEvent.event_types[0]):
        return
    last = notes.get(_LAST) or {"fingerprint": None, "change": 0}
    fingerprint = post.assets.fingerprint()
    # Empty where there are no definitions.
    if fingerprint in ("", last["fingerprint"]):
        return
    change = last["change"] + 1
    yield _event(post, fingerprint, change)
    notes.keep(_LAST, {"fingerprint": fingerprint, "change": change})


def _event(post: Post, fingerprint: str, change: int) -> DefinitionsEvent:
    return DefinitionsEvent(
        **envelope("definitions.changed", utc_now(), post.scope, fingerprint, str(change)),
        location=post.scope,
        fingerprint=fingerprint,
        assets=len(post.assets.keys()),
    )
