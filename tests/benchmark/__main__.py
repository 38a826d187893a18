"""Run the parts, print the tables, write bench.json."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from threadpoolctl import threadpool_limits

from pipeline.detection import build_detector, catalogue
from tests import evasions as disguises
from tests.benchmark import (
    convergence,
    detection_speed,
    evasions,
    in_flight,
    pipeline_speed,
    quality,
    recovery_speed,
    report,
)
from tests.benchmark.evaluation import DATA, SETS, present
from tests.benchmark.peers import comparison

BENCH = Path("bench.json")
_SPEEDS = ("what", "measured", "against", "ratio", "wanted")


class Run:
    """One run of the benchmark: what was measured, and where it is shown."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.console = Console(width=None if sys.stdout.isatty() else 160)
        self.tables: list[report.Table] = []
        self.figures: dict[str, object] = {}
        self._rows: list[tuple[str, ...]] = []

    def add(self, what: str, measured: str, against: str = "", ratio: str = "", wanted: str = "") -> None:
        """One row of the part's table of speeds."""
        self._rows.append((what, measured, against, ratio, wanted))

    def show(self, table: report.Table) -> None:
        """One table, printed and kept for the docs."""
        self.tables.append(table)
        self.console.print(table.rich())

    def close(self, part: str) -> None:
        """End a part: show its rows of speeds and keep them under its name."""
        if self._rows:
            self.show(report.Table(part, part, _SPEEDS, self._rows))
            self.figures[part] = [dict(zip(_SPEEDS, row, strict=True)) for row in self._rows]
        self._rows = []


def detection(run: Run) -> None:
    """Speed and memory of detection: the rules alone, and with the names model."""
    cold, warm = detection_speed.built_cold_and_warm()
    redacted = [name for name, one in catalogue().items() if one.on_by_default and one.default_action != "allow"]
    rules, whole = build_detector(redacted, names=False), build_detector()
    run.add("detector built from the cache", f"{warm:.2f} CPU-s", f"compiled {cold:.2f} CPU-s", wanted="< 2 s")
    for count in (1, 10):
        speed = detection_speed.megabytes_per_second(rules, [detection_speed.log_text(count)])
        run.add(
            f"log text, {count} finding(s) a kB, rules", f"{speed:.1f} MB/s", wanted="10 MB/s" if count == 1 else ""
        )
    dated = build_detector([*redacted, "DATE_TIME"], names=False)
    speed = detection_speed.megabytes_per_second(dated, [detection_speed.log_text(1)])
    run.add("  its ten time stamps a kB found, too", f"{speed:.1f} MB/s")
    speeds = detection_speed.by_size(rules)
    run.add(
        "log text by size, rules",
        ", ".join(f"{size}: {speed:.1f}" for size, speed in speeds.items()) + " MB/s",
        ratio=f"{max(speeds.values()) / min(speeds.values()):.2f} ×",
    )
    run.add("log text, rules, without Hyperscan", f"{detection_speed.without_hyperscan():.1f} MB/s")
    run.add("memory at most, log text of 50 MB", f"{detection_speed.peak_memory(50)} MiB", wanted="400 MiB")
    seconds, resident, plain, hits = detection_speed.long_list()
    run.add("a list of a million values: built, takes", f"{seconds:.1f} CPU-s, {resident:.0f} MB")
    run.add("  searched, without a hit / one a kB", f"{plain:.0f} / {hits:.0f} MB/s")
    texts = detection_speed.evaluation_texts()
    if texts:
        run.add("evaluation texts, rules", f"{detection_speed.megabytes_per_second(rules, texts):.1f} MB/s")
        speed = detection_speed.megabytes_per_second(whole, texts)
        run.add("evaluation texts, with names", f"{speed:.2f} MB/s", wanted="0.5 MB/s")
        refused, tried = detection_speed.false_refusals(texts)
        run.add("last check: false refusals", f"{refused} of {tried}", ratio=f"{refused / tried:.4%}", wanted="≤ 0.1 %")


