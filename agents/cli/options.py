"""What several commands share: settings, input lines, output."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import msgspec

from pipeline.logs import configure
from pipeline.settings import Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (default: veil.toml in this folder, if there is one).",
)


def open_settings(config: Path | None) -> Settings:
    """Load the settings and set up logging by them."""
    settings = load_settings(config)
    configure(settings.log)
    return settings


def read_lines(source: str) -> Iterator[tuple[int, bytes]]:
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
def open_output(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """A writer of one JSON value a line, to stdout or to a new file of mode 0600: results are raw."""
    if path is None:
        yield lambda value: _write_line(sys.stdout.buffer, value)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield lambda value: _write_line(file, value)


def _write_line(file: BinaryIO, value: Any) -> None:
    file.write(msgspec.json.encode(value) + b"\n")
    file.flush()
