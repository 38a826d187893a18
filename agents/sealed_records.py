"""Counting what on the topics is sealed to, or signed with, certain keys: before they are destroyed."""

from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec
from aiokafka import TopicPartition

from agents.progress import UnreadableProgress, decode
from pipeline.adapters.kafka import committed_offsets, open_admin
from pipeline.adapters.reader import TopicReader
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.topics import TopicId

_READ_BY: dict[TopicId, Role | None] = {
    "jobs": Role.REDACTOR,
    "redacted": Role.COMPLETER,
    "completions": Role.REHYDRATOR,
    "results": None,
    "dead_letters": None,
}
"""Which role works a topic off; nobody does the others: what lies there is only kept."""


class Sealed(msgspec.Struct):
    """Records of one topic under one key; `waiting` of them are not worked off yet."""

    stored: int = 0
    waiting: int = 0


class _KeyId(msgspec.Struct):
    key_id: str


class _Record(msgspec.Struct):
    """The fields of every message that name a key."""

    sealed: _KeyId | None = None
    vault: _KeyId | None = None
    replay: _KeyId | None = None
    original: _KeyId | None = None
    attestation: _KeyId | None = None

    def key_ids(self) -> set[str]:
        found = (self.sealed, self.vault, self.replay, self.original, self.attestation)
        return {key.key_id for key in found if key is not None}


async def count_sealed(settings: Settings, key_ids: Collection[str]) -> dict[str, dict[str, Sealed]]:
    """By key id and topic, the records on the broker that name the key.

    Raises:
        BrokerUnreachable: no broker answers.
        VeilError: a topic does not exist.
    """
    topics = TopicNames(settings.kafka.topic_prefix)
    counts: dict[str, dict[str, Sealed]] = defaultdict(lambda: defaultdict(Sealed))
    for topic_id, role in _READ_BY.items():
        topic = topics[topic_id]
        async with TopicReader(settings, [topic], start="beginning", whole=True) as reader:
            done = await _done(settings, f"{topics.prefix}{role}", reader.ends) if role is not None else {}
            async for record in reader.records():
                try:
                    named = msgspec.json.decode(record.value or b"", type=_Record).key_ids()
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
                base, above = done.get(TopicPartition(topic, record.partition), (0, set()))
                waiting = role is not None and record.offset >= base and record.offset not in above
                for key_id in named & set(key_ids):
                    counts[key_id][topic].stored += 1
                    counts[key_id][topic].waiting += waiting
    return counts


async def _done(
    settings: Settings, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, tuple[int, set[int]]]:
    """Each partition's lowest unfinished offset, and the finished ones above it."""
    admin = await open_admin(settings)
    try:
        found = await committed_offsets(admin, group, list(partitions))
    finally:
        await admin.close()
    done = {}
    for tp, committed in found.items():
        if committed is None:
            continue
        try:
            above = decode(committed.offset, committed.metadata)
        except UnreadableProgress:
            above = set()
        done[tp] = (committed.offset, above)
    return done
