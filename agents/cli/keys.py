"""`veil keys`: make, list, rotate and destroy keys."""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from agents.cli.options import CONFIG, TIME, Row, confirm, open_settings, plain_cell, show_rows
from pipeline.adapters.keyring import epochs, init_keys
from pipeline.adapters.shredding import RetiredEpoch, retired_epochs, shred
from pipeline.errors import VeilError
from pipeline.keys import KILLS, KeyName
from pipeline.settings import Settings


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

    Nothing is restarted: running workers and clients look at their folder every second. The new key
    seals and signs only `keys.activation_delay` (60 s) after it was made; until then every process
    has to have got it. Where folders are copied to other hosts or mounted from secrets, copy them
    within that time, private halves first, or set a longer delay everywhere before you rotate.
    """
    settings = open_settings(config)
    now = time.time()
    made = init_keys(directory or settings.keys.dir, now=now, rotate=frozenset(KeyName(name) for name in names))
    for path in made:
        click.echo(path.relative_to(directory or settings.keys.dir))
    click.echo(f"in use from {_spelled(now + settings.keys.activation_delay)}", err=True)
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


@keys.command("shred")
@click.argument("names", nargs=-1, type=click.Choice([name.value for name in KILLS]))
@click.option(
    "--before",
    type=TIME,
    required=True,
    help="Destroy keys that were retired before this time (UTC).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be destroyed and become unreadable; destroy nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_DIR
@CONFIG
def shred_keys(
    names: tuple[str, ...], before: datetime, dry_run: bool, yes: bool, directory: Path | None, config: Path | None
) -> int:
    """Destroy retired keys for good: what was sealed to them is unreadable then, in every copy of it.

    A key is retired once a newer one of its purpose is in use; the one in use is never destroyed.
    Without NAMES, all purposes but the audit keys. First says, key by key, what becomes unreadable and, when the broker
    answers, how many records on the topics are still sealed to it (`stored`) and how many of these are
    not worked off yet (`waiting`); then asks. Every role's folder that can be written from here loses both halves and
    keeps a tombstone, so that the id is never used again and a record that needs the key becomes a
    dead letter `key_destroyed`. Running processes drop the key when they next work.

    The files are overwritten before they are removed. That does not reach copies that a disk or file
    system keeps of its own (flash wear levelling, copy-on-write, snapshots), nor backups, other hosts'
    folders or mounted secrets: destroy those as well, or the key still exists.

    \b
      veil keys shred --before 2026-03-01 --dry-run
      veil keys shred jobs vault --before 2026-03-01
    """
    settings = open_settings(config)
    found = retired_epochs(
        directory or settings.keys.dir,
        frozenset(KeyName(name) for name in names or KILLS),
        before=before.replace(tzinfo=UTC).timestamp(),
        now=time.time(),
        activation_delay=settings.keys.activation_delay,
    )
    if not found:
        click.echo("no key was retired before then", err=True)
        return 0
    _say_what_dies(settings, found)
    if dry_run:
        return 0
    if not yes:
        confirm(f"destroy {len(found)} keys for good?")
    for epoch in found:
        shred(epoch, now=time.time())
    click.echo(f"{len(found)} keys destroyed here; destroy their copies in backups and on other hosts too", err=True)
    return 0


def _say_what_dies(settings: Settings, found: Sequence[RetiredEpoch]) -> None:
    # It reads every topic, which `veil keys init` must not wait for: imported here only.
    from agents.sealed_records import count_sealed

    try:
        counts = asyncio.run(count_sealed(settings, {epoch.key_id for epoch in found}))
    except VeilError as error:
        counts = None
        click.echo(f"not counted on the topics: {error.detail}", err=True)
    rows = [
        {
            "name": epoch.name,
            "key_id": epoch.key_id,
            "made": _spelled(epoch.made),
            "retired": _spelled(epoch.retired),
            "files": len(epoch.files),
            "ends": KILLS[epoch.name],
            "sealed": None if counts is None else dict(sorted(counts.get(epoch.key_id, {}).items())),
        }
        for epoch in found
    ]
    show_rows(rows, ("name", "key_id", "made", "retired", "files", "ends", "sealed"), _cell)


def _cell(row: Row, column: str) -> str:
    if column == "sealed" and row[column] is not None:
        return "\n".join(
            f"{topic}: {sealed.stored} records, {sealed.waiting} not worked off"
            for topic, sealed in row[column].items()
        )
    return plain_cell(row, column)


def _spelled(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
