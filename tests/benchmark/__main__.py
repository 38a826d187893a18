"""Run every part, print the table, write bench.json."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmark import detection_speed, pipeline_speed


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
    detector, seconds = detection_speed.build()
    add("detector built", f"{seconds:.2f} CPU-s")
    for count in (1, 10):
        speed = detection_speed.megabytes_per_second(detector, [detection_speed.log_text(count)])
        add(f"log text, {count} finding(s) a kB", f"{speed:.1f} MB/s", wanted="10 MB/s" if count == 1 else "")
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
