"""Every exception this project raises, drawn as a tree.

* PhloHooksError
  * EventError
    * InvalidEventError          (also a ValueError)
    * UnsupportedVersionError    (also a ValueError)
  * RegistrationError            (also a ValueError)
    * UnknownEventTypeError
    * UnknownAssetError
    * DuplicateHookError
  * DeliveryError
    * PermanentError
      * EndpointGoneError
    * RetryLater
  * EmissionDepthError           (also a RecursionError)
  * StoreError
    * StoreUnavailableError
    * SchemaVersionError
  * ConfigurationError           (also a ValueError)
    * MissingExtraError          (also an ImportError)

A message names the object, the value and the next step.
"""

from __future__ import annotations

from datetime import timedelta


class PhloHooksError(Exception):
    """Root of the tree: catch this to catch all that the project raises itself."""


class EventError(PhloHooksError):
    """An event cannot be built, read or passed on."""


class InvalidEventError(EventError, ValueError):
    """A payload is not an event: a field is missing, unknown, or of the wrong shape."""


class UnsupportedVersionError(EventError, ValueError):
    """An event has a major version that this release does not know."""


class RegistrationError(PhloHooksError, ValueError):
    """A hook cannot be registered as it stands."""


class UnknownEventTypeError(RegistrationError):
    """A filter names an event type that no event class has."""


class UnknownAssetError(RegistrationError):
    """A filter names an asset that the definitions do not hold."""


class DuplicateHookError(RegistrationError):
    """One plugin registers two hooks under one name."""


class DeliveryError(PhloHooksError):
    """A capability says how its failure is to be treated."""


class PermanentError(DeliveryError):
    """The delivery can never succeed: it goes to the dead letters without a further attempt."""


class EndpointGoneError(PermanentError):
    """The receiver wants no events any more, as HTTP 410 says: the hook itself is disabled."""


class RetryLater(DeliveryError):
    """The receiver asked to be left alone for a while.

    Args:
        message: what the receiver said.
        after: seconds, or a `timedelta`, until the next attempt.
        pause: leave the hook alone with every other event until then, too: a rate limit, not one busy row.
    """

    def __init__(self, message: str = "", *, after: float | timedelta, pause: bool = False) -> None:
        self.after = after.total_seconds() if isinstance(after, timedelta) else float(after)
        self.pause = pause
        super().__init__(message or f"retry after {self.after:g} s")


class EmissionDepthError(PhloHooksError, RecursionError):
    """Handlers emit events that call handlers that emit events, without end."""


class StoreError(PhloHooksError):
    """The store refuses, or cannot be used as it is."""


class StoreUnavailableError(StoreError):
    """The store's database cannot be reached, or is locked; the same call may work later."""


class SchemaVersionError(StoreError):
    """The store's tables belong to another release."""


class ConfigurationError(PhloHooksError, ValueError):
    """An option has a value that cannot work."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional library is not installed.

    Args:
        library: the module that could not be imported.
        extra: the extra of this package that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library!r} is not installed. Install it with: pip install 'phlo-hooks[{extra}]'")
