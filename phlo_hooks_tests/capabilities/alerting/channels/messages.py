"""Messages to send: two samples, terrible ones, and random ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from hypothesis import strategies as st

from phlo_hooks.capabilities.alerting.message import Fact, Kind, Link, Message, Part

AT = datetime(2026, 3, 14, 2, 31, 5, tzinfo=timezone.utc)
RUN = Link("Open the run", "https://dagster.example.com/runs/8f2c?a=1&b=2")
ASSET = Link("Open the asset", "https://dagster.example.com/assets/marts/orders")

FIRING = Message(
    message_id="0192f4a0-7e00-7000-8000-000000000001",
    kind=Kind.FIRING,
    severity="ERROR",
    title="Asset marts/orders failed",
    text="It failed in run 8f2c of the job nightly, at the third attempt.",
    rule="failures",
    incident_id="failures:marts/orders:2026-03-14T02:31:05",
    timestamp=AT,
    facts=(
        Fact("Asset", "marts/orders"),
        Fact("Job", "nightly"),
        Fact("Owner", "team:data <data@example.com>"),
    ),
    error='duckdb.BinderException: Referenced column "amount" not found in FROM clause!\nCandidate: "amount_eur"',
    stack='Traceback (most recent call last):\n  File "orders.py", line 12, in orders\n    return load(a < b & c)\n',
    parts=(
        Part("Asset marts/orders failed", 3, 'column "amount" not found'),
        Part("Check unique_id", resolved=True),
    ),
    more_parts=2,
    suppressed=14,
    advice="Look at what changed upstream: raw/orders got a new schema today.",
    links=(RUN, ASSET),
)
RESOLVED = replace(
    FIRING,
    message_id="0192f4a0-7e00-7000-8000-000000000002",
    kind=Kind.RESOLVED,
    severity="INFO",
    title="Asset marts/orders is right again",
    text="After 42 minutes.",
    error="",
    stack="",
    parts=(),
    more_parts=0,
    suppressed=0,
    advice="",
    links=(RUN,),
)

HOSTILE = (
    "<!channel> <!here> <@U012AB3CD> @everyone </pre></body><script>alert(1)</script> ```` `x` *b* _i_ ~s~ "
    "[click](https://evil.example.com) &amp; &lt; \u202eright to left \u05e9\u05dc\u05d5\u05dd \x00\x1b[31m\x07 \ud800\udfff\udc00 "
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \r\nBcc: victim@example.com\r\n.\r\n \u2028 \ufffe"
)


def everywhere(text: str, count: int = 30) -> Message:
    """A message that has `text` wherever there is room for one."""
    return replace(
        FIRING,
        message_id=text[:200],
        incident_id=text[:1000],
        title=text,
        text=text,
        rule=text,
        facts=tuple(Fact(text, text) for _ in range(count)),
        error=text,
        stack=text,
        parts=tuple(Part(text, 2, text) for _ in range(count)),
        advice=text,
        links=(RUN, ASSET, Link(text, "https://dagster.example.com/x"), Link("Bad", "javascript:alert(1)")),
    )


TERRIBLE = {
    "hostile": everywhere(HOSTILE),
    "long": everywhere("0123456789 " * 5000),
    "lines": everywhere("x\n" * 5000),
    "ampersands": everywhere("&<>" * 3000),
    "emoji": everywhere("\U0001f525" * 5000),
    "surrogates": everywhere("\ud800" * 500),
    "backticks": everywhere("`" * 5000),
    "controls": everywhere("\x00\x01\x02" * 500),
    "empty": everywhere(""),
    "spaces": everywhere(" \n\t "),
    "large stack": replace(FIRING, stack="  File x, line 1\n" * 620_000),
    "many links": replace(
        FIRING, links=tuple(Link(f"Link {n}", f"https://example.com/{n}/" + "p" * 1500) for n in range(60))
    ),
}

# Any character that Python has, lone surrogates too, and more often those that mean something to somebody.
_CHARACTERS = st.one_of(
    st.characters(codec=None),
    st.characters(),
    st.sampled_from("<>&|`*_[]()\\\"'@#\n\r\t\x00\x1b\ud83d\u202e\u2028\U0001f525"),
)


def texts(longest: int) -> st.SearchStrategy[str]:
    """Short ones of anything, and long ones of a few things repeated."""
    short = st.text(_CHARACTERS, max_size=60)
    long = st.builds(
        lambda piece, times: piece * times,
        st.text(_CHARACTERS, min_size=1, max_size=20),
        st.integers(1, longest // 20),
    )
    return st.one_of(short, long)


# A title and a first line that can be recognised after whatever happens to them.
_PLAIN = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=30).map(lambda text: f"T{text.strip()}")

messages = st.builds(
    Message,
    message_id=st.text(_CHARACTERS, min_size=1, max_size=100),
    kind=st.sampled_from(Kind),
    severity=st.sampled_from(["INFO", "WARN", "ERROR", "CRITICAL"]),
    title=_PLAIN.map(lambda text: " ".join(text.split())),
    text=texts(20_000),
    rule=texts(500),
    incident_id=st.text(_CHARACTERS, min_size=1, max_size=400),
    timestamp=st.just(AT),
    facts=st.lists(st.builds(Fact, texts(300), texts(5000)), max_size=25).map(tuple),
    error=st.builds(
        lambda first, rest: f"{first}\n{rest}",
        _PLAIN.map(lambda text: " ".join(f"Error{text}".split())),
        texts(100_000),
    ),
    stack=texts(200_000),
    parts=st.lists(
        st.builds(Part, texts(500), st.integers(1, 10**6), texts(500), st.booleans()), max_size=40
    ).map(tuple),
    more_parts=st.integers(0, 10_000),
    suppressed=st.integers(0, 10_000),
    advice=texts(3000),
    links=st.lists(st.sampled_from([RUN, ASSET, Link("Docs", "https://example.com/d")]), max_size=3).map(
        tuple
    ),
)
