"""The search of every byte that was written, and what it proves."""

from collections.abc import Sequence

import msgspec

from infra.demo.folder import DemoFolder
from infra.demo.samples import Sample, canaries
from infra.demo.screen import Screen
from infra.sweep import SweepReport, render, self_check, sweep
from infra.sweep.encodings import ENCODINGS
from infra.sweep.search import Place

BROKER = "Kafka's disk, records unpacked"
TOPICS = "Kafka's topics, as a reader sees them"


class Verdict(msgspec.Struct, frozen=True):
    """What the search found, and that it could have."""

    report: SweepReport
    controls: int
    unfindable: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return self.report.clean and not self.unfindable


def search(folder: DemoFolder, samples: Sequence[Sample], records: Sequence[bytes] | None) -> Verdict:
    """Look for every planted value in everything that was written.

    Args:
        folder: Where everything is but what a given broker keeps.
        samples: The jobs with the values to look for.
        records: What was read from the topics of a broker whose disk cannot be read.

    Raises:
        SweepIsBlind: The positive control failed.
    """
    controls = self_check()
    sought = canaries(samples)
    raw = sweep(sought, {"raw jobs": [bytes(sample.job.request) for sample in samples]})
    unfindable = sorted(sought.keys() - {hit.canary for hit in raw.hits})
    broker: dict[str, Place] = {BROKER: folder.broker} if records is None else {TOPICS: records}
    places: dict[str, Place] = broker | {
        "all that OpenAI received": folder.openai,
        "the workers' logs": folder.logs,
        "the workers' /metrics": folder.metrics,
        "the workers' state folders": folder.state,
        "settings and keys": [folder.settings, folder.keys],
    }
    report = sweep(sought, places, expect_records=records is None, may_be_empty=["the workers' state folders"])
    if records is not None:
        report.places[TOPICS].records = len(records)
        report.places[TOPICS].files = 0
    return Verdict(report, controls, tuple(unfindable))


def show(screen: Screen, verdict: Verdict) -> None:
    """Places, counts and hits."""
    report = verdict.report
    screen.line(f"  {'searched':<38}{'files':>7}{'bytes':>13}{'records':>9}", style="dim")
    for name, count in report.places.items():
        records = f"{count.records:,}" if count.records else ""
        files = f"{count.files:,}" if count.files else ""
        screen.line(f"  {name:<38}{files:>7}{count.bytes:>13,}{records:>9}".rstrip())
    screen.line()
    found = f"{len(report.hits)} HITS" if report.hits else "no hit"
    screen.line(
        f"{report.canaries} planted values in {len(ENCODINGS)} encodings each, inside base64 and compressed data, too: "
        f"{found}.",
        style="bold red" if report.hits else "bold",
        indent=2,
    )
    screen.line(
        f"The search is not blind: it finds {report.canaries - len(verdict.unfindable)} of {report.canaries} values in "
        f"the raw jobs, and all {verdict.controls} controls that were hidden in every codec and encoding.",
        indent=2,
    )
    if not verdict.clean:
        for line in render(report).splitlines()[1:]:
            if line.lstrip().startswith(("FOUND", "problem", "and ")):
                screen.line(line.strip(), style="red", indent=4)
        for name in verdict.unfindable:
            screen.line(f"problem: {name} is not found even in its raw job", style="red", indent=4)
