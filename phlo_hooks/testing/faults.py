"""What can go wrong between a request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus


class Ending(Enum):
    """How a connection goes on after a request."""

    KEEP = "keep"
    RESET = "reset"
    DROP = "drop"
    HANG = "hang"
    TRUNCATE = "truncate"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Fault:
    """What a `FaultServer` does with a request. Make one with the methods below.

    Args:
        status: of the answer.
        body: of the answer.
        headers: of the answer, besides `Content-Length`.
        seconds: that the body takes, byte by byte, or that the answer is waited for.
        retry_date: seconds from the answer to the date in its `Retry-After` header; None for no header.
        ending: how the connection goes on.
        processed: whether the request counts as handled: it stands in `FaultServer.processed`.
    """

    status: int = HTTPStatus.NO_CONTENT
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    retry_date: float | None = None
    ending: Ending = Ending.KEEP
    processed: bool = False

    @classmethod
    def accept(cls, status: int = HTTPStatus.NO_CONTENT, body: bytes = b"") -> Fault:
        """No fault at all: handle the request, answer 2xx, keep the connection."""
        return cls(status, body, processed=True)

    @classmethod
    def answer(cls, status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> Fault:
        """Do not handle it, and answer with any status: 400, 410 or 500."""
        return cls(status, body.encode() if isinstance(body, str) else body, headers or {})

    @classmethod
    def redirect(cls, location: str, status: int = HTTPStatus.PERMANENT_REDIRECT) -> Fault:
        """Send the client elsewhere."""
        return cls.answer(status, headers={"Location": location})

    @classmethod
    def retry_after(
        cls, seconds: float, status: int = HTTPStatus.TOO_MANY_REQUESTS, *, as_date: bool = False
    ) -> Fault:
        """Ask for a pause: in whole seconds, or until an HTTP date that is so far from now."""
        if as_date:
            return cls(status, retry_date=seconds)
        return cls.answer(status, headers={"Retry-After": str(int(seconds))})

    @classmethod
    def refuse(cls) -> Fault:
        """Refuse connections. For `FaultServer.always` only: a server does not see what it refuses."""
        return cls(ending=Ending.REFUSE)

    @classmethod
    def reset(cls) -> Fault:
        """Read the request and reset the connection (TCP RST)."""
        return cls(ending=Ending.RESET)

    @classmethod
    def hang(cls, seconds: float = 3600.0) -> Fault:
        """Read the request and say nothing until the time, or the server, is over."""
        return cls(seconds=seconds, ending=Ending.HANG)

    @classmethod
    def slow_body(cls, seconds: float, body: bytes = b"0123456789", status: int = HTTPStatus.OK) -> Fault:
        """Send the headers at once, and the body byte by byte over so many seconds."""
        return cls(status, body, seconds=seconds, processed=True)

    @classmethod
    def truncate(cls, status: int = HTTPStatus.OK) -> Fault:
        """Announce a body, send half of it, and close."""
        return cls(status, b"0123456789", ending=Ending.TRUNCATE)

    @classmethod
    def lose_answer(cls) -> Fault:
        """Handle the request, then drop the connection without an answer: the client cannot know."""
        return cls(ending=Ending.DROP, processed=True)
