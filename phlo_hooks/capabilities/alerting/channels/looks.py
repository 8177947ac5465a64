"""What a message looks like at a glance, the same in every channel."""

from __future__ import annotations

from phlo_hooks.capabilities.alerting.message import Kind, Message, Part

_ICONS = {"CRITICAL": "🚨", "ERROR": "🔴", "WARN": "🟠", "INFO": "🔵"}
_KINDS = {Kind.RESOLVED: "✅", Kind.DIGEST: "📋", Kind.FLAPPING: "🔁", Kind.TEST: "🧪"}
# How a title begins that says by itself why it is sent.
_SAID = {Kind.RESOLVED: "Resolved: ", Kind.ESCALATION: "Escalated: ", Kind.DIGEST: "Digest "}
# A colour says the same as the icon, and more than it to nobody.
_COLOURS = {"CRITICAL": "#a1121f", "ERROR": "#d13438", "WARN": "#c9660a", "INFO": "#2b6cb0"}
_GOOD = "#2e7d32"


def icon(message: Message) -> str:
    """One character: how bad it is, or that it is over."""
    return _KINDS.get(message.kind) or _ICONS.get(message.severity, "🔵")


def colour(message: Message) -> str:
    """As `#rrggbb`."""
    return _GOOD if message.kind is Kind.RESOLVED else _COLOURS.get(message.severity, _COLOURS["INFO"])


def label(message: Message) -> str:
    """Why it is sent, in a word or two: ERROR, or RESOLVED, or REMINDER, ERROR."""
    if message.kind is Kind.FIRING:
        return message.severity
    if message.kind in (Kind.REMINDER, Kind.ESCALATION, Kind.FLAPPING):
        return f"{message.kind.name}, {message.severity}"
    return message.kind.name


def headline(message: Message) -> str:
    """Icon, label and title; the label only once."""
    said = message.title.startswith(_SAID.get(message.kind, "\n"))
    return (
        f"{icon(message)} {message.title}" if said else f"{icon(message)} {label(message)}: {message.title}"
    )


def gist(message: Message) -> str:
    """The first line of its error, or else its text: what a telephone shows besides the title."""
    return message.error.strip().partition("\n")[0] or message.text


def part_line(part: Part) -> str:
    """One thing among several, on one line."""
    count = f" ({part.count:,} times)" if part.count > 1 else ""
    detail = f": {part.detail}" if part.detail else ""
    return f"{'✅ ' if part.resolved else ''}{part.what}{count}{detail}"


def part_lines(message: Message) -> list[str]:
    """All that are listed, and how many are not."""
    more = [f"… and {message.more_parts:,} more"] if message.more_parts else []
    return [*map(part_line, message.parts), *more]


def footer(message: Message) -> str:
    """When, by which rule, and how many like it were held back."""
    held = f" · {message.suppressed:,} like it held back" if message.suppressed else ""
    rule = f" · rule {message.rule}" if message.rule else ""
    return f"{message.timestamp:%Y-%m-%d %H:%M:%S %Z}{rule}{held}"
