"""What a sweep saw and found; names and places only, never a value."""

from collections import Counter

import msgspec

from infra.sweep.encodings import ENCODINGS


class Hit(msgspec.Struct, frozen=True, order=True):
    """A canary that lies where it should not.

    `via` says what had to be undone to see it (base64, gzip); `where` is
    topic/partition/offset and part of a record, or file:byte.
    """

    canary: str
    encoding: str
    place: str
    where: str
    via: str = ""


class PlaceCount(msgspec.Struct):
    """How much of one place was searched; `records` are those of jobs, not Kafka's own."""

    files: int = 0
    bytes: int = 0
    records: int = 0


class SweepReport(msgspec.Struct):
    """A verdict and what it rests on.

    `problems` are reasons not to trust it: nothing read where something was
    expected, or something that could not be read.
    """

    canaries: int
    places: dict[str, PlaceCount] = msgspec.field(default_factory=dict)
    records_by_codec: Counter[str] = msgspec.field(default_factory=Counter)
    decoded_bytes: int = 0
    cut_batches: int = 0
    hits: list[Hit] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.hits and not self.problems

    @property
    def records(self) -> int:
        return sum(count.records for count in self.places.values())


def render(report: SweepReport, *, most: int = 20) -> str:
    """Write the verdict in a few lines; at most so many hits are listed."""
    verdict = "CLEAN" if report.clean else "LEAKED" if report.hits else "NOT PROVED"
    lines = [f"Canary sweep: {verdict}. {report.canaries} canaries in {len(ENCODINGS)} encodings."]
    for name, count in report.places.items():
        records = f", {count.records:,} records" if count.records else ""
        lines.append(f"  searched {name}: {count.files:,} files, {count.bytes:,} bytes{records}")
    if report.records_by_codec:
        codecs = ", ".join(f"{codec} {count:,}" for codec, count in sorted(report.records_by_codec.items()))
        lines.append(f"  records by codec: {codecs}; {report.decoded_bytes:,} bytes decoded and searched again")
    if report.cut_batches:
        lines.append(f"  batches cut off by the end of their file, searched as they are: {report.cut_batches}")
    lines += [f"  problem: {problem}" for problem in report.problems]
    for hit in report.hits[:most]:
        via = f" inside {hit.via}" if hit.via else ""
        lines.append(f"  FOUND {hit.canary} as {hit.encoding}{via} in {hit.place}: {hit.where}")
    if len(report.hits) > most:
        lines.append(f"  and {len(report.hits) - most:,} more")
    return "\n".join(lines)
