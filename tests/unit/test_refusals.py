"""Which faults of publishing end a worker, and which are waited out."""

import msgspec
import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from agents.refusals import Refusals
from pipeline.settings import KafkaSettings, Settings

TOPICS = {"llm.dead-letters", "llm.audit"}


@pytest.fixture
def refusals() -> Refusals:
    """Of a ledger whose broker does not answer."""
    return Refusals(msgspec.structs.replace(Settings(), kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1")))


@pytest.mark.parametrize(
    "fault", [TopicAuthorizationFailedError("canary"), MessageSizeTooLargeError("canary")], ids=type
)
async def test_the_third_refusal_in_a_row_names_error_and_topics_and_no_text_of_the_error(
    refusals: Refusals, fault: Exception
) -> None:
    assert [await refusals.note(fault, TOPICS) for _ in range(2)] == [None, None]
    said = await refusals.note(fault, TOPICS)
    assert said == f"{type(fault).__name__}: one of llm.audit, llm.dead-letters"


async def test_what_is_published_between_refusals_starts_the_count_anew(refusals: Refusals) -> None:
    for _ in range(5):
        assert await refusals.note(MessageSizeTooLargeError(), TOPICS) is None
        refusals.forget()


@pytest.mark.parametrize(
    "fault",
    [KafkaConnectionError(), NotEnoughReplicasError(), TimeoutError(), UnknownTopicOrPartitionError(), OSError()],
    ids=type,
)
async def test_a_broker_that_is_away_or_busy_never_ends_a_worker(refusals: Refusals, fault: Exception) -> None:
    assert [await refusals.note(fault, TOPICS) for _ in range(6)] == [None] * 6
