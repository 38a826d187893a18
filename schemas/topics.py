"""The topics: names, what they carry, and how long the broker keeps them."""

from typing import Literal

import msgspec

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RECORD_MAX_BYTES = 32 * 1024 * 1024
"""Four times the largest job (8 MiB): base64, the sealed copies and the envelope need the room."""

PLAIN_SEGMENT_MS = 10_000
"""Age at which a segment of plain jobs may be closed; only a closed one leaves the disk."""
ROLL_HEADER = "veil-roll"
"""Header of an empty record on the plain topic that only makes the broker close the segment before it."""

TopicId = Literal["jobs", "plain", "redacted", "completions", "finished", "results", "dead_letters", "audit"]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. `holds`: what a reader of the broker's disk would find there.

    Partition n of a topic `partitioned_as` another has to do with partition n of the other.
    """

    id: TopicId
    suffix: str
    carries: tuple[str, ...]
    holds: Literal["sealed", "redacted", "counts", "raw"]
    retention_ms: int
    partitioned_as: TopicId | None = None
    config: dict[str, str] = {}

    def name(self, prefix: str) -> str:
        """The topic's full name under a deployment's prefix (default `llm.`)."""
        return f"{prefix}{self.suffix}"

    def configs(self) -> dict[str, str]:
        """Topic configuration as Kafka spells it."""
        base = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(RECORD_MAX_BYTES),
            # Retention goes by the broker's clock: by its producer's, a job of one whose clock is wrong is
            # deleted before anybody has read it, or keeps a segment of plain jobs from being closed.
            "message.timestamp.type": "LogAppendTime",
        }
        return base | self.config


TOPICS: dict[TopicId, Topic] = {
    topic.id: topic
    for topic in (
        Topic(id="jobs", suffix="jobs", carries=("Envelope",), holds="sealed", retention_ms=7 * DAY_MS),
        Topic(
            id="plain",
            suffix="jobs.plain",
            carries=("Job",),
            holds="raw",
            retention_ms=3 * DAY_MS,
            # Raw records go by DeleteRecords below the committed offset; only whole
            # segments leave the disk, so segments are small and deleted at once.
            config={
                "segment.bytes": str(RECORD_MAX_BYTES + 1024 * 1024),
                "segment.ms": str(PLAIN_SEGMENT_MS),
                "file.delete.delay.ms": "1000",
            },
        ),
        Topic(
            id="redacted",
            suffix="redacted",
            carries=("RedactedRequest",),
            holds="redacted",
            retention_ms=7 * DAY_MS,
        ),
        Topic(
            id="completions",
            suffix="completions",
            carries=("Completion",),
            holds="redacted",
            retention_ms=7 * DAY_MS,
        ),
        Topic(
            id="finished",
            suffix="finished",
            carries=("Finished",),
            holds="redacted",
            retention_ms=DAY_MS,
            partitioned_as="redacted",
            # One record a job, kept as long as `delivery.job_window` says (pipeline.adapters.kafka sets both times).
            config={"cleanup.policy": "compact,delete", "segment.ms": str(HOUR_MS)},
        ),
        Topic(id="results", suffix="results", carries=("Envelope",), holds="sealed", retention_ms=7 * DAY_MS),
        Topic(
            id="dead_letters",
            suffix="dead-letters",
            carries=("DeadLetter", "Replayed"),
            holds="redacted",
            retention_ms=30 * DAY_MS,
        ),
        Topic(
            id="audit",
            suffix="audit",
            carries=("AuditEvent", "AuditCheckpoint"),
            holds="counts",
            retention_ms=365 * DAY_MS,
        ),
    )
}
