"""Run every part, print the table, write bench.json."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.detection import build_detector
from tests import evasions as disguises
from tests.benchmark import detection_speed, evasions, pipeline_speed


def main() -> None:
    """Measure; nothing here passes or fails."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000, help="jobs a size of prompt (default: 3000)")
    options = parser.parse_args()
    console = Console()
    figures: list[dict[str, object]] = []
    table = Table("what", "measured", "against", "ratio", "wanted")

    def add(what: str, measured: str, against: str = "", ratio: str = "", wanted: str = "") -> None:
        table.add_row(what, measured, against, ratio, wanted)
        figures.append({"what": what, "measured": measured, "against": against, "ratio": ratio, "wanted": wanted})

    console.print("detection …")
    cold, warm = detection_speed.built_cold_and_warm()
    detector = build_detector()
    add("detector built from the cache", f"{warm:.2f} CPU-s", f"compiled {cold:.2f} CPU-s")
    for count in (1, 10):
        speed = detection_speed.megabytes_per_second(detector, [detection_speed.log_text(count)])
        add(f"log text, {count} finding(s) a kB", f"{speed:.1f} MB/s", wanted="10 MB/s" if count == 1 else "")
    speeds = detection_speed.by_size(detector)
    add(
        "log text by size",
        ", ".join(f"{size}: {speed:.1f}" for size, speed in speeds.items()) + " MB/s",
        ratio=f"{max(speeds.values()) / min(speeds.values()):.2f} ×",
    )
    add("log text, without Hyperscan", f"{detection_speed.without_hyperscan():.1f} MB/s")
    add("memory at most, log text of 50 MB", f"{detection_speed.peak_memory(50)} MiB", wanted="400 MiB")
    seconds, resident, plain, hits = detection_speed.long_list()
    add("a list of a million values: built, takes", f"{seconds:.1f} CPU-s, {resident:.0f} MB")
    add("  searched, without a hit / one a kB", f"{plain:.0f} / {hits:.0f} MB/s")
    texts = detection_speed.evaluation_texts()
    if texts:
        add("evaluation texts, rules", f"{detection_speed.megabytes_per_second(detector, texts):.1f} MB/s")
        refused, tried = detection_speed.false_refusals(texts)
        add("last check: false refusals", f"{refused} of {tried}", ratio=f"{refused / tried:.4%}", wanted="≤ 0.1 %")
    else:
        console.print(
            f"no evaluation texts beside the checkout ({detection_speed.DATA.name}/): those rows are left out"
        )
    console.print("disguises …")
    rules = disguises.rules_detector()
    recall = evasions.measure(rules)
    for part in evasions.tables(recall):
        console.print(part)
    for kind, wanted in (("single", "≥ .98"), ("nested", "≥ .95")):
        add(f"disguised values found, {kind}", recall.rate(kind), f"{recall.tried[kind]} values", wanted=wanted)
    console.print(evasions.hostile(rules))
    console.print("whole pipeline …")
    for row in pipeline_speed.measure(options.jobs, (500, 2000)):
        add(
            row.what,
            f"{row.ours:.0f} {row.unit}",
            f"bare loop {row.theirs:.0f}",
            f"{row.ratio:.2f} ×",
            f"≥ {row.target} ×" if row.target else "printed",
        )
    console.print(table)
    Path("bench.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
