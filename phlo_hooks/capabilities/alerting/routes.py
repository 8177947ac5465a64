"""To whom a message goes: channels, targets, and owners that stand for both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError

# Stands in a rule's `to` for whoever owns the asset.
OWNERS = "owners"


class Recipient(NamedTuple):
    """A channel, and where or whom it is to reach; None for the channel's own default."""

    channel: str
    target: str | None = None

    def __str__(self) -> str:
        return f"{self.channel}:{self.target}" if self.target else self.channel

    @classmethod
    def read(cls, text: str) -> Recipient:
        """What `str()` gave."""
        channel, _, target = text.partition(":")
        return cls(channel.strip(), target.strip() or None)


class Routes:
    """Knows the channels, and who is reached through which of them.

    Args:
        channels: by name.
        owners: what each owner stands for: entries such as `slack:#data`.
        default_owner: whose entries count where an asset has no owner, or one that is not listed.
        plugin: the resource's own name, with which the names of its channels' hooks begin; empty for any.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        owners: Mapping[str, Sequence[str]],
        default_owner: str | None,
        plugin: str = "",
    ) -> None:
        self._channels, self._owners, self._default = channels, owners, default_owner
        self._plugin = plugin

    def recipients(self, to: Iterable[str], facts: Facts) -> tuple[Recipient, ...]:
        """Whom a message with these facts goes to, each once."""
        found: list[Recipient] = []
        for entry in to:
            found += self._of_owners(facts.owners) if entry == OWNERS else [Recipient.read(entry)]
        if facts.hook and facts.signal.startswith("hook."):
            # What cannot be delivered there need not be told there.
            plugin, _, down = facts.hook.rpartition(".")
            ours = plugin == (self._plugin or plugin)
            found = [each for each in found if not ours or each.channel != down]
        return tuple(dict.fromkeys(found))

    def check(self, to: Sequence[str], who: str) -> None:
        """Refuse what leads nowhere.

        Raises:
            ConfigurationError: a channel or target that cannot work, or owners without a default.
        """
        if not to:
            raise ConfigurationError(
                f"{who}: to is empty, and the resource has no default_to: name a channel"
            )
        for entry in to:
            if entry != OWNERS:
                self._check_entry(entry, who)
            elif self._default is None:
                raise ConfigurationError(
                    f"{who}: an asset without a known owner would reach nobody: set default_owner"
                )

    def check_owners(self) -> None:
        """Refuse owners that lead nowhere; see `check`."""
        for owner, entries in self._owners.items():
            if OWNERS in entries or not entries:
                raise ConfigurationError(f"owner {owner!r}: name channels, not {list(entries)!r}")
            for entry in entries:
                self._check_entry(entry, f"owner {owner!r}")
        if self._default is not None and not self._entries(self._default):
            raise ConfigurationError(
                f"no owner is called {self._default!r}, as default_owner says"
                f"{suggest(self._default, list(self._owners))}"
            )

    def _check_entry(self, entry: str, who: str) -> None:
        channel, target = Recipient.read(entry)
        if channel not in self._channels:
            raise ConfigurationError(
                f"{who}: no channel {channel!r}{suggest(channel, [*self._channels, OWNERS])}"
            )
        if target is None:
            return
        if self._channels[channel].takes_target is None:
            raise ConfigurationError(f"{who}: channel {channel!r} takes no target, {entry!r} has {target!r}")
        self._channels[channel].check_target(target)

    def _of_owners(self, owners: Sequence[str]) -> Iterator[Recipient]:
        known = [entry for owner in owners for entry in self._entries(owner)]
        for entry in known or self._entries(self._default or ""):
            yield Recipient.read(entry)

    def _entries(self, owner: str) -> Sequence[str]:
        """What an owner stands for; an email address, where there is a channel for mail, for itself."""
        if owner in self._owners:
            return self._owners[owner]
        mail = next((name for name, each in self._channels.items() if each.takes_address), None)
        return (f"{mail}:{owner}",) if mail and "@" in owner else ()
