"""Walk places, open what is packed, and search it."""

import binascii
import hashlib
import io
import string
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import cramjam

from infra.sweep import segments
from infra.sweep.report import Hit, PlaceCount, SweepReport
from infra.sweep.scanner import Scanner
from infra.sweep.segments import Batch, UnreadableSegment

Place = Path | bytes | Iterable[Path | bytes]
Locate = Callable[[int], str]

MAX_DEPTH = 2
MAX_HITS = 10_000
_JOIN_BYTES = 8 * 1024 * 1024
_GAP = b"\0" * 4  # between joined pieces, so that nothing matches across them
_BASE64_RUN = b"x" * 16
_BASE64_ALPHABET = (string.ascii_letters + string.digits + "+/-_").encode()
_BASE64_MARKS = bytes(ord("x" if byte in _BASE64_ALPHABET else " ") for byte in range(256))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_MAX_UNPACKED = 256 * 1024 * 1024


def sweep(
    canaries: Mapping[str, str],
    places: Mapping[str, Place],
    *,
    expect_records: bool = False,
    may_be_empty: Collection[str] = (),
) -> SweepReport:
    """Search every byte of `places` for every canary.

    Args:
        canaries: Report name to raw value; the name may be printed, so it must not be the value.
        places: Report name to a file, a folder, bytes, or several of these. Kafka's
            segments are recognised by name and their batches decompressed.
        expect_records: It is a problem if no record of a job was read.
        may_be_empty: Places where finding nothing to read is all right.

    """
    if not canaries:
        raise ValueError("no canary to look for")
    search = _Search(Scanner(canaries), SweepReport(canaries=len(canaries)))
    for name, place in places.items():
        count = search.report.places[name] = PlaceCount()
        search.place(name, count, [place] if isinstance(place, Path | bytes) else place)
        if not count.bytes and name not in may_be_empty:
            search.report.problems.append(f"nothing was read in {name}")
    if expect_records and not search.report.records:
        search.report.problems.append("no record was read, and some were expected")
    search.report.hits = sorted(search.hits)
    return search.report


class _Search:
    def __init__(self, scanner: Scanner, report: SweepReport) -> None:
        self.scanner = scanner
        self.report = report
        self.hits: set[Hit] = set()

    def place(self, name: str, count: PlaceCount, contents: Iterable[Path | bytes]) -> None:
        for number, content in enumerate(contents):
            if isinstance(content, bytes):
                count.files += 1
                count.bytes += len(content)
                self._file_content(name, content, f"item {number}")
                continue
            if not content.exists():
                self.report.problems.append(f"{name} does not exist")
            for file in _files(content):
                self._file(name, count, file, content)

    def _file(self, place: str, count: PlaceCount, file: Path, top: Path) -> None:
        label = str(file.relative_to(top.parent))
        in_name = self.scanner.scan(label.encode(errors="surrogateescape"))
        if in_name:  # a path that holds a canary must not be shown
            label = f"file {hashlib.sha256(label.encode(errors='surrogateescape')).hexdigest()[:8]}"
            for match in in_name:
                self._hit(match.canary, match.encoding, place, f"the name of {label}", "")
        try:
            data = file.read_bytes()
        except OSError as exc:
            self.report.problems.append(f"{label} in {place} could not be read ({type(exc).__name__})")
            return
        count.files += 1
        count.bytes += len(data)
        if segments.is_segment(file.name):
            hidden = bool(in_name)
            self._segment(place, count, data, label, None if hidden else segments.partition_of(file.parent.name))
        else:
            self._file_content(place, data, label)

    def _file_content(self, place: str, data: bytes, label: str) -> None:
        self._buffer(place, data, lambda at: f"{label}:{at}")

    def _segment(
        self, place: str, count: PlaceCount, data: bytes, label: str, partition: tuple[str, int] | None
    ) -> None:
        topic = f"{partition[0]}/{partition[1]}" if partition else label
        internal = partition is None or partition[0].startswith("__")
        found: list[Batch] = []
        packed = _Joined()
        end = 0  # of what was understood
        try:
            for batch in segments.batches(data):
                found.append(batch)
                end = batch.end
                if not internal and not batch.control:
                    count.records += batch.records
                    self.report.records_by_codec[batch.codec] += batch.records
                self._unpack(place, data, batch, topic, packed)
        except UnreadableSegment as exc:
            self.report.problems.append(f"{label} in {place} has no record batch at byte {exc.position}")
        if any(data[end:]):
            self.report.cut_batches += 1
            packed.add(data[end:], lambda at: f"{label}:{end + at}")
        self._flush(place, packed)
        starts = [batch.start for batch in found]

        def locate(at: int) -> str:
            batch = found[index] if (index := bisect_right(starts, at) - 1) >= 0 else None
            if batch is None or at >= batch.end:
                return f"{label}:{at}"
            if batch.codec != "none" or at < batch.body:
                return f"{topic}/{batch.base_offset} batch"
            return _record_at(data[batch.body : batch.end], at - batch.body, topic, batch)

        # Batches were looked into above; this is for what their headers and the gaps may hold.
        self._buffer(place, data, locate, depth=MAX_DEPTH)

    def _unpack(self, place: str, data: bytes, batch: Batch, topic: str, packed: "_Joined") -> None:
        try:
            body = segments.decompress(batch.codec, data[batch.body : batch.end])
        except cramjam.DecompressionError:
            self.report.problems.append(f"{topic}/{batch.base_offset} in {place} could not be decompressed")
            return
        packed.add(body, lambda at: _record_at(body, at, topic, batch))
        if packed.size > _JOIN_BYTES:
            self._flush(place, packed)

    def _flush(self, place: str, packed: "_Joined", depth: int = 0, via: str = "") -> None:
        if packed.size:
            buffer, locate = packed.take()
            self.report.decoded_bytes += len(buffer)
            self._buffer(place, buffer, locate, depth, via)

    def _buffer(self, place: str, buffer: bytes, locate: Locate, depth: int = 0, via: str = "") -> None:
        for match in self.scanner.scan(buffer):
            if len(self.hits) >= MAX_HITS:
                break  # finding out where each lies takes its time
            self._hit(match.canary, match.encoding, place, locate(match.position), via)
        if depth >= MAX_DEPTH:
            return
        for kind, inner in (("base64", _decoded_runs(buffer)), ("an archive", _unpacked(buffer))):
            opened = f"{kind} inside {via}" if via else kind
            joined = _Joined()
            for at, piece in inner:
                joined.add(piece, _fixed(locate, at))
                if joined.size > _JOIN_BYTES:
                    self._flush(place, joined, depth + 1, opened)
            self._flush(place, joined, depth + 1, opened)

    def _hit(self, canary: str, encoding: str, place: str, where: str, via: str) -> None:
        self.hits.add(Hit(canary, encoding, place, where, via))


