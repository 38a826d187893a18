"""Play faults, print the table, write the figures; exit code 1 if a promise was broken."""

import argparse
import logging
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from tests.chaos.faults import FAULTS
from tests.chaos.rounds import play
from tests.chaos.table import table
from tests.chaos.verdict import Row

FIGURES = Path(".var/chaos.json")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults:\n" + "\n".join(f"  {fault.name:20} {fault.text}" for fault in FAULTS.values()),
    )
    parser.add_argument("--faults", default="all", help="names, separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each fault (default: 3)")
    parser.add_argument("--jobs", type=int, default=3000, help="jobs a round (default: 3000)")
    parser.add_argument("--brief", action="store_true", help="shorter outages")
    options = parser.parse_args()
    names = list(FAULTS) if options.faults == "all" else options.faults.split(",")
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}")
    # A client without a broker and a model that cuts its answers say so many times a second.
    for name in ("aiokafka", "aiohttp.server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    console = Console(width=None if sys.stdout.isatty() else 170)
    FIGURES.parent.mkdir(exist_ok=True)
    rows: list[Row] = []
    for name in names:
        for number in range(1, options.rounds + 1):
            rows.append(play(FAULTS[name], number, jobs=options.jobs, brief=options.brief, console=console))
            # After each round, so that a run that is cut off leaves what it measured.
            FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
    console.print(table(rows))
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
