"""Configuration that refuses what it does not know: a misspelt field must not be a silent nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import dagster as dg
from pydantic import ConfigDict

from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError


class StrictConfig(dg.Config):
    """A `dg.Config` without room for other fields.

    Raises:
        ConfigurationError: names the object, the field and the one that was probably meant.
    """

    # A validator's message would come with the values that it looked at.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True}

    def __init__(self, **data: Any) -> None:
        check_names(data, type(self).model_fields, f"{type(self).__name__} {data.get('name', '')!r}")
        super().__init__(**data)


def check_names(given: Iterable[str], known: Iterable[str], who: str) -> None:
    """Refuse fields that there are not.

    Raises:
        ConfigurationError: names the first of them.
    """
    fields = list(known)
    for name in given:
        if name not in fields:
            raise ConfigurationError(f"{who}: no field {name!r}{suggest(name, fields)}")
