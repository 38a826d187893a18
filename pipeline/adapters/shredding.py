"""Destroying retired key epochs: the files overwritten and removed, a tombstone left.

The tombstone comes first: from then on no process opens with the key, and a run that
was cut off is finished by the next one. Overwriting cannot reach what a disk or file
system has copied (flash wear levelling, copy-on-write, snapshots) nor any backup.
"""

import os
import secrets
from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pipeline.adapters.keyring import TOMBSTONE, parse_name, sync_folder, write_whole
from pipeline.keys import KeyName, Role


class RetiredEpoch(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch that a newer active one has replaced; times in Unix seconds."""

    name: KeyName
    key_id: str
    made: float
    retired: float
    files: tuple[Path, ...]


def retired_epochs(
    keys_dir: Path, names: Collection[KeyName], *, before: float, now: float, activation_delay: float
) -> list[RetiredEpoch]:
    """The epochs of `names` that were retired before a time, oldest first.

    An epoch is retired in a folder once a newer one that lies there too is active; it is
    listed when it is retired in every folder that holds it, so that no role is left
    without a key. One that has a tombstone already is listed while files of it are left.
    """
    found: dict[tuple[KeyName, float, str], dict[Path, float | None]] = defaultdict(dict)
    for folder in _folders(keys_dir):
        held: dict[tuple[KeyName, str], list[tuple[float, str, Path]]] = defaultdict(list)
        dead = {parse_name(path).key_id for path in folder.glob(f"*{TOMBSTONE}")}
        for path in [*folder.glob("*.key"), *folder.glob("*.pub")]:
            name, made, key_id = parse_name(path)
            if name in names:
                held[name, path.suffix].append((made, key_id, path))
        for (name, _), epochs in held.items():
            epochs.sort()
            living = [made for made, key_id, _ in epochs if key_id not in dead]
            for made, key_id, path in epochs:
                later = min((other for other in living if other > made), default=None)
                ended = made if key_id in dead else None if later is None else later + activation_delay
                found[name, made, key_id][path] = ended
    retired = []
    for (name, made, key_id), files in found.items():
        ends = [ended for ended in files.values() if ended is not None]
        if len(ends) == len(files) and max(ends) < before and max(ends) <= now:
            retired.append(RetiredEpoch(name=name, key_id=key_id, made=made, retired=max(ends), files=tuple(files)))
    return sorted(retired, key=lambda epoch: (epoch.made, epoch.name))


def shred(epoch: RetiredEpoch, *, now: float) -> None:
    """Leave a tombstone beside every file of the epoch, then overwrite and remove the file."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    for path in epoch.files:
        tombstone = path.with_suffix(TOMBSTONE)
        if not tombstone.exists():
            unfinished = tombstone.with_name(f".{tombstone.name}.unfinished")
            write_whole(tombstone, f"{day}\n".encode(), 0o644, unfinished=unfinished)
    for path in epoch.files:
        with path.open("r+b") as file:
            size = path.stat().st_size
            file.write(secrets.token_bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)


def _folders(keys_dir: Path) -> list[Path]:
    """Every role's folder that can be reached, or the one role's own folder that was given."""
    roles = [keys_dir / role for role in Role if (keys_dir / role).is_dir()]
    return [folder for folder in roles or [keys_dir] if os.access(folder, os.R_OK | os.W_OK | os.X_OK)]
