"""The canary sweep over everything that a round wrote: broker, workers' folders, the model's recording."""

from collections.abc import Mapping
from pathlib import Path

from infra.sweep import SweepReport, sweep

BROKER, WORKERS, MODEL = "broker", "workers", "model"
"""Where each of them writes, in the round's folder."""


def search(folder: Path, canaries: Mapping[str, str]) -> SweepReport:
    """Search every byte; the broker must have ended.

    A worker's folder holds its logs and tracebacks, its state, home, temporary files, and the working
    folder where a core dump would lie.
    """
    return sweep(canaries, {name: folder / name for name in (BROKER, WORKERS, MODEL)}, expect_records=True)
