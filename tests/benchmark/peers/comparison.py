"""Run the peers in their own environment on the texts that ours is measured on."""

from collections.abc import Callable, Sequence

from tests.benchmark.quality import Result
from tests.benchmark.report import Table


def measure(say: Callable[[str], None]) -> list[Result]:
    say("no peers: run `make peers` first")
    return []


def tables(results: Sequence[Result]) -> list[Table]:
    return []
