"""Hyperscan: all expressions in one automaton; compiled, or loaded from where a cache kept it."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, Protocol

import hyperscan

from pipeline.detection.scan import Candidate


class DatabaseCache(Protocol):
    """Keeps compiled databases between processes.

    Loading one that somebody else wrote is as good as running their code, so `load`
    gives only what this very user has stored.
    """

    def load(self, key: str) -> bytes | None:
        """Give what was stored under a key, if anything was that can be trusted."""
        ...

    def store(self, key: str, database: bytes) -> None:
        """Keep a database; where that cannot be done, nothing happens."""
        ...


class HyperscanEngine:
    """Compiles with Hyperscan, each set once a process; a cache saves the next process that work, too."""

    name = "hyperscan"
    version = f"hyperscan {version('hyperscan')}"

    def __init__(self, cache: DatabaseCache | None = None) -> None:
        self._cache = cache
        # Many tenants' policies ask for the same rules.
        self._databases: dict[str, Any] = {}

    def candidates(self, expressions: Sequence[bytes]) -> Callable[[bytes], list[Candidate]]:
        """See `Engine`.

        Start-of-match is asked for: measured 237 against 276 MB/s without it, which is
        far less than finding each start again in Python. Hyperscan's UTF-8 mode isn't:
        the Python patterns decide about letters, here bytes are enough.
        """
        run = _Runner(self._database(expressions, hyperscan.HS_FLAG_SOM_LEFTMOST))

        def candidates(data: bytes) -> list[Candidate]:
            found: list[Candidate] = []
            run(data, _collect, found)
            return found

        return candidates

    def probe(self, expressions: Sequence[bytes]) -> Callable[[bytes], bool]:
        """See `Engine`; each expression is reported once at most."""
        run = _Runner(self._database(expressions, hyperscan.HS_FLAG_SINGLEMATCH))

        def matches(data: bytes) -> bool:
            found: list[int] = []
            run(data, _note, found)
            return bool(found)

        return matches

    def _database(self, expressions: Sequence[bytes], flags: int) -> Any:
        # The processor's features are part of a database; so is what the library makes of them.
        platform = _compiled([b"a"], 0).info()
        key = _key(self.version.encode(), platform, str(flags).encode(), *expressions)
        if key not in self._databases:
            self._databases[key] = self._made(expressions, flags, platform, key)
        return self._databases[key]

    def _made(self, expressions: Sequence[bytes], flags: int, platform: Any, key: str) -> Any:
        if self._cache is None:
            return _compiled(expressions, flags)
        stored = self._cache.load(key)
        if stored is not None:
            try:
                database = hyperscan.loadb(stored, hyperscan.HS_MODE_BLOCK)
                if database.info() == platform:
                    return database
            except hyperscan.HyperscanError:
                # Not one of this library's databases: made anew below, and written over.
                pass
        database = _compiled(expressions, flags)
        self._cache.store(key, hyperscan.dumpb(database))
        return database


class _Runner:
    """Scans with a scratch space for each thread: one may serve one scan at a time, and scans release the GIL."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._local = threading.local()

    def __call__(self, data: bytes, collect: Callable[[int, int, int, int, Any], None], found: Any) -> None:
        try:
            scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        self._database.scan(data, collect, 0, found, scratch)


def _compiled(expressions: Sequence[bytes], flags: int) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(range(len(expressions))), elements=len(expressions), flags=flags)
    return database


def _key(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def _collect(rule: int, start: int, end: int, _flags: int, found: Any) -> None:
    found.append((start, end, rule))


def _note(rule: int, _start: int, _end: int, _flags: int, found: Any) -> None:
    found.append(rule)
