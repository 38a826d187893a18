"""Kafka's log segments: record batches (v2), their codecs, their records."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import cramjam

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_XERIAL = b"\x82SNAPPY\x00"
_HEADER = 61
_SEGMENT = re.compile(r"\d{20}(-\d{10})?\.(log|checkpoint)(\.(deleted|cleaned|swap))?")
_PARTITION = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)(\.[0-9a-f]{32}-(delete|future|stray))?")


class Batch(NamedTuple):
    """Where a batch lies in its file; `records` is what its header says."""

    start: int
    end: int
    base_offset: int
    codec: str
    control: bool
    records: int

    @property
    def body(self) -> int:
        return self.start + _HEADER


class Record(NamedTuple):
    """Where a record lies among its batch's records, and where its parts do."""

    start: int
    end: int
    offset_delta: int
    parts: list[tuple[str, int, int]]


class UnreadableSegment(Exception):
    """Not record batches; `position` is the first byte that made no sense."""

    def __init__(self, position: int) -> None:
        super().__init__(f"no record batch at byte {position}")
        self.position = position


def is_segment(name: str) -> bool:
    return _SEGMENT.fullmatch(name) is not None


def partition_of(folder: str) -> tuple[str, int] | None:
    found = _PARTITION.fullmatch(folder)
    return (found["topic"], int(found["partition"])) if found else None


def batches(segment: bytes) -> Iterator[Batch]:
    """Walk the batches; end quietly at one that the file's end cuts off, as a crash leaves it."""
    at = 0
    while at + _HEADER <= len(segment):
        length = int.from_bytes(segment[at + 8 : at + 12], "big", signed=True)
        if length == 0 and not any(segment[at : at + _HEADER]):
            return  # preallocated and never written
        if length < _HEADER - 12 or segment[at + 16] != 2:
            raise UnreadableSegment(at)
        end = at + 12 + length
        if end > len(segment):
            return
        attributes = int.from_bytes(segment[at + 21 : at + 23], "big")
        if attributes & 7 >= len(CODECS):
            raise UnreadableSegment(at)
        yield Batch(
            start=at,
            end=end,
            base_offset=int.from_bytes(segment[at : at + 8], "big", signed=True),
            codec=CODECS[attributes & 7],
            control=bool(attributes & 0x20),
            records=int.from_bytes(segment[at + 57 : at + 61], "big"),
        )
        at = end


def decompress(codec: str, data: bytes) -> bytes:
    """Undo a batch's codec; raises cramjam.DecompressionError."""
    match codec:
        case "none":
            return data
        case "gzip":
            return bytes(cramjam.gzip.decompress(data))
        case "lz4":
            return bytes(cramjam.lz4.decompress(data))
        case "zstd":
            return bytes(cramjam.zstd.decompress(data))
        case "snappy" if data.startswith(_XERIAL):
            return b"".join(_xerial_blocks(data))
        case "snappy":
            return bytes(cramjam.snappy.decompress_raw(data))
    raise ValueError(codec)


def records(data: bytes) -> Iterator[Record]:
    """Walk the records of one batch's decompressed body."""
    at = 0
    while at < len(data):
        start = at
        length, at = _varint(data, at)
        end = at + length
        at += 1  # attributes
        _, at = _varint(data, at)  # timestamp
        offset_delta, at = _varint(data, at)
        parts = []
        for name in ("key", "value"):
            size, at = _varint(data, at)
            parts.append((name, at, at + max(size, 0)))
            at += max(size, 0)
        count, at = _varint(data, at)
        for _ in range(count):
            for name in ("header key", "header value"):
                size, at = _varint(data, at)
                parts.append((name, at, at + max(size, 0)))
                at += max(size, 0)
        if at != end:
            raise UnreadableSegment(start)
        yield Record(start, end, offset_delta, parts)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    at = 16
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + size]))
        at += 4 + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    shift = value = 0
    while True:
        if at >= len(data):
            raise UnreadableSegment(at)
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
