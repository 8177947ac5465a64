"""Receivers, and a certificate authority that nobody else trusts."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from phlo_hooks_tests.capabilities.alerting.receivers import PagerDuty, Slack, Teams


@pytest.fixture
def slack() -> Iterator[Slack]:
    """Slack, both ways."""
    with Slack() as receiver:
        yield receiver


@pytest.fixture
def teams() -> Iterator[Teams]:
    """A workflow of Teams."""
    with Teams() as receiver:
        yield receiver


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    """PagerDuty's Events API."""
    with PagerDuty() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's side of TLS for 127.0.0.1, and the file of who vouches for it."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return tls, str(file)
