"""Apprise, with its own way to post JSON."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import AppriseChannel, apprise
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, RESOLVED

# One of its services uses what Python 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def url_of(server: FaultServer) -> str:
    return server.url.replace("http://", "json://me:canary-password@") + "/in"


def test_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a URL of the environment, in either way."""
    with FaultServer() as server:
        monkeypatch.setenv("APPRISE_URL", url_of(server))
        for fields in ({"urls": [dg.EnvVar("APPRISE_URL")]}, {"urls_env": "APPRISE_URL"}):
            channel = AppriseChannel(**fields)
            channel.check()
            channel.send(FIRING)
        AppriseChannel(urls_env="APPRISE_URL").send(RESOLVED)
        first, _, last = (request.json() for request in server.requests)
    assert ("🔴 ERROR: Asset marts/orders failed", "failure") == (first["title"], first["type"])
    assert "BinderException" in first["message"]
    assert "success" == last["type"]


def test_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    """By none of them: tried again. The URL, with its password, is not shown."""
    with FaultServer() as server, caplog.at_level(logging.WARNING):
        server.always(Fault.answer(500))
        with pytest.raises(DeliveryError, match="apprise: not taken by JSON") as info:
            AppriseChannel(urls=[url_of(server)]).send(FIRING)
    assert "canary" not in repr(info.value)


def test_taken_by_some(caplog: pytest.LogCaptureFixture) -> None:
    """Sent; the others are logged."""
    with FaultServer() as good, FaultServer() as bad, caplog.at_level(logging.WARNING):
        bad.always(Fault.answer(500))
        AppriseChannel(urls=[url_of(bad), url_of(good)]).send(FIRING)
    assert 1 == good.count
    assert "was not taken by JSON" in caplog.text


def test_nobody_is_called() -> None:
    """By a word in an error: some services wake a whole room for it."""
    with FaultServer() as server:
        AppriseChannel(urls=[url_of(server)]).send(
            replace(FIRING, title="@everyone", text="see @here, a@here.org")
        )
        sent = server.requests[0].body.decode()
    assert "@everyone" not in sent
    assert "@here" not in sent


def test_unknown_urls() -> None:
    """Refused where it is defined; the scheme alone is shown."""
    with pytest.raises(ConfigurationError, match="with the scheme 'nowhere'") as info:
        AppriseChannel(urls=["nowhere://canary-0001"]).check()
    assert "canary" not in str(info.value)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when it is defined, and when it sends."""
    channel = AppriseChannel(urls=["json://127.0.0.1"])
    monkeypatch.setattr(apprise, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'phlo-hooks\[apprise\]'"):
        channel.check()
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(DeliveryError, match=r"pip install 'phlo-hooks\[apprise\]'"):
        channel.send(FIRING)
