"""Which faults of publishing trying again cannot mend: there the worker ends instead of turning in a circle.

A broker that is away mends itself. A topic that is gone, a right that was never given
and a record that its topic does not take need somebody to act.
"""

import asyncio
from collections.abc import Collection

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownTopicOrPartitionError,
)

from pipeline.adapters.kafka import client_options
from pipeline.settings import Settings

_REFUSED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
_MAYBE_GONE = (TimeoutError, UnknownTopicOrPartitionError)
"""What a producer shows of a topic that is gone: it waits for it, without an end where it is in a transaction."""

_TRIES = 3
_LOOKS, _BETWEEN_LOOKS = 5, 1.0
"""A broker that has just started does not know all of its topics for a moment."""


class Refusals:
    """Counts one ledger's refusals in a row."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._in_a_row = 0

    def forget(self) -> None:
        """Something was published."""
        self._in_a_row = 0

    async def note(self, fault: Exception, topics: Collection[str]) -> str | None:
        """What is to be mended before anything can be published; None while trying again may help.

        Args:
            fault: What publishing or opening ended with.
            topics: Where the unpublished records were to go.
        """
        if isinstance(fault, _REFUSED):
            self._in_a_row += 1
            if self._in_a_row >= _TRIES:
                return f"{type(fault).__name__}: one of {', '.join(sorted(topics))}"
        elif isinstance(fault, _MAYBE_GONE):
            missing = await self._missing(topics)
            if missing:
                return f"no such topic: {', '.join(sorted(missing))}"
        else:
            self._in_a_row = 0
        return None

    async def _missing(self, topics: Collection[str]) -> set[str]:
        """Topics that the broker, asked several times, says do not exist; none where it does not answer."""
        missing = set(topics)
        for look in range(_LOOKS):
            if not missing:
                break
            if look:
                await asyncio.sleep(_BETWEEN_LOOKS)
            admin = AIOKafkaAdminClient(**client_options(self._settings))
            try:
                await admin.start()
                missing -= set(await admin.list_topics())
            except (KafkaError, OSError):
                return set()
            finally:
                await admin.close()
        return missing
