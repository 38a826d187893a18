"""Compiled detection databases on disk, so that only the first process after an upgrade compiles them."""

import contextlib
import hashlib
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from pipeline.detection.scan import Engine, default_engine

_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".hsdb"
# A database is some 4 MB; each set of entities, and each release, has its own.
_MOST_FILES = 32
_MOST_BYTES = 64 * 1024 * 1024


class DatabaseFolder:
    """A folder of databases that belongs to this user alone.

    Hyperscan trusts what it loads, so a file counts only if it and its folder are
    owned by the user who runs this, are closed to all others, and no link leads to
    them; the digest is against damage. Anything else is as if it weren't there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"<DatabaseFolder {self._folder}>"

    def load(self, key: str) -> bytes | None:
        """Give what was stored under a key; None if that is missing, damaged or could be somebody else's."""
        try:
            with contextlib.ExitStack() as stack:
                folder = self._open_folder(stack)
                descriptor = os.open(key + _SUFFIX, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                file = stack.enter_context(os.fdopen(descriptor, "rb"))
                state = os.fstat(descriptor)
                if not (stat.S_ISREG(state.st_mode) and _is_private(state) and state.st_size <= _MOST_BYTES):
                    return None
                content = file.read()
                # Its age says when it was last of use.
                os.utime(descriptor)
        except OSError:
            return None
        digest, database = content[:_DIGEST], content[_DIGEST:]
        return database if digest == _digest(key, database) else None

    def store(self, key: str, database: bytes) -> None:
        """Write a database whole or not at all; a folder that cannot be used is left alone."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open_folder(stack)
            # Made by mkstemp with mode 0600.
            descriptor, name = tempfile.mkstemp(dir=self._folder)
            unfinished = Path(name)
            stack.callback(unfinished.unlink, missing_ok=True)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_digest(key, database) + database)
            unfinished.replace(self._folder / (key + _SUFFIX))
            self._forget_oldest()

    def _open_folder(self, stack: contextlib.ExitStack) -> int:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, folder)
        if not _is_private(os.fstat(folder)):
            raise PermissionError
        return folder

    def _forget_oldest(self) -> None:
        files = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[_MOST_FILES:]:
            path.unlink(missing_ok=True)


@cache
def cached_engine() -> Engine:
    """The engine of this machine; Hyperscan's with the user's cache folder, if they have one."""
    engine = default_engine()
    if engine.name != "hyperscan":
        return engine
    from pipeline.detection.hyperscan_engine import HyperscanEngine

    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return engine
    return HyperscanEngine(DatabaseFolder(home / "veilstream"))


def _is_private(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not state.st_mode & 0o077


def _digest(key: str, database: bytes) -> bytes:
    return hashlib.sha256(key.encode() + database).digest()
