"""Positive control: plant a value in every way it could leak, and see that the sweep finds each."""

import base64
import gzip
import secrets
import string
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cramjam
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from infra.sweep.encodings import ENCODINGS, encoded, literals
from infra.sweep.search import sweep
from infra.sweep.segments import CODECS

PARTS = ("key", "value", "header key", "header value")
_CONTROL_BIT = 0x20


class SweepIsBlind(Exception):
    """The sweep missed a planted value, so what it calls clean proves nothing."""


def self_check() -> int:
    """Give how many planted values were found, all of them; raises SweepIsBlind, naming what was missed."""
    with tempfile.TemporaryDirectory(prefix="veil-sweep-") as folder:
        return check_in(Path(folder))


def check_in(folder: Path) -> int:
    canary = control_value()
    expected = set()
    for codec in (*CODECS, "xerial"):
        segment, planted = control_segment(codec, canary)
        partition = folder / f"control-{codec}-0"
        partition.mkdir()
        (partition / f"{0:020}.log").write_bytes(segment)
        expected |= {(encoding, f"control-{codec}/0/{where}") for encoding, where in planted}
    report = sweep({"control": canary}, {"controls": folder}, expect_records=True)
    found = {(hit.encoding, hit.where) for hit in report.hits}
    missed = [f"{encoding} at {where}" for encoding, where in sorted(expected - found)]
    files = list(_planted_files(folder / "files", canary))
    missed += [name for name, file in files if not sweep({"control": canary}, {"file": file}).hits]
    other = sweep({"control": control_value()}, {"controls": folder}, expect_records=True)
    if missed or report.problems:
        raise SweepIsBlind("; ".join([f"missed {what}" for what in missed] + report.problems))
    if other.hits or other.problems:
        raise SweepIsBlind(f"found a value that was never planted, {len(other.hits)} times")
    return len(expected) + len(files)


def control_value() -> str:
    """A value that no two encodings write alike."""
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
    digits = "".join(secrets.choice(string.digits) for _ in range(16))
    groups = "-".join(digits[at : at + 4] for at in range(0, 16, 4))
    return f'Žofie <{letters}> O"Hara/{groups}'


def control_segment(codec: str, canary: str) -> tuple[bytes, set[tuple[str, str]]]:
    """Give a segment with every encoding in every part, and what should be found where.

    It holds plain, transactional and control batches, and ends in half a batch.
    """
    planted = set()
    segment = b""
    offset = 0
    for number, encoding in enumerate(ENCODINGS):
        records = []
        for part in PARTS:
            content = encoded(canary, encoding)
            if part == "header key" and encoding.startswith("utf-16"):
                continue  # a header's key is UTF-8
            records.append(_record(part, b"\x01" + content + b"\x02"))
            planted.add((encoding, f"{offset + len(records) - 1} {part}"))
        segment += record_batch(codec, offset, records, transactional=number % 2 == 1)
        offset += len(records)
        segment += control_batch(offset)
        offset += 1
    return segment + record_batch(codec, offset, [_record("value", b"cut off")])[:-5], planted


def record_batch(
    codec: str, base_offset: int, records: list[dict[str, object]], *, transactional: bool = False
) -> bytes:
    """Write a batch with the client's own builder; `xerial` is snappy as Kafka's Java client frames it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0 if codec == "xerial" else CODECS.index(codec),
        is_transactional=transactional,
        producer_id=1 if transactional else -1,
        producer_epoch=0 if transactional else -1,
        base_sequence=0 if transactional else -1,
        batch_size=1 << 20,
    )
    for number, record in enumerate(records):
        builder.append(number, timestamp=1_700_000_000_000, **record)
    batch = bytearray(builder.build())
    if codec == "xerial":
        packed = bytes(cramjam.snappy.compress_raw(bytes(batch[61:])))
        batch[61:] = b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1] * 2) + len(packed).to_bytes(4, "big") + packed
        batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
        batch[22] |= CODECS.index("snappy")
    batch[:8] = base_offset.to_bytes(8, "big")
    return bytes(batch)


def control_batch(base_offset: int) -> bytes:
    """A transaction's commit marker."""
    marker: dict[str, object] = {"key": b"\0\0\0\1", "value": b"\0\0\0\0\0\0", "headers": []}
    batch = bytearray(record_batch("none", base_offset, [marker], transactional=True))
    batch[22] |= _CONTROL_BIT
    return bytes(batch)


def _record(part: str, content: bytes) -> dict[str, object]:
    key = content if part == "key" else b"k"
    value = content if part == "value" else b"v" * 40
    headers = [
        (content.decode() if part == "header key" else "h", content if part == "header value" else b"x"),
        ("last", b"y"),
    ]
    return {"key": key, "value": value, "headers": headers}


def _planted_files(folder: Path, canary: str) -> Iterator[tuple[str, Path]]:
    """What a record does not show: other alignments, packing within packing, other letter case."""
    folder.mkdir()
    raw = canary.encode()
    contents = {f"base64 at alignment {n}": base64.b64encode(b"x" * n + raw + b"yz") for n in range(3)}
    contents |= {
        "base64, URL-safe": base64.urlsafe_b64encode(b"\xff\xfe" + raw),
        "base64 twice in JSON": b'{"body":"' + base64.b64encode(base64.b64encode(raw)) + b'"}',
        "gzip": gzip.compress(raw * 3),
        "gzip in base64": b'{"body":"' + base64.b64encode(gzip.compress(raw * 3)) + b'"}',
        "zstd": bytes(cramjam.zstd.compress(raw * 3)),
        "upper case": canary.upper().encode(),
        "upper-case hex": raw.hex().upper().encode(),
        "lower-case percent codes": encoded(canary, "url").lower(),
        "digits in other groups": b" ".join(encoded(canary, "digits")[i : i + 2] for i in range(0, 16, 2)),
    }
    for number, (encoding, literal) in enumerate(literals(canary)):
        contents[f"{encoding}, form {number}"] = b"=" + literal + b"="
    for name, content in contents.items():
        file = folder / name
        file.write_bytes(content)
        yield name, file
    file = folder / encoded(canary, "url").decode()
    file.write_bytes(b"its name holds it")
    yield "a file's name", file