def hidden(run: Run) -> None:
    """Recall of disguised values, and the time that hostile text takes."""
    rules = disguises.rules_detector()
    recall = evasions.measure(rules)
    for table in evasions.tables(recall):
        run.console.print(table)
    for kind, wanted in (("single", "≥ .98"), ("nested", "≥ .95")):
        run.add(f"disguised values found, {kind}", recall.rate(kind), f"{recall.tried[kind]} values", wanted=wanted)
    run.console.print(evasions.hostile(rules))


def our_quality(run: Run) -> None:
    """Ours on every set, against the targets."""
    results = quality.measure()
    run.show(report.against_targets(results))
    run.show(report.per_label(results))
    run.show(report.unmet(results))
    run.figures["quality"] = results


def peers(run: Run) -> None:
    """Ours and the peers on the same texts."""
    results = [*quality.measure(), *comparison.measure(run.console.print)]
    if len(results) > len(quality.measure()):
        for table in comparison.tables(results):
            run.show(table)
        run.figures["peers"] = results


def pipeline(run: Run) -> None:
    """The whole pipeline against the bare loop."""
    for row in pipeline_speed.measure(run.jobs):
        run.add(
            row.what,
            f"{row.ours:.0f} {row.unit}",
            f"bare loop {row.theirs:.0f}",
            f"{row.ratio:.2f} ×" if row.unit != "ms" else "",
            f"≥ {row.target} ×" if row.target else "printed",
        )


def recovery(run: Run) -> None:
    """A completer that has lost its memory of 100,000 finished jobs."""
    run.add("memory of one finished job", f"{recovery_speed.index_bytes():.0f} bytes")
    for row in recovery_speed.measure(100_000, (1, 4)):
        run.add(
            f"{row.entries} finished jobs known again, {row.partitions} partition(s)",
            f"{row.seconds:.1f} s, {row.entries / row.seconds:,.0f} a second",
            f"{row.cpu_seconds:.1f} CPU-s, {row.megabytes:.0f} MB resident",
            wanted="< 5 s",
        )
        run.add("  stored answers fetched, one by one", f"{row.fetches_per_second:.0f} a second")


def calls_in_flight(run: Run) -> None:
    """Memory of one completer with thousands of calls in flight."""
    for latency in (2.0, 10.0):
        peak = in_flight.measure(latency)
        run.add(
            f"calls in flight in one completer, {latency:g} s latency",
            f"{peak.calls}, {peak.resident} MiB",
            f"{peak.files} open files",
            wanted=f"{in_flight.CALLS}, under 600 MB",
        )


def converging(run: Run) -> None:
    """Three completers under one limit, one of them killed."""
    minutes = convergence.measure()
    columns = ("minute", "limit used", "429", "requests", "tokens", "calls a worker")
    rows = [
        (str(row.number), f"{row.used:.1%}", f"{row.share_refused:.2%}", str(row.admitted), str(row.tokens),
         " / ".join(map(str, row.calls)))
        for row in minutes
    ]  # fmt: skip
    title = f"{convergence.WORKERS} completers, {convergence.RPM} RPM, {convergence.TPM} TPM, one killed midway"
    run.show(report.Table("convergence", title, columns, rows))
    run.figures["convergence"] = minutes


PARTS: Mapping[str, Callable[[Run], None]] = {
    "detection": detection,
    "disguises": hidden,
    "quality": our_quality,
    "peers": peers,
    "pipeline": pipeline,
    "recovery": recovery,
    "in_flight": calls_in_flight,
    "convergence": converging,
}


def main() -> None:
    """Measure; nothing here passes or fails."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000, help="jobs a size of prompt (default: 3000)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/detection.md")
    options = parser.parse_args()
    # One core, as a worker uses: threads that wait for each other would count as time of ours.
    threadpool_limits(1, user_api="blas")
    run = Run(options.jobs)
    if not any(present(one.name) for one in SETS):
        run.console.print(f"no evaluation texts beside the checkout ({DATA}): their rows are left out")
    for name in options.part or PARTS:
        run.console.print(f"{name} …")
        PARTS[name](run)
        run.close(name)
    kept = json.loads(BENCH.read_bytes()) if BENCH.is_file() else {}
    figures = (kept if isinstance(kept, dict) else {}) | msgspec.to_builtins(run.figures)
    BENCH.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.write_docs:
        report.write_docs(run.tables)


if __name__ == "__main__":
    main()
