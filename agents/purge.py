"""`veil dlq purge`: removes dead letters from the broker, as far as Kafka can.

Kafka deletes a partition's records from its beginning up to an offset, never one out of
the middle (DeleteRecords). So per partition the letters that are meant go up to the first
one that is not; those behind it stay and are counted.
"""

from collections.abc import Mapping

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from agents.dead_letters import Wanted, open_letters, read_letters
from pipeline.adapters.kafka import open_admin
from pipeline.settings import Settings
from schemas.deadletter import Replayed


class Cut(msgspec.Struct, kw_only=True):
    """One partition: everything below `offset` may go, `gone` letters of those that are meant; `held` stay.

    `blocked_by`: the first letter that is not meant. The offset is its place, or the end as
    it was read: whatever else lies below is no letter (notes of replays, ends of transactions)
    and would keep the broker from dropping the file.
    """

    offset: int
    gone: int = 0
    held: int = 0
    blocked_by: int | None = None


async def plan_purge(settings: Settings, wanted: Wanted) -> dict[TopicPartition, Cut]:
    """What a purge would remove, by partition."""
    async with open_letters(settings) as reader:
        cuts = {tp: Cut(offset=end) for tp, end in reader.ends.items()}
        async for found in read_letters(reader):
            if isinstance(found, Replayed):
                continue
            cut = cuts[TopicPartition(found.at.topic, found.at.partition)]
            if not wanted.matches(found.letter):
                if cut.blocked_by is None:
                    cut.offset = cut.blocked_by = found.at.offset
            elif cut.blocked_by is None:
                cut.gone += 1
            else:
                cut.held += 1
    return cuts


async def purge(settings: Settings, cuts: Mapping[TopicPartition, Cut]) -> None:
    """Delete what `plan_purge` found; letters that came since are above every cut."""
    due = {tp: RecordsToDelete(before_offset=cut.offset) for tp, cut in cuts.items() if cut.gone}
    if not due:
        return
    admin = await open_admin(settings)
    try:
        await admin.delete_records(due)
    finally:
        await admin.close()
