"""The most telling faults, one round each with fewer jobs; `make chaos` plays all of them."""

import sys

import pytest
from rich.console import Console

from tests.chaos.fault import Fault
from tests.chaos.faults import FAULTS
from tests.chaos.rounds import play
from tests.chaos.table import table

JOBS = 600
SHORT = [fault for fault in FAULTS.values() if fault.short]


@pytest.mark.parametrize("fault", SHORT, ids=[fault.name for fault in SHORT])
def test_nothing_is_lost_seen_twice_or_leaked(fault: Fault) -> None:
    console = Console(width=170, file=sys.stdout)
    row = play(fault, 1, jobs=JOBS, brief=True, console=console)
    console.print(table([row]))
    assert row.broken == ()
