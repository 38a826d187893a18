"""A worker's policies as their file is now: a changed policy needs no restart.

The policy file and the lists that it names are looked at once a second. What has changed is
read again, with its detectors built beside the event loop, and takes the place of the old
policies between two jobs.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from pipeline.adapters.recognizers.running import RunningPlugins
from pipeline.detection import Engine
from pipeline.errors import VeilError
from pipeline.policy import Policies, load_policies
from pipeline.policy_detector import LoadedPolicies, PolicyDetectors

log = structlog.get_logger()

_LOOK_EVERY = 1.0
"""Seconds between two looks at the files: a `stat` each."""

_Listing = frozenset[tuple[Path, int, int, int]]
_Digests = dict[Path, bytes]


class LivePolicies:
    """The policies of a file that may change while the process runs.

    A file that does not load changes nothing: the policies read last stay in use, the log
    says so, and `current` is false until it loads again.

    Args:
        file: The policy file; None: the built-in policy, which never changes.
        engine: What the detectors run on.

    Raises:
        MalformedPolicy: The file does not load, at the start.

    """

    def __init__(self, file: Path | None, engine: Engine) -> None:
        self._file = file
        self._engine = engine
        self._plugins = RunningPlugins()
        self._loaded, self._digests = self._load(_digests(() if file is None else (file,)))
        # Not the files as they are now: the first look compares them with what was read.
        self._listing: _Listing | None = None
        self.current = True
        self.outcomes: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<LivePolicies {self._file and self._file.name}>"

    def __call__(self) -> LoadedPolicies:
        """The policies to use for one job from its beginning to its end."""
        return self._loaded

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while self._file is not None:
            await asyncio.sleep(_LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Read the files again if they have changed."""
        listing = await asyncio.to_thread(_list, self._digests)
        if listing == self._listing:
            return
        self._listing = listing
        try:
            digests = await asyncio.to_thread(_digests, self._digests)
            if digests == self._digests:
                self._settle(current=True)
                return
            # What was tried is not tried again until it changes.
            loaded, self._digests = await asyncio.to_thread(self._load, digests)
        except VeilError as error:
            self._settle(current=False)
            log.error("policy.unreadable", detail=error.detail)
        except Exception as exc:
            # Whatever a new file does to its reading, the old policies go on.
            self._settle(current=False)
            log.error("policy.unreadable", exc_info=exc)
        else:
            self._loaded = loaded
            # A file that is named only now may have changed since it was read.
            self._listing = None
            self._plugins.keep(use for policy in loaded.policies.all() for use in policy.plugins)
            self._settle(current=True)
            self.outcomes["loaded"] += 1
            log.info("policy.reloaded", version=loaded.policies.select("", None).version)

    def close(self) -> None:
        """End the plug-ins."""
        self._plugins.close()

    def _settle(self, *, current: bool) -> None:
        self.current = current
        if not current:
            self.outcomes["refused"] += 1

    def _load(self, digests: _Digests) -> tuple[LoadedPolicies, _Digests]:
        policies: Policies = load_policies(self._file)
        loaded = LoadedPolicies(policies, PolicyDetectors(policies, self._plugins, self._engine))
        named = () if self._file is None else policies.source.files
        return loaded, {path: digests.get(path) or _digest(path) for path in named}


@asynccontextmanager
async def follow_policies(file: Path | None, engine: Engine) -> AsyncIterator[LivePolicies]:
    """The policies of a file, followed for as long as they are used."""
    policies = LivePolicies(file, engine)
    following = asyncio.create_task(policies.follow())
    try:
        yield policies
    finally:
        following.cancel()
        await asyncio.wait([following])
        policies.close()


def _list(files: Iterable[Path]) -> _Listing:
    """Each file's identity, time of change and size; a missing one is left out."""
    found = []
    for path in files:
        try:
            state = path.stat()
        except OSError:
            continue
        found.append((path, state.st_ino, state.st_mtime_ns, state.st_size))
    return frozenset(found)


def _digests(files: Iterable[Path]) -> _Digests:
    return {path: _digest(path) for path in files}


def _digest(path: Path) -> bytes:
    """What is in a file; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""
