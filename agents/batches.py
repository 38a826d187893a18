"""What aiokafka is given to parse: record batches of which none can end the worker.

A broker takes any batch whose framing is right. aiokafka raises on a header whose
name is not UTF-8, and decompresses whatever comes out; either would end the
process, and every one that takes over the partition.
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import cramjam
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c, decode_varint, encode_varint

from pipeline.ports import OVERSIZED_HEADER
from schemas.topics import RECORD_MAX_BYTES

BATCH_MAX_BYTES = 2 * RECORD_MAX_BYTES
"""A batch's records once decompressed. Producers bound a batch, or a single record, before they compress it."""

_MAGIC, _CRC, _ATTRIBUTES, _LAST_DELTA, _COUNT, _RECORDS = 16, 17, 21, 23, 57, 61
"""Where the parts of a batch begin (Kafka protocol, message format v2)."""
_CODEC_BITS = 0x07
_FIRST_GUESS = 16


class TooManyBytes(Exception):
    """The records of a batch are over the limit."""


class BoundedRecords:
    """In aiokafka's `MemoryRecords`' place: the batches of one fetch, each fit to be parsed."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        start, self._at = self._at, self._at + 12 + int.from_bytes(self._data[self._at + 8 : self._at + 12], "big")
        if batch is None or self._data[start + _MAGIC] < 2:
            return batch
        data = bytes(self._data[start : self._at])
        if not batch.validate_crc():
            return batch  # aiokafka says so, and fetches it again
        try:
            return _Batch(uncompressed(data, BATCH_MAX_BYTES))
        except (TooManyBytes, cramjam.DecompressionError, zlib.error, OSError, EOFError):
            return DefaultRecordBatch(_without_records(data))


class _Batch:
    """A batch whose records can all be read, header names that are no text included."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._batch = DefaultRecordBatch(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                given += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(DefaultRecordBatch(_with_readable_names(self._data)), given, None)


def uncompressed(data: bytes, limit: int) -> bytes:
    """The batch with its records as they were before they were compressed.

    Raises:
        TooManyBytes: they have more than `limit` bytes.
    """
    codec = data[_ATTRIBUTES + 1] & _CODEC_BITS
    if not codec:
        return data
    return _framed(data, _DECODERS[codec](data[_RECORDS:], limit))


def _framed(data: bytes, records: bytes, count: int | None = None) -> bytes:
    """A batch's header, changed as little as need be, before other, uncompressed records."""
    header = bytearray(data[:_RECORDS])
    header[_ATTRIBUTES + 1] &= ~_CODEC_BITS & 0xFF
    if count is not None:
        struct.pack_into(">i", header, _COUNT, count)
    struct.pack_into(">i", header, 8, _RECORDS - 12 + len(records))
    struct.pack_into(">I", header, _CRC, calc_crc32c(bytes(header[_ATTRIBUTES:]) + records))
    return bytes(header) + records


def _without_records(data: bytes) -> bytes:
    """One empty record at the batch's last offset, with a header that says why."""
    name = OVERSIZED_HEADER.encode()
    body = b"\0" + _varint(0) + _varint(int.from_bytes(data[_LAST_DELTA : _LAST_DELTA + 4], "big"))
    body += _varint(-1) + _varint(-1) + _varint(1) + _varint(len(name)) + name + _varint(0)
    return _framed(data, _varint(len(body)) + body, count=1)


def _with_readable_names(data: bytes) -> bytes:
    """The batch with every byte over 127 in the headers' names as a question mark: a name is none of ours then."""
    records = bytearray(data[_RECORDS:])
    at = 0
    for _ in range(int.from_bytes(data[_COUNT : _COUNT + 4], "big")):
        _, at = decode_varint(records, at)  # length
        at += 1  # attributes
        for _ in range(2):  # timestamp and offset
            _, at = decode_varint(records, at)
        for _ in range(2):  # key and value
            size, at = decode_varint(records, at)
            at += max(size, 0)
        headers, at = decode_varint(records, at)
        for _ in range(headers):
            size, at = decode_varint(records, at)
            records[at : at + size] = records[at : at + size].translate(_READABLE)
            size, at = decode_varint(records, at + size)
            at += max(size, 0)
    return _framed(data, bytes(records))


_READABLE = bytes(byte if byte < 128 else ord("?") for byte in range(256))


def _varint(number: int) -> bytes:
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)


def _gunzip(data: bytes, limit: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        records = file.read(limit + 1)
    if len(records) > limit:
        raise TooManyBytes
    return records


def _grown(decompress_into: Callable[[bytes, bytearray], int]) -> Callable[[bytes, int], bytes]:
    """Decompress into a buffer that doubles until it holds everything; these codecs don't say beforehand how much."""

    def decompress(data: bytes, limit: int) -> bytes:
        size = min(max(len(data) * _FIRST_GUESS, 65_536), limit)
        while True:
            buffer = bytearray(size)
            try:
                return bytes(memoryview(buffer)[: decompress_into(data, buffer)])
            except cramjam.DecompressionError:
                if size == limit:
                    raise TooManyBytes from None
                size = min(size * 2, limit)

    return decompress


def _unsnap(data: bytes, limit: int) -> bytes:
    """Raw, or in the blocks of snappy-java."""
    blocks = [data]
    if data.startswith(b"\x82SNAPPY\0"):
        blocks, at = [], 16
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            blocks.append(data[at + 4 : at + 4 + size])
            at += 4 + size
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > limit:
        raise TooManyBytes
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


_DECODERS: dict[int, Callable[[bytes, int], bytes]] = {
    1: _gunzip,
    2: _unsnap,
    3: _grown(cramjam.lz4.decompress_into),
    4: _grown(cramjam.zstd.decompress_into),
}


def guard_consumers() -> None:
    """Have every consumer of this process read through `BoundedRecords`; aiokafka has no setting for it."""
    fetcher.MemoryRecords = BoundedRecords
