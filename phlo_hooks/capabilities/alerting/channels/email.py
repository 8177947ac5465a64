"""EmailChannel: mail by SMTP."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from email.utils import parseaddr
from typing import ClassVar

from pydantic import Field

from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.channels.email_message import mail
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, given, known, read
from phlo_hooks.capabilities.alerting.channels.smtp import Login, Server, deliver
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.errors import ConfigurationError, DeliveryError

_LOG = logging.getLogger(__name__)
_PORTS = {"starttls": 587, "ssl": 465, "plain": 25}
# What a header, and the commands of SMTP, can hold without SMTPUTF8, which few servers have.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")


class EmailChannel(Channel):
    """Sends mail: text and HTML, and what belongs to one incident as one conversation.

    A mail that at least one recipient got is sent. Recipients that the server refused are logged: another
    attempt would reach the others twice, and an alert must not wait for a full mailbox. Needs no library.
    """

    takes_target: ClassVar[str | None] = "an address, or several with commas between them"
    takes_address: ClassVar[bool] = True

    name: str = Field(default="email", description="What rules call it.")
    host: str = Field(default="localhost", description="The server for outgoing mail.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="587 for starttls, 465 for ssl, 25 for plain, by default."
    )
    security: str = Field(
        default="starttls",
        description="starttls, ssl (TLS from the start) or plain (none: for a relay on the same machine).",
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of a private certificate authority to trust, besides the public ones.",
    )
    username: str | None = Field(default=None, description="To log in with; without one, nobody logs in.")
    password: str | None = Field(default=None, repr=False, description="A secret.")
    password_env: str | None = Field(default=None, description="An environment variable with it.")
    sender: str = Field(description="An address: alerts@example.com, or Alerts <alerts@example.com>.")
    recipients: list[str] = Field(default=[], description="Addresses that get what has no target.")
    timeout: float = Field(
        default=15.0, gt=0, description="Seconds for a mail, from connecting to the last answer."
    )

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: the channel, the field and the next step.
        """
        try:
            self._check_server()
            self._check_login()
            for address in (self.sender, *self.recipients):
                _check_address(address)
        except ConfigurationError as exc:
            raise ConfigurationError(f"alert channel {self.name!r}: {exc}") from None

    def check_target(self, target: str) -> None:
        """Refuse what is no address.

        Raises:
            ConfigurationError: the address.
        """
        try:
            for address in _split(target):
                _check_address(address)
        except ConfigurationError as exc:
            raise ConfigurationError(f"alert channel {self.name!r}: {exc}") from None

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> str | None:
        """Send a mail.

        Returns:
            The Message-ID of the first mail of the conversation.

        Raises:
            PermanentError: the server refuses the mail, or every recipient, for good.
            DeliveryError: another attempt may work.
        """
        to = _split(target) if target else [self._read("recipients", each) for each in self.recipients]
        if not to:
            raise DeliveryError(f"alert channel {self.name!r}: it has no recipients, and no target was named")
        sender = self._read("sender", self.sender)
        found = mail(message, sender=sender, to=to, thread=thread, now=datetime.now(timezone.utc))
        envelope = [parseaddr(address)[1] for address in (sender, *to)]
        refused = deliver(self._server(), envelope[0], envelope[1:], found.as_bytes(), login=self._login())
        for address, reason in refused.items():
            _LOG.warning("alert channel %r: %s did not get a mail: %s", self.name, address, reason)
        return thread or str(found["Message-ID"])

    def _server(self) -> Server:
        port = self.port or _PORTS[self.security]
        host = self._read("host", self.host)
        ca_file = self._read("ca_file", self.ca_file) or None
        return Server(self.name, host, port, self.security, ca_file, self.timeout)

    def _read(self, field: str, text: str | None, variable: str | None = None) -> str:
        try:
            return read(field, text, variable)
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {exc}") from None

    def _login(self) -> Login | None:
        if self.username is None:
            return None
        password = self._read("password", self.password, self.password_env)
        return Login(self._read("username", self.username), password)

    def _check_server(self) -> None:
        if self.security not in _PORTS:
            raise ConfigurationError(
                f"security {self.security!r} is unknown; use 'starttls', 'ssl' or 'plain'"
            )
        host = known(self.host)
        if host is not None and not _HOST.fullmatch(host):
            raise ConfigurationError(f"host {host!r} is not the name of a server")

    def _check_login(self) -> None:
        check_one("password", self.password, self.password_env)
        has_password = given(self.password, self.password_env)
        if has_password != (self.username is not None):
            raise ConfigurationError(
                "to log in, it needs both a username and a password: add one, or leave both out"
            )
        if has_password and self.security == "plain":
            raise ConfigurationError(
                "a password would go over the network as it is: use security='starttls' or 'ssl'"
            )


def _split(addresses: str) -> Sequence[str]:
    return [address.strip() for address in addresses.split(",")]


def _check_address(text: str) -> None:
    if known(text) is None:
        return
    name, address = parseaddr(text)
    if not _ADDRESS.fullmatch(address) or not (name or text).isprintable():
        raise ConfigurationError(f"{text!r} is not an address: use name@example.com")
