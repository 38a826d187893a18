"""Audit trails to verify and to tamper with: records of the audit topic as ledgers would publish them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit import HEAD_HEADER, AuditTrail, Chain, chain_name
from pipeline.audit_check import TrailCheck
from pipeline.chain_check import FRESH, ChainReport
from pipeline.keys import AUDIT_KEYS, Keyring, PrivateEpoch, PublicEpoch, Role
from pipeline.ports import Outbound, TopicNames
from pipeline.settings import AuditSettings
from schemas.audit import AuditCheckpoint, AuditEvent, AuditRecord, Decision, Head, Origin

NOW = 1_790_000_000.0
LATER = NOW + FRESH + 1000
"""When everything unsigned is too old to be waited for."""
TOPICS = TopicNames("t.")
SOURCES = {Role.REDACTOR: "jobs", Role.COMPLETER: "redacted", Role.REHYDRATOR: "completions"}
KEYS = {role: Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number, role in enumerate(AUDIT_KEYS, 1)}
KEY_IDS = {role: f"{number:016x}" for number, role in enumerate(AUDIT_KEYS, 1)}
OPERATOR = Keyring(
    public={name: [PublicEpoch(KEY_IDS[role], KEYS[role].public_key(), made=NOW)] for role, name in AUDIT_KEYS.items()}
)


class Record(NamedTuple):
    """One record of the audit topic's one partition."""

    value: bytes
    timestamp: float = NOW


def trail(role: Role, *, every: int = 1000) -> AuditTrail:
    """A role's trail, with its own key."""
    private = {AUDIT_KEYS[role]: [PrivateEpoch(KEY_IDS[role], KEYS[role], made=NOW)]} if role in AUDIT_KEYS else {}
    settings = AuditSettings(checkpoint_events=every)
    return AuditTrail(role, keyring=Keyring(private=private), topics=TOPICS, settings=settings)


class Owner:
    """One ledger's part in it: a chain, and what was published of it."""

    def __init__(self, role: Role, *, every: int = 1000, partition: int = 0) -> None:
        self.role = role
        self.trail = trail(role, every=every)
        self.name = chain_name(f"{TOPICS.prefix}{role}", f"{TOPICS.prefix}{SOURCES[role]}", partition)
        self.chain: Chain = self.trail.open(self.name, "", now=NOW)
        self.handed_on: list[Outbound] = []

    def publish(
        self,
        events: int = 1,
        *,
        sign: bool = False,
        upstream: Head | None = None,
        tenant: str | None = None,
        refused: bool = False,
    ) -> list[Record]:
        """One transaction of so many decisions, each with a record for the next role unless that was `refused`."""
        out: list[Outbound] = []
        for number in range(events):
            event = AuditEvent(
                at=NOW,
                stage=self.role,
                decision=Decision.REFUSED if refused else Decision.COMPLETED,
                origin=Origin(topic=f"t.{SOURCES[self.role]}", partition=0, offset=self.chain.events + number),
                tenant=tenant,
                upstream=upstream,
            )
            if not refused:
                out.append(Outbound(topic=TOPICS["completions"], value=b"{}"))
            out.append(Outbound(topic=TOPICS["audit"], value=msgspec.json.encode(event)))
        linked, self.chain = self.trail.link(self.chain, out, now=NOW, sign=sign)
        self.handed_on += [record for record in linked if record.topic != TOPICS["audit"]]
        return [Record(record.value) for record in linked if record.topic == TOPICS["audit"]]

    def head_handed_on(self) -> bytes | None:
        """The head that the last record handed on names."""
        return dict(self.handed_on[-1].headers).get(HEAD_HEADER)


def verify(
    records: Iterable[Record], *, now: float = LATER, cut: bool = False, tenant: str | None = None
) -> list[ChainReport]:
    """What is found when the records are all that the topic's one partition holds."""
    check = TrailCheck(OPERATOR, cut=frozenset({0}) if cut else frozenset(), tenant=tenant)
    for offset, record in enumerate(records):
        check.add(record.value, Origin(topic="t.audit", partition=0, offset=offset), record.timestamp)
    return list(check.reports(now=now))


def events(records: Sequence[Record]) -> list[int]:
    """The positions of the events, without the checkpoints."""
    return [position for position, record in enumerate(records) if isinstance(decode(record), AuditEvent)]


def checkpoints(records: Sequence[Record]) -> list[int]:
    """The positions of the checkpoints."""
    return [position for position, record in enumerate(records) if isinstance(decode(record), AuditCheckpoint)]


def decode(record: Record) -> AuditRecord:
    """What is in a record."""
    found: AuditRecord = msgspec.json.decode(record.value, type=AuditRecord)
    return found
