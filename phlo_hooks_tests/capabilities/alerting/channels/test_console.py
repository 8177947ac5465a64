"""The console."""

from __future__ import annotations

import io
import sys

import pytest

from phlo_hooks.capabilities.alerting.channels import ConsoleChannel
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, HOSTILE, everywhere


def test_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors by default."""
    ConsoleChannel().send(FIRING)
    ConsoleChannel(stream="stdout").send(FIRING)
    out, err = capsys.readouterr()
    assert out == err
    assert "🔴 ERROR: Asset marts/orders failed" in out


def test_no_command_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Colours, bells, or worse."""
    ConsoleChannel().send(everywhere(HOSTILE))
    assert not set("\x00\x07\x1b") & set(capsys.readouterr().err)


def test_an_old_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot show is a question mark."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    ConsoleChannel().send(FIRING)
    assert b"? ERROR: Asset marts/orders failed" in stream.buffer.getvalue()


def test_a_closed_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be open again."""
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(DeliveryError, match="stderr cannot be written to"):
        ConsoleChannel().send(FIRING)


def test_refused() -> None:
    """There are two streams, and no targets."""
    with pytest.raises(ConfigurationError, match="stream 'file' is unknown; use 'stderr' or 'stdout'"):
        ConsoleChannel(stream="file").check()
    with pytest.raises(ConfigurationError, match="'console' takes no target"):
        ConsoleChannel().check_target("x")
