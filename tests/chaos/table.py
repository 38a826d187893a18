"""The rounds as a table."""

from collections.abc import Sequence

from rich.table import Table

from tests.chaos.verdict import Row

_COLUMNS = {
    "jobs": "jobs",
    "results": "results",
    "dead_letters": "dead\nletters",
    "lost": "lost",
    "duplicates": "seen\ntwice",
    "calls": "calls",
    "repeated": "calls\nrepeated",
    "allowed": "allowed",
    "reconciled": "recon-\nciled",
    "canaries": "canaries\nfound",
    "lag": "lag",
    "seconds": "seconds",
}


def table(rows: Sequence[Row]) -> Table:
    """A row for each round; what is broken at its end."""
    shown = Table(title="Under faults")
    shown.add_column("fault", no_wrap=True)
    shown.add_column("round", justify="right")
    for heading in _COLUMNS.values():
        shown.add_column(heading, justify="right")
    shown.add_column("broken")
    for row in rows:
        figures = [str(getattr(row, name)) for name in _COLUMNS]
        shown.add_row(row.fault, str(row.number), *figures, "; ".join(row.broken) or "nothing")
    return shown
