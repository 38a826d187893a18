"""Plain jobs leave the broker once they are processed: DeleteRecords below the committed offset.

Never by a retention time: that could overtake a redactor that lags.

What DeleteRecords passes is gone for readers at once, but its bytes stay in the
partition's active segment, which the broker closes only when a further record is
appended. Where none comes, an empty record is sent to close it (`ROLL_HEADER`).
"""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from agents.ledgers import Ledgers
from pipeline.adapters.kafka import open_admin, producer_options
from pipeline.errors import VeilError
from pipeline.settings import Settings
from schemas.topics import PLAIN_SEGMENT_MS, ROLL_HEADER

log = structlog.get_logger()

PERIOD = 2.0
"""Seconds between two rounds."""


def raw_bytes_gone_after(check_interval_ms: int, file_delete_delay_ms: int) -> float:
    """Seconds at most from a plain job's commit until none of its bytes is in a file of the broker.

    Deleted within one round; the segment may be closed once it is `PLAIN_SEGMENT_MS` old, within two more
    (the record that closes it is sent by a round); then the broker's retention check must come by, and the
    files it has renamed are removed after their delay.
    """
    return 3 * PERIOD + (PLAIN_SEGMENT_MS + check_interval_ms + file_delete_delay_ms) / 1000


async def delete_processed(settings: Settings, topic: str, ledgers: Ledgers) -> None:
    """Delete what is committed on the plain topic's partitions held here, for as long as this runs."""
    deleted: dict[TopicPartition, int] = {}
    may_roll_at: dict[TopicPartition, float] = {}
    rolled: dict[TopicPartition, int] = {}
    while True:
        await asyncio.sleep(PERIOD)
        now = asyncio.get_running_loop().time()
        committed = {
            ledger.tp: ledger.committed_offset for ledger in ledgers.open_ledgers() if ledger.tp.topic == topic
        }
        due = {tp: offset for tp, offset in committed.items() if offset > deleted.get(tp, 0)}
        if due and await _delete(settings, due):
            deleted |= due
            # Later than the youngest of them was appended, so the segment is old enough then.
            may_roll_at |= dict.fromkeys(due, now + PLAIN_SEGMENT_MS / 1000)
        # A partition whose last record is ours to close a segment holds nothing raw: it is not rolled again.
        quiet = [
            tp
            for tp in committed.keys() & deleted.keys()
            if deleted[tp] > rolled.get(tp, -1) + 1 and now > may_roll_at[tp]
        ]
        if quiet:
            rolled |= await _roll(settings, quiet)


async def _delete(settings: Settings, due: Mapping[TopicPartition, int]) -> bool:
    try:
        admin = await open_admin(settings)
        try:
            await admin.delete_records({tp: RecordsToDelete(before_offset=offset) for tp, offset in due.items()})
        finally:
            await admin.close()
    except (KafkaError, VeilError, OSError) as exc:
        log.warning("plain_jobs.delete_failed", count=len(due), exc_info=exc)
        return False
    log.info("plain_jobs.deleted", count=len(due))
    return True


async def _roll(settings: Settings, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Have the broker close each partition's segment; gives the offset of the record that did it."""
    rolled: dict[TopicPartition, int] = {}
    producer = AIOKafkaProducer(**producer_options(settings))
    try:
        await producer.start()
        for tp in partitions:
            sent = await producer.send_and_wait(tp.topic, b"", partition=tp.partition, headers=[(ROLL_HEADER, b"")])
            rolled[tp] = sent.offset
    except (KafkaError, OSError) as exc:
        log.warning("plain_jobs.roll_failed", exc_info=exc)
    finally:
        await producer.stop()
    return rolled
