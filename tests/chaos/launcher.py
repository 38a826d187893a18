"""`python -m tests.chaos.launcher`: `veil`, with a clock that a fault can set and a window it can make small.

A test's own, since no worker has a switch for either.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROGRAM = __name__
_CLOCK, _WINDOW = "CHAOS_CLOCK", "CHAOS_WINDOW"


class Clock:
    """The clock of every worker: how many seconds it is ahead, in a file that they look at each time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def environment(self) -> dict[str, str]:
        """What tells a worker of it."""
        return {_CLOCK: str(self._file)}

    def set(self, ahead: float) -> None:
        """Let the workers' clocks jump."""
        aside = self._file.with_suffix(".new")
        aside.write_text(str(ahead))
        aside.rename(self._file)


def window_environment(window: int | None) -> dict[str, str]:
    """What tells a worker how many offsets its ledgers may hold open."""
    return {_WINDOW: str(window)} if window is not None else {}


def _shifted(clock: Callable[[], float], file: Path) -> Callable[[], float]:
    def now() -> float:
        try:
            return clock() + float(file.read_text())
        except FileNotFoundError:
            return clock()

    return now


def main() -> None:
    time.time = _shifted(time.time, Path(os.environ[_CLOCK]))
    from agents import cli, progress

    if _WINDOW in os.environ:
        progress.WINDOW = int(os.environ[_WINDOW])
    sys.argv[0] = "veil"
    cli.main()


if __name__ == "__main__":
    main()
