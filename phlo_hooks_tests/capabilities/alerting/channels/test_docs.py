"""The page of the channels names every field, and what it shows as YAML works."""

from __future__ import annotations

import re

import pytest
import yaml

from phlo_hooks.capabilities.alerting import channels
from phlo_hooks.capabilities.alerting.channels import Channel
from phlo_hooks.capabilities.alerting.channels.http import WebChannel
from phlo_hooks_tests.docs.pages import DOCS

PAGE = (DOCS / "capabilities" / "alerting-channels.md").read_text(encoding="utf-8")
CHANNELS = [each for each in map(channels.__dict__.get, channels.__all__) if each is not Channel]
_FIRST_COLUMN = re.compile(r"^\| (?P<names>`[^|]*) \|", re.MULTILINE)


def section(kind: type[Channel]) -> str:
    """From its heading to the next one."""
    title = {"PagerDuty": "PagerDuty", "Http": "HTTP"}.get(
        name := kind.__name__.removesuffix("Channel"), name
    )
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("kind", CHANNELS)
def test_fields(kind: type[Channel]) -> None:
    """In the table whose first column is called `field`, but for those that all have."""
    common = set(WebChannel.model_fields) if issubclass(kind, WebChannel) else set(Channel.model_fields)
    table = section(kind).split("| field |")[1].split("\n\n")[0]
    named = {name for row in _FIRST_COLUMN.finditer(table) for name in re.findall(r"`(\w+)`", row["names"])}
    assert set(kind.model_fields) - common == named


@pytest.mark.parametrize("kind", CHANNELS)
def test_yaml(kind: type[Channel]) -> None:
    """Checked as written."""
    found = re.findall(r"```yaml\n(.*?)```", section(kind), flags=re.DOTALL)
    assert 1 == len(found)
    kind(**yaml.safe_load(found[0])).check()
