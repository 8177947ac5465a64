"""What is read and written for a batch of events: all of it is kept in one transaction, or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from phlo_hooks.capabilities.alerting.facts import Facts, Recovery
from phlo_hooks.capabilities.alerting.incident import Incident, State, Waiting
from phlo_hooks.capabilities.alerting.index import Index
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.verdict import Verdict
from phlo_hooks.events import AlertEvent, HookCorrelation, HookEvent
from phlo_hooks.state import StateChange, StateEntry, StateStore

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "alerts.phlo-hooks")
# So long can be explained what became of an event, and what an incident was.
KEPT = timedelta(days=30)
# Nothing happened for so long: nobody will say that it is over.
FORGOTTEN = timedelta(days=7)
_FOR_EVER = timedelta(days=3650)
_FAR = timedelta(days=3650)
_MAX_ID = 64
# The hook that sees the events, which no channel can be called; and what it tells itself.
RULES, LOOK_AGAIN = "rules", "alert.look_again"
OPEN, CLOSED, DECISION, NOTICE, MUTE = "open/", "closed/", "decision/", "notice/", "mute/"
RUN, HELD, FLAPS, VALUE, ENDED = "run/", "held/", "flaps/", "value/", "ended/"


def alert_id(*parts: object) -> str:
    """An id that is the same whoever works it out, and never too long for a key."""
    return str(uuid.uuid5(_NAMESPACE, "|".join(map(str, parts))))


def slot_of(incident: Incident) -> str:
    """Where an incident is kept while it is open: one place for each rule and key."""
    return alert_id(incident.rule, incident.key)


class Mute(NamedTuple):
    """Until when nothing is sent, aware, and why."""

    until: datetime
    why: str

    def __str__(self) -> str:
        return f"muted until {self.until:%Y-%m-%d %H:%M} UTC: {self.why}"

    @classmethod
    def read(cls, entry: StateEntry) -> Mute:
        """What `phlo-hooks alerts mute` wrote: it ends when it expires."""
        until = entry.expires_at or datetime.max.replace(tzinfo=timezone.utc)
        return cls(until.astimezone(timezone.utc), entry.value.get("reason") or "no reason given")


class Ledger:
    """The open incidents, and what is to be kept of a batch.

    Args:
        state: where it is kept.
        now: the time, aware.
        owner: whose incidents they are: another's may have the same rule, and begin with the same event.
        trusting: take every event for one that was not taken before, and leave it to `commit` to find out:
            nearly all are, and to ask costs as much as all the rest.
    """

    def __init__(
        self, state: StateStore, now: datetime, *, owner: tuple[str, ...] = (), trusting: bool = False
    ) -> None:
        self.now = now
        self._owner = owner
        self._trusting = trusting
        self._read: dict[str, Any] = {}
        self.events: dict[str, AlertEvent] = {}
        self._state = state
        self._versions: dict[str, int] = {}
        self._changed: dict[str, StateChange] = {}
        self._dirty: dict[str, Incident] = {}
        self._decisions: dict[str, dict[str, Any]] = {}
        # What is open, by where it is kept: read when it is asked for, and None for what is not there.
        self._open: dict[str, Incident | None] = {}
        self._index: Index | None = None
        self._mutes = {entry.key.removeprefix(MUTE): Mute.read(entry) for entry in state.list(MUTE)}

    def incident(self, rule: str, key: str) -> Incident | None:
        """The open incident of a rule with this key."""
        return self._at(OPEN + alert_id(rule, key))

    def find(self, incident_id: str, slot: str) -> Incident | None:
        """An incident by its id, open or not.

        Args:
            incident_id: its id.
            slot: where it is kept while it is open, see `slot_of`.
        """
        found = self._at(OPEN + slot)
        if found is not None and found.id == incident_id:
            return found
        if incident_id in self._dirty:
            return self._dirty[incident_id]
        value = self.get(CLOSED + incident_id)
        return None if value is None else Incident.read(value)

    def mended_by(self, recovery: Recovery) -> list[Incident]:
        """The open incidents that a recovery may end."""
        return self._all_of(self._looked_up.mended_by(recovery))

    def called(self, key: str) -> list[Incident]:
        """The open incidents with this key, of any rule."""
        return [each for each in self._all_of(self._looked_up.called(key)) if each.key == key]

    def forgotten(self) -> list[Incident]:
        """The open incidents that nothing was heard of for a long time."""
        moment = self.now - FORGOTTEN
        return [each for each in self._all_of(self._looked_up.older_than(moment)) if each.last < moment]

    @property
    def _looked_up(self) -> Index:
        if self._index is None:
            self._index = Index()
            for entry in self._state.list(OPEN):
                if entry.key not in self._read:
                    self._read[entry.key], self._versions[entry.key] = entry.value, entry.version
                if self._read[entry.key] is not None:
                    self._index.add(entry.key, self._read[entry.key])
        return self._index

    def _at(self, home: str) -> Incident | None:
        if home not in self._open:
            value = self.get(home)
            self._open[home] = None if value is None else Incident.read(value)
        return self._open[home]

    def _all_of(self, homes: Iterable[str]) -> list[Incident]:
        """Those that are kept there, and those that this batch has made or changed."""
        mine = (home for home, each in self._open.items() if each is not None and each.id in self._dirty)
        found = (self._at(home) for home in sorted({*homes, *mine}))
        return [incident for incident in found if incident is not None]

    def begin(self, rule: str, key: str, facts: Facts, kind: str = "problem") -> Incident:
        """A new incident that begins with an event of these facts."""
        identity = alert_id("incident", *self._owner, rule, key, facts.event_id)
        incident = Incident(id=identity, rule=rule, key=key, kind=kind, first=facts.when, last=facts.when)
        self._open[OPEN + slot_of(incident)] = incident
        return self.touch(incident)

    def touch(self, incident: Incident) -> Incident:
        """It has changed: it is to be kept."""
        self._dirty[incident.id] = incident
        return incident

    def close(self, incident: Incident, state: State = State.RESOLVED) -> None:
        """It is over: it is kept for those who ask, and for the messages that are still to be sent."""
        incident.state, incident.resolved_at = state, self.now
        self._open[OPEN + slot_of(incident)] = None
        self.touch(incident)

    def muted(self, rule: Rule, facts: Facts) -> Mute | None:
        """Until when nothing is sent of these facts, by the rule itself or by an operator; None if it is."""
        names = map(alert_id, [f"rule:{rule.name}", "all", *(f"asset:{key}" for key in facts.asset_keys)])
        found = [self._mutes[name] for name in names if name in self._mutes]
        if rule.muted_until is not None:
            found.append(Mute(rule.muted_until, "as the rule says"))
        last = max((mute for mute in found if mute.until > self.now), default=None)
        # For ever: looked at again, well before the end of time, where no time zone has an hour more.
        return last and last._replace(until=min(last.until, self.now + _FOR_EVER))

    def get(self, key: str) -> Any:
        """A value, as this batch has it; None for nothing."""
        if key in self._changed:
            return self._changed[key].value
        if key not in self._read:
            # Read once: a version that is newer than what was decided by would let it pass.
            entry = self._state.get(key)
            self._versions[key] = entry.version if entry else 0
            self._read[key] = entry.value if entry else None
        return self._read[key]

    def expect(self, keys: Iterable[str]) -> None:
        """Read what will be asked for, all of it at once."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._read]
        found = self._state.get_many(wanted)
        for key in wanted:
            self._versions[key] = found[key].version if key in found else 0
            self._read[key] = found[key].value if key in found else None

    def put(self, key: str, value: Any, kept: timedelta = KEPT) -> None:
        """Keep a value."""
        if key not in self._versions and key not in self._changed:
            self.get(key)
        self._changed[key] = StateChange(key, value, self._versions.get(key, 0), self.now + kept)

    def list(self, prefix: str) -> Iterable[tuple[str, Any]]:
        """The keys under this prefix with their values, as this batch has them."""
        found: dict[str, Any] = {}
        for entry in self._state.list(prefix):
            self._versions.setdefault(entry.key, entry.version)
            found[entry.key] = entry.value
        found.update({key: each.value for key, each in self._changed.items() if key.startswith(prefix)})
        return [(key, value) for key, value in found.items() if value is not None]

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._changed[key] = StateChange(key, None, self._versions.get(key, 0), self.now)

    def decided(self, event: HookEvent) -> bool:
        """Whether the event was dealt with before; if so it counts no more."""
        if event.event_id in self._decisions:
            return True
        if self._trusting:
            self._read.setdefault(_decision(event.event_id), None)
            return False
        return self.get(_decision(event.event_id)) is not None

    def decide(self, event_id: str, verdict: Verdict) -> None:
        """Keep what became of an event under one rule; of two words that one which led to messages."""
        rules = self._decisions.setdefault(event_id, {})
        before, new = rules.get(verdict.rule), verdict.written()
        if before is not None:
            # An event may end one incident of a rule and begin another, or end its group.
            kept = before if before["notices"] and not new["notices"] else new
            new = {**kept, "notices": [*before["notices"], *new["notices"]]}
        rules[verdict.rule] = new

    def notice(
        self,
        incident: Incident,
        recipient: Recipient,
        kind: Kind,
        due: datetime | None = None,
        *,
        always: bool = False,
        muted: bool = False,
    ) -> str:
        """Have a message sent to a recipient, now or later; return its event id."""
        told = incident.teller(str(recipient))
        # Beyond that nobody knows; and a date after the year 9999 is none.
        due = min(due or self.now, self.now + _FAR)
        identity = alert_id("notice", incident.id, recipient, told.made)
        told.waiting[identity] = Waiting(kind=kind, due=due, always=always, muted=muted)
        self.events[identity] = self._alert(identity, self.touch(incident), recipient, kind, due)
        told.made += 1
        about = {"incident_id": incident.id, "slot": slot_of(incident), "recipient": str(recipient)}
        self.put(NOTICE + identity, {**about, "state": "waiting"})
        return identity

    def _alert(
        self, identity: str, incident: Incident, recipient: Recipient, kind: Kind, due: datetime
    ) -> AlertEvent:
        about = incident.latest
        return AlertEvent(
            event_id=identity,
            event_type=f"alert.{kind.value}",
            timestamp=self.now,
            incident_id=incident.id,
            rule=incident.rule,
            channel=recipient.channel,
            target=recipient.target,
            number=incident.teller(str(recipient)).made,
            due=due if due > self.now else None,
            title=about.title,
            severity=incident.severity,
            details={"slot": slot_of(incident)},
            correlation=HookCorrelation(
                run_id=about.run_id,
                job_name=about.job_name,
                asset_key=about.asset_key,
                partition_key=about.partition_key,
                causation_id=about.event_id,
            ),
        )

    def look_again(self, facts: Facts, due: datetime) -> None:
        """Have the rules look again at what they hold, should nothing else happen by then."""
        identity = alert_id("look again", *self._owner, facts.event_id)
        self.events[identity] = AlertEvent(
            event_id=identity,
            event_type=LOOK_AGAIN,
            timestamp=self.now,
            incident_id=facts.event_id,
            rule="",
            channel=RULES,
            due=due,
        )

    def commit(self) -> bool:
        """Keep everything; False when somebody was faster, and all of it is to be done again."""
        changes = [*self._incident_changes(), *self._changed.values(), *self._decision_changes()]
        return self._state.commit(changes, self.events.values()) if changes else True

    def _incident_changes(self) -> Iterable[StateChange]:
        for slot in {slot_of(each) for each in self._dirty.values()}:
            # By what it is about, not by its id: of two relays that begin one, the slower one starts over.
            home = OPEN + slot
            current, version = self._at(home), self._versions.get(home, 0)
            if current is not None:
                yield StateChange(home, current.written(), version)
            elif version:
                yield StateChange(home, None, version, self.now)
        for incident in self._dirty.values():
            if self._at(OPEN + slot_of(incident)) is not incident:
                home = CLOSED + incident.id
                yield StateChange(home, incident.written(), self._versions.get(home, 0), self.now + KEPT)

    def _decision_changes(self) -> Iterable[StateChange]:
        for event_id, rules in self._decisions.items():
            key = _decision(event_id)
            before: Mapping[str, Any] = self.get(key) or {}
            value = {"at": self.now.isoformat(), "rules": {**before.get("rules", {}), **rules}}
            yield StateChange(key, value, self._versions.get(key, 0), self.now + KEPT)


def _decision(event_id: str) -> str:
    # Other systems' ids may be longer than a key.
    return DECISION + (event_id if len(event_id) <= _MAX_ID else alert_id(event_id))
