"""Record batches that no producer library would make, sent to a broker as they are."""

import gzip
import struct
import time

import cramjam
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "xerial": 2, "lz4": 3, "zstd": 4}


def record(value: bytes, *, header: bytes | None = None) -> bytes:
    """One record of a batch (v2), without key; `header` is a header's name, which may be any bytes."""
    headers = b"\x00" if header is None else varint(1) + varint(len(header)) + header + varint(1) + b"x"
    body = b"\x00" + varint(0) + varint(0) + varint(-1) + varint(len(value)) + value + headers
    return varint(len(body)) + body


def batch(records: bytes, codec: str = "none") -> bytes:
    """A batch of one record (Kafka protocol, message format v2)."""
    match codec:
        case "gzip":
            records = gzip.compress(records)
        case "snappy":
            records = bytes(cramjam.snappy.compress_raw(records))
        case "xerial":
            half = len(records) // 2
            blocks = [bytes(cramjam.snappy.compress_raw(part)) for part in (records[:half], records[half:])]
            framed = b"".join(struct.pack(">i", len(block)) + block for block in blocks)
            records = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1) + framed
        case "lz4":
            records = bytes(cramjam.lz4.compress(records))
        case "zstd":
            records = bytes(cramjam.zstd.compress(records))
    now = int(time.time() * 1000)
    checked = struct.pack(">hiqqqhii", CODECS[codec], 0, now, now, -1, -1, -1, 1) + records
    crc = calc_crc32c(checked)
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc) + checked


def varint(number: int) -> bytes:
    """Zigzag, base 128."""
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)


async def send_batch(bootstrap_servers: str, topic: str, data: bytes) -> int:
    """To partition 0; gives the record's offset."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=60_000)
    await client.bootstrap()
    try:
        await client.force_metadata_update()
        client.add_topic(topic)
        await client.force_metadata_update()
        leader = client.cluster.leader_for_partition(TopicPartition(topic, 0))
        request = ProduceRequest(transactional_id=None, required_acks=-1, timeout=30_000, topics=[(topic, [(0, data)])])
        response = await client.send(leader, request)
        ((_, ((_, code, offset, *_),)),) = response.topics
        assert code == 0, f"the broker refuses the batch with {code}"
    finally:
        await client.close()
    return int(offset)
