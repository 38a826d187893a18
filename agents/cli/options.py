"""What several commands share: settings, input lines, output."""

import contextlib
import difflib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.logs import configure
from pipeline.settings import Settings, load_settings
from schemas.codes import ErrorCode

# Its number, from 1, and its bytes.
Line: TypeAlias = tuple[int, bytes]
Row: TypeAlias = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (default: veil.toml in this folder, if there is one).",
)

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
"""A time or a day, which is UTC."""


class _Code(click.Choice[str]):
    """One of the error codes; of the many, a typing error is told the nearest."""

    def __init__(self) -> None:
        super().__init__([code.value for code in ErrorCode])

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        nearest = difflib.get_close_matches(str(value), self.choices)
        if not nearest:
            return super().get_invalid_choice_message(value, ctx)
        return f"{value!r} is no code; did you mean {', '.join(nearest)}?"


CODE = click.option("--code", type=_Code(), metavar="CODE", help="Only with this error code.")


def open_settings(config: Path | None) -> Settings:
    """Load the settings and set up logging by them."""
    settings = load_settings(config)
    configure(settings.log)
    return settings


def confirm(question: str) -> None:
    """Ask on stderr; whatever is not a yes ends the command. Click's own prompt writes a blank among the data."""
    click.echo(f"{question} [y/N] ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise click.Abort


def read_lines(source: str) -> Iterator[Line]:
    """Non-empty lines of a file or, for `-`, of stdin, with their numbers."""
    with contextlib.ExitStack() as stack:
        if source == "-":
            file: BinaryIO = sys.stdin.buffer
        else:
            try:
                file = stack.enter_context(Path(source).open("rb"))
            except OSError as exc:
                raise click.UsageError(f"cannot read {source} ({type(exc).__name__})") from None
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


@contextlib.contextmanager
def line_progress(source: str, *, shown: bool) -> Iterator[Callable[[Iterable[Line]], Iterator[Line]]]:
    """Show on stderr, if that is a terminal, how much of the input has been worked off."""
    total = Path(source).stat().st_size if source != "-" and Path(source).is_file() else None
    columns = (TextColumn("{task.fields[lines]} lines"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task("", total=total, lines=0)

        def worked_off(lines: Iterable[Line]) -> Iterator[Line]:
            for count, line in enumerate(lines):
                progress.update(task, lines=count)
                yield line
                progress.advance(task, len(line[1]))

        yield worked_off


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """A writer of one JSON value a line, to stdout or to a new file of mode 0600: results are raw."""
    if path is None:
        yield lambda value: _write_line(sys.stdout.buffer, value)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield lambda value: _write_line(file, value)


def plain_cell(row: Row, column: str) -> str:
    """A table's cell as it stands in the row."""
    return "" if row[column] is None else str(row[column])


def show_rows(
    rows: Iterable[Row],
    columns: Sequence[str],
    cell: Callable[[Row, str], str] = plain_cell,
    *,
    as_json: bool = False,
) -> None:
    """Rows on stdout: the named columns as a table on a terminal, else (or `as_json`) each whole as a line of JSON."""
    console = Console()
    if as_json or not console.is_terminal:
        with open_output(None) as write:
            for row in rows:
                write(row)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(cell(row, column) for column in columns))
    console.print(table)


def _write_line(file: BinaryIO, value: Any) -> None:
    file.write(msgspec.json.encode(value) + b"\n")
    file.flush()
