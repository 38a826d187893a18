"""Plain jobs leave the broker once they are processed: DeleteRecords below the committed offset.

Never by a retention time: that could overtake a redactor that lags.
"""

import asyncio

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from agents.ledgers import Ledgers
from pipeline.adapters.kafka import open_admin
from pipeline.errors import VeilError
from pipeline.settings import Settings

log = structlog.get_logger()

_PERIOD = 2.0
"""Seconds between two rounds."""


async def delete_processed(settings: Settings, topic: str, ledgers: Ledgers) -> None:
    """Delete what is committed on the plain topic's partitions held here, for as long as this runs."""
    deleted: dict[TopicPartition, int] = {}
    while True:
        await asyncio.sleep(_PERIOD)
        due = {
            ledger.tp: ledger.committed_offset
            for ledger in ledgers.open_ledgers()
            if ledger.tp.topic == topic and ledger.committed_offset > deleted.get(ledger.tp, 0)
        }
        if not due:
            continue
        try:
            admin = await open_admin(settings)
            try:
                await admin.delete_records({tp: RecordsToDelete(before_offset=offset) for tp, offset in due.items()})
            finally:
                await admin.close()
        except (KafkaError, VeilError, OSError) as exc:
            log.warning("plain_jobs.delete_failed", count=len(due), exc_info=exc)
            continue
        deleted |= due
        log.info("plain_jobs.deleted", count=len(due))
