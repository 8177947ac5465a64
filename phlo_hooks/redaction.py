"""Keep secrets out of events, logs, reprs and stores.

Two rules, both applied before anything leaves the process: a value under a key that looks secret is
replaced whatever it is, and a value known to be secret is replaced wherever it appears.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

# A shorter "secret" (a one-letter password, a port number) would black out innocent text everywhere.
MIN_SECRET_LENGTH = 6

_SECRET_KEY = re.compile(
    r"(pass(wd|word|phrase)|(^|[_\-./])pass$|secret|token$|(^|[_\-./])pwd$|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|signing[_-]?key|account[_-]?key|credential|authori[sz]ation$|(^|[_\-])auth$"
    r"|routing[_-]?key|webhook[_-]?url"
    r"|(^|[_\-])(jwt|dsn|cookie)$|connection[_-]?string|(^|[_\-])sas$|bearer)",
    re.IGNORECASE,
)
# scheme://user:password@host: the password alone is the secret, the rest helps the reader.
_URL_PASSWORD = re.compile(r"(?P<head>[a-zA-Z][\w+.\-]*://[^\s/:@]*:)(?P<password>[^\s@/]+)(?=@)")
# ?token=…: in the parameters of a URL, names decide as they do elsewhere; a signature opens a door, too.
_URL_PARAMETER = re.compile(r"(?P<head>[?&;#](?P<key>[\w.\-%]+)=)(?P<value>[^&;#\s\"'<>]+)")
_SIGNATURE = re.compile(r"(^|[_\-])sig(nature)?$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def looks_secret(key: str) -> bool:
    """Whether a value under `key` is to be hidden, judged by the key's name alone."""
    return _SECRET_KEY.search(key) is not None


def redact_text(text: str) -> str:
    """`text` without the passwords of the URLs in it, and without what their parameters keep secret."""
    if "://" not in text:
        return text
    return _URL_PARAMETER.sub(_parameter, _URL_PASSWORD.sub(rf"\g<head>{REDACTED}", text))


def _parameter(match: re.Match[str]) -> str:
    secret = looks_secret(match["key"]) or _SIGNATURE.search(match["key"])
    return match["head"] + REDACTED if secret else match[0]


def redact_keys(value: Any) -> Any:
    """`value` with whatever stands under a secret-looking key, or in a URL's password, replaced."""
    if isinstance(value, Mapping):
        return {key: _under_key(key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_keys(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def _under_key(key: Any, value: Any) -> Any:
    if value is not None and looks_secret(str(key)):
        return REDACTED
    return redact_keys(value)


def _written_forms(secret: str) -> tuple[str, ...]:
    """As it is, and as it stands in JSON, where a quote or a line break in it has a backslash."""
    return secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


class Redactor:
    """Replaces known secret values in text.

    Args:
        secrets: the values to hide; those under `MIN_SECRET_LENGTH` characters are not hidden.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: a secret that contains another one must not leave its rest behind.
        long_enough = [secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH]
        forms = {form for secret in long_enough for form in _written_forms(secret)}
        known = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def __repr__(self) -> str:
        return f"Redactor({'with' if self else 'no'} secrets)"

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redactor) and self._pattern == other._pattern

    def __hash__(self) -> int:
        return hash(self._pattern)

    def text(self, text: str) -> str:
        """`text` without known secrets and without passwords in URLs."""
        return redact_text(self._pattern.sub(REDACTED, text) if self._pattern else text)

    def found_in(self, text: str) -> bool:
        """Whether a known secret stands in `text`."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def value(self, value: Any, words: Container[str] = ()) -> Any:
        """A JSON-like `value` with every string in it, keys too, passed through `text`, except `words`."""
        if isinstance(value, str):
            return value if value in words else self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key, words): self.value(item, words) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, words) for item in value]
        return value
