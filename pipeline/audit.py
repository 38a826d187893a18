"""The audit trail's chains: each event holds the hash of the one before it, and checkpoints sign how far they are.

A chain is one role's events about one input partition. Whoever publishes them
commits, in the same transaction, how far the chain has come; so it cannot fork,
and what is published again after a failed transaction is linked again.

A role without a private key signs nothing: the records it hands on name its
chain's head in a header, and the next role takes that into its own, signed chain.
"""

import hashlib
import re
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.errors import VeilError
from pipeline.keys import AUDIT_KEYS, KeyName, Keys, Role
from pipeline.ports import Headers, Outbound, TopicNames
from pipeline.sealing import length_prefixed
from pipeline.settings import AuditSettings
from schemas.audit import AuditCheckpoint, Head, Link

HEAD_HEADER = "veil-audit-head"
NO_EVENT = "0" * 64
"""What the first event of a chain names as the hash before it."""

_VERSION = b"veilstream/audit-checkpoint/1"
_COMMITTED = re.compile(r"([0-9]{1,16})\.([0-9]{1,18})\.([0-9]{1,18})\.([0-9a-f]{64})")


class UnreadableChain(VeilError):
    """What was committed of a chain is not ours; the chain cannot be gone on with."""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """How far one chain has come: its events so far, the last one's hash, how many of them are signed, and when.

    `name` is GROUP/TOPIC/PARTITION. `started`, in Unix milliseconds, tells a chain from an
    earlier one of the same name, whose end was lost with the group's committed offset.
    """

    name: str
    started: int
    events: int = 0
    sha256: str = NO_EVENT
    signed: int = 0
    signed_at: float

    @property
    def id(self) -> str:
        """What its events are marked with."""
        return f"{self.name}/{self.started}"

    @property
    def head(self) -> Head:
        """Its last event; there must be one."""
        return Head(chain=self.id, seq=self.events - 1, sha256=self.sha256)

    def committed(self) -> str:
        """What `AuditTrail.open` goes on from; empty before the first event."""
        return f"{self.started}.{self.events}.{self.signed}.{self.sha256}" if self.events else ""


class AuditTrail:
    """Links and signs the audit events of one role. It keeps nothing: a chain's state comes and goes."""

    def __init__(self, role: Role, *, keyring: Keys, topics: TopicNames, settings: AuditSettings) -> None:
        self._topic = topics["audit"]
        self._anchored = topics["completions"]
        self._keyring = keyring
        self._key_name = AUDIT_KEYS.get(role)
        self._settings = settings

    def open(self, name: str, committed: str, *, now: float) -> Chain:
        """The chain as it was committed, or a new one.

        Raises:
            UnreadableChain: `committed` is not what `Chain.committed` gives.
        """
        if not committed:
            return Chain(name=name, started=int(now * 1000), signed_at=now)
        found = _COMMITTED.fullmatch(committed)
        if found is None:
            raise UnreadableChain
        started, events, signed, sha256 = found.groups()
        return Chain(
            name=name, started=int(started), events=int(events), sha256=sha256, signed=int(signed), signed_at=now
        )

    def link(
        self, chain: Chain, records: Iterable[Outbound], *, now: float, sign: bool
    ) -> tuple[list[Outbound], Chain]:
        """The records as they are to be published, and the chain as it is once they are.

        Args:
            chain: As the last transaction left it.
            records: In the order in which they will be published.
            now: Unix time.
            sign: Sign what is unsigned, due or not.
        """
        linked = []
        for record in records:
            if record.topic == self._topic:
                event = _linked(record, chain)
                chain = msgspec.structs.replace(
                    chain, events=chain.events + 1, sha256=hashlib.sha256(event.value).hexdigest()
                )
                linked.append(event)
            else:
                linked.append(record)
        if self._key_name is None:
            return [self._anchor(record, chain) for record in linked], chain
        if self.is_unsigned(chain) and (sign or self._is_due(chain, now)):
            key_id, key = self._keyring.signing_key(self._key_name)
            checkpoint = sign_head(chain.head, key, key_id=key_id, at=now)
            linked.append(Outbound(topic=self._topic, key=chain.name.encode(), value=msgspec.json.encode(checkpoint)))
            chain = msgspec.structs.replace(chain, signed=chain.events, signed_at=now)
        return linked, chain

    def is_unsigned(self, chain: Chain) -> bool:
        """Whether this role signs, and the chain's last events are not signed."""
        return self._key_name is not None and chain.events > chain.signed

    @property
    def interval(self) -> float:
        """Seconds after which an unsigned event must be signed, even if no other follows."""
        return self._settings.checkpoint_interval

    def _is_due(self, chain: Chain, now: float) -> bool:
        # A chain's first transaction is signed at once: nobody without the key can make a start look like one.
        unsigned = chain.events - chain.signed
        return (
            chain.signed == 0 or unsigned >= self._settings.checkpoint_events or now - chain.signed_at >= self.interval
        )

    def _anchor(self, record: Outbound, chain: Chain) -> Outbound:
        if record.topic != self._anchored or not chain.events:
            return record
        header = (HEAD_HEADER, msgspec.json.encode(chain.head))
        return msgspec.structs.replace(record, headers=(*record.headers, header))


def _linked(record: Outbound, chain: Chain) -> Outbound:
    """An audit event with its place in the chain.

    The link is put behind the event's own fields without decoding them: an event that its own
    schema would refuse is for whoever verifies, and must not hold up what is published with it.
    """
    link = Link(chain=chain.id, seq=chain.events, previous=chain.sha256)
    value = record.value[:-1] + b',"link":' + msgspec.json.encode(link) + b"}"
    # All events of one name in one partition, or there would be no order to read them in.
    return msgspec.structs.replace(record, key=chain.name.encode(), value=value)


def read_head(headers: Headers, topics: TopicNames) -> Head | None:
    """The head of the completer's chain that a completion was published with; none if there is no sound one.

    Whoever may write completions may write this header: a head that is not of a
    completer's chain of this deployment is nobody's, so that no text of theirs gets on.
    """
    for name, value in headers:
        if name == HEAD_HEADER:
            try:
                head = msgspec.json.decode(value, type=Head)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
            known = f"{topics.prefix}{Role.COMPLETER}/{topics['redacted']}/"
            return head if head.chain.startswith(known) else None
    return None


def chain_name(group: str, topic: str, partition: int) -> str:
    """The chain of one group's work on one partition."""
    return f"{group}/{topic}/{partition}"


def signed_with(chain_id: str) -> KeyName | None:
    """The key that must have signed a chain; none for a chain that is vouched for by the next role's."""
    group = chain_id.partition("/")[0]
    return next((name for role, name in AUDIT_KEYS.items() if group.endswith(role)), None)


def sign_head(head: Head, key: Ed25519PrivateKey, *, key_id: str, at: float) -> AuditCheckpoint:
    """Vouch for a chain up to and with its head."""
    return AuditCheckpoint(head=head, at=at, key_id=key_id, signature=key.sign(_statement(head, key_id, at)))


def is_signed(checkpoint: AuditCheckpoint, key: Ed25519PublicKey) -> bool:
    """Whether the holder of `key` signed the checkpoint as it stands."""
    try:
        key.verify(checkpoint.signature, _statement(checkpoint.head, checkpoint.key_id, checkpoint.at))
    except InvalidSignature:
        return False
    return True


def _statement(head: Head, key_id: str, at: float) -> bytes:
    """The bytes under the signature: every field, length-prefixed."""
    fields = (head.chain, str(head.seq), head.sha256, key_id, repr(at))
    return length_prefixed(_VERSION, *(field.encode() for field in fields))
