"""Installed plugins: real distributions with real entry points, good and broken ones."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from phlo_hooks.bus import HookBus
from phlo_hooks.plugins import ENTRY_POINT_GROUPS, installed_plugins

GOOD = """
from phlo_hooks.plugins import HookPlugin, HookRegistration, PluginMetadata

class GoodPlugin(HookPlugin):
    calls = []

    @property
    def metadata(self):
        return PluginMetadata(name="good", version="1.0")

    def initialize(self, config):
        self.calls.append(("initialize", config))

    def get_hooks(self):
        return [HookRegistration("h", self.calls.append)]

class Bare:
    def get_hooks(self):
        return []

ready_made = Bare()
"""
MODULES = {
    "phlo_hooks_test_good": GOOD,
    "phlo_hooks_test_broken": "raise RuntimeError('no such driver')",
    "phlo_hooks_test_empty": "class NotAPlugin:\n    pass\n",
    "phlo_hooks_test_unbuildable": "class Plugin:\n    def __init__(self, url):\n        pass\n",
}
ENTRY_POINTS = """
[phlo_hooks.plugins]
good = phlo_hooks_test_good:GoodPlugin
an_instance = phlo_hooks_test_good:ready_made
broken = phlo_hooks_test_broken:Plugin
missing = phlo_hooks_test_good:Nowhere
empty = phlo_hooks_test_empty:NotAPlugin
unbuildable = phlo_hooks_test_unbuildable:Plugin

[phlo.plugins.hooks]
from_phlo = phlo_hooks_test_good:Bare

[something.else]
other = phlo_hooks_test_broken:Plugin
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of packages with what an installer leaves there, found first."""
    info = tmp_path / "phlo_hooks_test_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: phlo-hooks-test-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    installed_plugins.cache_clear()
    yield tmp_path
    installed_plugins.cache_clear()
    for name in MODULES:
        sys.modules.pop(name, None)


def ours(plugins) -> list[str]:
    return [type(plugin).__name__ for plugin in plugins if type(plugin).__module__ in MODULES]


def test_good_plugins_are_found_beside_broken_ones(site, caplog):
    """Classes are built, instances taken, both groups are read, by name; the broken take none with them."""
    with caplog.at_level(logging.ERROR, "phlo_hooks.plugins"):
        found = ours(installed_plugins())
    assert ["Bare", "Bare", "GoodPlugin"] == found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken (phlo_hooks_test_broken:Plugin) cannot be loaded", "RuntimeError: no such driver"),
        ("missing (phlo_hooks_test_good:Nowhere) cannot be loaded", "AttributeError"),
        ("unbuildable (phlo_hooks_test_unbuildable:Plugin) cannot be loaded", "TypeError"),
        ("empty (phlo_hooks_test_empty:NotAPlugin) has no get_hooks()", "its hooks are left out"),
    ],
    ids=["raises on import", "names nothing", "cannot be built", "is no plugin"],
)
def test_each_broken_one_is_named_in_the_log(site, caplog, name, why):
    """A plugin that is silently missing is an alert that never comes."""
    with caplog.at_level(logging.ERROR, "phlo_hooks.plugins"):
        installed_plugins()
    assert f"plugin {name}" in caplog.text
    assert why in caplog.text


def test_a_plugin_is_initialized_once(site):
    """As in Phlo: when it is loaded, and never again."""
    installed_plugins()
    installed_plugins()
    assert [("initialize", {})] == sys.modules["phlo_hooks_test_good"].GoodPlugin.calls


def test_a_found_plugin_works(site):
    """From the entry point to the handler."""
    bus = HookBus()
    for plugin in installed_plugins():
        if type(plugin).__name__ == "GoodPlugin":
            bus.register_provider(plugin)
    assert ["good.h"] == [hook.qualified_name for hook in bus.hooks]


def test_groups():
    """Ours first, then Phlo's own."""
    assert ("phlo_hooks.plugins", "phlo.plugins.hooks") == ENTRY_POINT_GROUPS
