"""Rules in a YAML file, with what is deployed for whatever the file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.capabilities.alerting.yaml_file import read_settings
from phlo_hooks.cli.alerts.setups import Setup


def read_rules(path: str, deployed: AlertingResource | None = None) -> AlertingResource:
    """The resource that a file describes.

    Args:
        path: of the file.
        deployed: has the channels and owners of a file that only has rules.

    Raises:
        ConfigurationError: names the file, and what is wrong with it.
    """
    known = _fields(deployed) if deployed else {}
    return read_settings(path, lambda settings: AlertingResource(**{**known, **settings}))


def with_rules(setup: Setup, path: str) -> Setup:
    """A setup with the rules of a file instead of its own.

    Raises:
        ConfigurationError: as of `read_rules`, or an asset selection that stands for nothing.
    """
    return replace(setup, resource=read_rules(path, setup.resource))


def _fields(resource: AlertingResource) -> Mapping[str, Any]:
    return {name: getattr(resource, name) for name in type(resource).model_fields if name != "rules"}
