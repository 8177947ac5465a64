"""Rules in a YAML file, with what is deployed for whatever the file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.capabilities.alerting.yaml_file import read_settings
from phlo_hooks.cli.alerts.setups import Setup
from phlo_hooks.errors import ConfigurationError


def read_rules(path: str, deployed: AlertingResource | None = None) -> AlertingResource:
    """The resource that a file describes.

    Args:
        path: of the file.
        deployed: has the channels and owners of a file that only has rules.

    Raises:
        ConfigurationError: names the file, and what is wrong with it.
    """
    known = _fields(deployed) if deployed else {}

    def make(settings: dict[str, Any]) -> AlertingResource:
        _check_on(settings.get("rules"))
        return AlertingResource(**{**known, **settings})

    return read_settings(path, make)


def with_rules(setup: Setup, path: str) -> Setup:
    """A setup with the rules of a file instead of its own.

    Raises:
        ConfigurationError: as of `read_rules`, or an asset selection that stands for nothing.
    """
    return replace(setup, resource=read_rules(path, setup.resource))


def _check_on(rules: Any) -> None:
    """Without quotes `on` is one of YAML's words for true, and so no name of a field.

    Raises:
        ConfigurationError: a rule has it.
    """
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict) and True in rule:
            raise ConfigurationError(
                f'rule {rule.get("name")!r}: write "on" in quotes: YAML takes it for true without'
            )


def _fields(resource: AlertingResource) -> Mapping[str, Any]:
    return {name: getattr(resource, name) for name in type(resource).model_fields if name != "rules"}
