"""Which fault is on."""

from __future__ import annotations

import pytest

from phlo_hooks.demo.faults import BREAK_VARIABLE, Fault, FaultSwitch
from phlo_hooks.errors import ConfigurationError


@pytest.mark.parametrize(
    ("configured", "environment", "active"),
    [
        pytest.param(None, None, None, id="nothing"),
        pytest.param(None, "", None, id="empty variable"),
        pytest.param(None, "load", Fault.LOAD, id="variable"),
        pytest.param("model", None, Fault.MODEL, id="configuration"),
        pytest.param("model", "load", Fault.MODEL, id="configuration wins"),
    ],
)
def test_the_fault_that_is_on(
    monkeypatch: pytest.MonkeyPatch,
    configured: str | None,
    environment: str | None,
    active: Fault | None,
) -> None:
    """Read when asked, not when the resource is made."""
    switch = FaultSwitch(broken=configured)
    if environment is not None:
        monkeypatch.setenv(BREAK_VARIABLE, environment)
    assert switch.active is active


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    """A typing error does not run the demo whole."""
    with pytest.raises(ConfigurationError, match=r"no fault 'laod'.* one of: load, model"):
        Fault.parse("laod")
