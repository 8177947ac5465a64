"""Which events and deliveries an operator means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.errors import ConfigurationError


@dataclass(frozen=True)
class Selection:
    """Which events and deliveries are meant: those that fit everything that is given.

    An event is selected by a criterion about deliveries if one of its deliveries is.

    Args:
        ids: of the events; an empty list selects nothing.
        hook: `plugin.hook_name`, in which `*` and `?` stand for any characters, or for one.
        event_type: as above, `ingestion.*`.
        asset_key: as above, `raw/*`.
        run_id: of the run that they belong to.
        states: of the deliveries; an empty list selects nothing.
        since: when the events happened, at the earliest.
        until: when they happened, at the latest; that moment itself is not in it.
        scope: the code location whose hooks the deliveries are for.

    Raises:
        ConfigurationError: a time has no zone, or ids are a single text.
    """

    ids: Collection[str] | None = None
    hook: str | None = None
    event_type: str | None = None
    asset_key: str | None = None
    run_id: str | None = None
    states: Collection[DeliveryState] | None = None
    since: datetime | None = None
    until: datetime | None = None
    scope: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.ids, str):
            raise ConfigurationError(f"ids={self.ids!r} is one text: give a list, [{self.ids!r}]")
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ConfigurationError(
                    f"{name}={value!r} has no time zone: use datetime(…, tzinfo=timezone.utc)"
                )

    @property
    def everything(self) -> bool:
        """Whether no criterion is given."""
        return self == Selection()
