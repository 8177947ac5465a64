"""One mail to a server for outgoing mail, and what its answers mean.

Sources: RFC 5321, section 4.2 (answers), RFC 3207 (STARTTLS), RFC 4954 (logging in).
"""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.answers import excerpt
from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks.redaction import Redactor

# From here on, an answer says that another attempt will end the same.
_FOR_GOOD = 500


@dataclass(frozen=True)
class Login:
    """Who sends."""

    username: str
    password: str = field(repr=False)

    @property
    def redactor(self) -> Redactor:
        """Hides the password, also as it goes over the wire."""
        plain = f"\0{self.username}\0{self.password}"
        return Redactor([self.password, *map(_encoded, (self.password, plain))])


@dataclass(frozen=True)
class Server:
    """Where mail goes out.

    Args:
        name: of the channel.
        host: of the server.
        port: of the server.
        security: starttls, ssl or plain.
        ca_file: further certificate authorities to trust.
        timeout: seconds for a mail.
    """

    name: str
    host: str
    port: int
    security: str
    ca_file: str | None
    timeout: float


def deliver(
    server: Server, sender: str, recipients: Sequence[str], mail: bytes, *, login: Login | None
) -> dict[str, str]:
    """Send a mail.

    | answer | error |
    | --- | --- |
    | 4xx, to any command | DeliveryError |
    | 5xx to greeting, STARTTLS, login or sender | DeliveryError: an operator can mend it |
    | 5xx to every recipient, or to the mail | PermanentError |
    | 4xx or 5xx to some recipients | none: they are returned |

    Returns:
        Recipients that the server refused while it took others, and why.

    Raises:
        PermanentError: see above.
        DeliveryError: see above, and where no connection comes about.
    """
    who = f"{server.name} at {server.host}:{server.port}"
    redactor = login.redactor if login else Redactor()
    try:
        with _connected(server, login) as connection:
            refused = connection.sendmail(sender, recipients, mail)
    except smtplib.SMTPRecipientsRefused as exc:
        raise _all_refused(who, exc.recipients, redactor) from None
    except smtplib.SMTPResponseException as exc:
        for_good = isinstance(exc, smtplib.SMTPDataError) and exc.smtp_code >= _FOR_GOOD
        text = f"{who} answered {_said((exc.smtp_code, exc.smtp_error), redactor)}"
        raise (PermanentError if for_good else DeliveryError)(text) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as exc:
        reason = redactor.text(f"{type(exc).__name__}: {exc}")
        raise DeliveryError(f"{who}: {reason}{_advice(exc)}") from None
    return {address: _said(answer, redactor) for address, answer in refused.items()}


@contextmanager
def _connected(server: Server, login: Login | None) -> Iterator[smtplib.SMTP]:
    connection = _connect(server)
    try:
        if server.security == "starttls":
            connection.starttls(context=_tls(server.ca_file))
        if login:
            connection.login(login.username, login.password)
        yield connection
        # The server has the mail: nothing that comes now may have it sent again.
        with suppress(smtplib.SMTPException, OSError):
            connection.quit()
    finally:
        connection.close()


def _connect(server: Server) -> smtplib.SMTP:
    if server.security == "ssl":
        return _TlsConnection(server, context=_tls(server.ca_file))
    return _Connection(server)


class _Deadline:
    """Every wait of a connection ends at one time, however many answers it takes."""

    def __init__(self, server: Server, **options: Any) -> None:
        self._ends = time.monotonic() + server.timeout
        super().__init__(server.host, server.port, timeout=server.timeout, **options)  # type: ignore[call-arg]

    def send(self, s: Any) -> None:
        self._wait_no_longer()
        super().send(s)  # type: ignore[misc]

    def getreply(self) -> tuple[int, bytes]:
        self._wait_no_longer()
        found: tuple[int, bytes] = super().getreply()  # type: ignore[misc]
        return found

    def _wait_no_longer(self) -> None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        sock = getattr(self, "sock", None)
        if sock is not None:
            sock.settimeout(left)


class _Connection(_Deadline, smtplib.SMTP):
    """In the open, or with STARTTLS later."""


class _TlsConnection(_Deadline, smtplib.SMTP_SSL):
    """With TLS from the start."""


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _all_refused(who: str, answers: Mapping[str, tuple[int, bytes]], redactor: Redactor) -> DeliveryError:
    reasons = "; ".join(f"{address}: {_said(answer, redactor)}" for address, answer in answers.items())
    for_good = all(code >= _FOR_GOOD for code, _ in answers.values())
    return (PermanentError if for_good else DeliveryError)(f"{who} refuses every recipient: {reasons}")


def _said(answer: tuple[int, bytes | str], redactor: Redactor) -> str:
    code, text = answer
    readable = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code}{excerpt(redactor.text(readable))}"


def _advice(exc: Exception) -> str:
    untrusted = "CERTIFICATE_VERIFY_FAILED" in str(exc)
    return ". For a private certificate authority, set ca_file" if untrusted else ""


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode(errors="replace")).decode()
