"""Run the parts, print the tables, write bench.json."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from tests.benchmark import detection_speed, pipeline_speed, quality, report
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
    """Speed of detection, and the last check's false refusals."""
    detector, seconds = detection_speed.build()
    run.add("detector built", f"{seconds:.2f} CPU-s")
    for count in (1, 10):
        speed = detection_speed.megabytes_per_second(detector, [detection_speed.log_text(count)])
        run.add(f"log text, {count} finding(s) a kB", f"{speed:.1f} MB/s", wanted="10 MB/s" if count == 1 else "")
    texts = detection_speed.evaluation_texts()
    if texts:
        run.add("evaluation texts, rules", f"{detection_speed.megabytes_per_second(detector, texts):.1f} MB/s")
        refused, tried = detection_speed.false_refusals(texts)
        run.add("last check: false refusals", f"{refused} of {tried}", ratio=f"{refused / tried:.4%}", wanted="≤ 0.1 %")


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
    for row in pipeline_speed.measure(run.jobs, (500, 2000)):
        run.add(
            row.what,
            f"{row.ours:.0f} {row.unit}",
            f"bare loop {row.theirs:.0f}",
            f"{row.ratio:.2f} ×",
            f"≥ {row.target} ×" if row.target else "printed",
        )


PARTS: Mapping[str, Callable[[Run], None]] = {
    "detection": detection,
    "quality": our_quality,
    "peers": peers,
    "pipeline": pipeline,
}


def main() -> None:
    """Measure; nothing here passes or fails."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000, help="jobs a size of prompt (default: 3000)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/detection.md")
    options = parser.parse_args()
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
