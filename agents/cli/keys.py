"""`veil keys`: make, list and rotate the keyring."""

import sys
import time
from pathlib import Path

import click

from agents.cli.options import CONFIG, open_settings
from pipeline.adapters.keyring import epochs, init_keys
from pipeline.errors import VeilError
from pipeline.keys import KeyName


@click.group()
def keys() -> None:
    """The keyring: a folder a role, private keys 0600, the completer without any."""


def _dir(directory: Path | None, config: Path | None) -> Path:
    return directory or open_settings(config).keys.dir


_DIR = click.option("--dir", "directory", type=click.Path(path_type=Path), help="The keyring (default: keys.dir).")


@keys.command("init")
@_DIR
@CONFIG
def init(directory: Path | None, config: Path | None) -> int:
    """Make the first key of every purpose and hand its halves to the roles' folders.

    Give each role its own folder and nothing else: client to producers, redactor, completer and
    rehydrator to their processes, operator to whoever may replay dead letters.
    """
    target = _dir(directory, config)
    if any(target.glob("*/*.key")):
        raise VeilError(f"{target} holds keys already; `veil keys rotate` makes newer ones")
    for path in init_keys(target, now=time.time()):
        click.echo(path.relative_to(target))
    click.echo(f"keys made in {target}; back them up: without the private keys nothing sealed can be read", err=True)
    return 0


@keys.command("rotate")
@click.argument("names", nargs=-1, type=click.Choice([name.value for name in KeyName]), required=True)
@_DIR
@CONFIG
def rotate(names: tuple[str, ...], directory: Path | None, config: Path | None) -> int:
    """Make a newer key of the named purposes; older ones stay and still open what they sealed.

    Workers take new keys up when they start: restart the openers first, then the sealers.
    """
    target = _dir(directory, config)
    for path in init_keys(target, now=time.time(), rotate=frozenset(KeyName(name) for name in names)):
        click.echo(path.relative_to(target))
    return 0


@keys.command("list")
@_DIR
@CONFIG
def list_keys(directory: Path | None, config: Path | None) -> int:
    """Which key files each role's folder holds."""
    target = _dir(directory, config)
    held = epochs(target)
    if not held:
        click.echo(f"no keys in {target}: make them with `veil keys init`", err=True)
        sys.exit(1)
    for role, names in held.items():
        for name in names:
            click.echo(f"{role}/{name}")
    return 0
