"""Record batches as a broker may hand them over: read as they are, or stood for by one empty record."""

from typing import Any

import pytest
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from agents.batches import BATCH_MAX_BYTES, BoundedRecords
from pipeline.ports import OVERSIZED_HEADER
from tests.integration.raw_batches import CODECS, batch, record


def read(data: bytes) -> list[Any]:
    batches = BoundedRecords(data)
    records = []
    while batches.has_next():
        records += list(batches.next_batch())
    return records


@pytest.mark.parametrize("codec", CODECS)
def test_records_are_read_whatever_the_codec(codec: str) -> None:
    value = b"a value, a value, " * 10_000
    assert [(found.value, found.headers) for found in read(batch(record(value, header=b"h"), codec) * 3)] == [
        (value, [("h", b"x")])
    ] * 3


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_name_that_is_no_text_is_read_all_the_same(codec: str) -> None:
    (found,) = read(batch(record(b"value", header=b"a\xff\xfeb"), codec))
    assert (found.offset, found.value, found.headers) == (0, b"value", [("a??b", b"x")])


@pytest.mark.parametrize("codec", ["gzip", "snappy", "xerial", "lz4", "zstd"])
def test_a_batch_that_grows_too_large_is_one_empty_record(codec: str) -> None:
    (found,) = read(batch(record(bytes(BATCH_MAX_BYTES)), codec))
    assert (found.offset, found.value, found.headers) == (0, None, [(OVERSIZED_HEADER, b"")])


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_that_cannot_be_decompressed_is_one_empty_record(codec: str) -> None:
    plain = bytearray(batch(record(b"value")))
    broken = batch(bytes(plain[61:]), "none")
    data = bytearray(broken)
    data[22] = CODECS[codec]
    (found,) = read(with_crc(data))
    assert (found.value, found.headers) == (None, [(OVERSIZED_HEADER, b"")])


def with_crc(data: bytearray) -> bytes:
    data[17:21] = calc_crc32c(bytes(data[21:])).to_bytes(4, "big")
    return bytes(data)


@given(st.binary(max_size=200), st.binary(max_size=20), st.sampled_from(sorted(CODECS)))
def test_any_value_and_any_header_name_are_read(value: bytes, header: bytes, codec: str) -> None:
    (found,) = read(batch(record(value, header=header), codec))
    assert found.value == value