class _Joined:
    """Small pieces searched as one buffer; each knows where it came from."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes] = []
        self._starts: list[int] = []
        self._locates: list[Locate] = []

    def add(self, piece: bytes, locate: Locate) -> None:
        self._starts.append(self.size)
        self._locates.append(locate)
        self._pieces += (piece, _GAP)
        self.size += len(piece) + len(_GAP)

    def take(self) -> tuple[bytes, Locate]:
        """Give what was joined so far, and begin again."""
        starts, locates, buffer = self._starts, self._locates, b"".join(self._pieces)
        self.size, self._pieces, self._starts, self._locates = 0, [], [], []

        def locate(at: int) -> str:
            index = bisect_right(starts, at) - 1
            return locates[index](at - starts[index])

        return buffer, locate


def _fixed(locate: Locate, at: int) -> Locate:
    return lambda _: locate(at)


def _record_at(body: bytes, at: int, topic: str, batch: Batch) -> str:
    with suppress(UnreadableSegment):
        for record in segments.records(body):
            if at < record.end:
                part = next((name for name, start, end in record.parts if start <= at < end), "record")
                return f"{topic}/{batch.base_offset + record.offset_delta} {part}"
    return f"{topic}/{batch.base_offset} batch"


def _decoded_runs(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    """Decode whatever looks like base64, 16 characters or more."""
    # Much quicker than a regular expression, most of all in ciphertext.
    marked = buffer.translate(_BASE64_MARKS)
    start = marked.find(_BASE64_RUN)
    while start >= 0:
        end = marked.find(b" ", start)
        end = len(buffer) if end < 0 else end
        size = end - start - ((end - start) % 4 == 1)
        text = buffer[start : start + size].translate(_URL_SAFE)
        yield start, binascii.a2b_base64(text + b"=" * (-size % 4))
        start = marked.find(_BASE64_RUN, end)


def _unpacked(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    at = buffer.find(_GZIP)
    while at >= 0:
        with suppress(zlib.error):
            yield at, _gunzip(buffer, at)
        at = buffer.find(_GZIP, at + 1)
    if buffer.startswith(_ZSTD):
        with suppress(cramjam.DecompressionError):
            yield 0, bytes(cramjam.zstd.decompress(buffer))
    if buffer.startswith(_ZIP):
        yield from _zip_members(buffer)


def _gunzip(buffer: bytes, at: int) -> bytes:
    stream = zlib.decompressobj(31)
    out = b""
    # In slices, as zlib copies whatever it was given beyond the archive's end.
    while at < len(buffer) and not stream.eof and len(out) < _MAX_UNPACKED:
        out += stream.decompress(buffer[at : at + 65536], _MAX_UNPACKED)
        at += 65536
    return out


def _zip_members(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    with (
        suppress(zipfile.BadZipFile, RuntimeError, zlib.error),
        zipfile.ZipFile(io.BytesIO(buffer)) as archive,
    ):
        for member in archive.infolist():
            yield member.header_offset, archive.read(member)


def _files(place: Path) -> Iterator[Path]:
    candidates = sorted(place.rglob("*")) if place.is_dir() else [place]
    yield from (path for path in candidates if path.is_file() and not path.is_symlink())
