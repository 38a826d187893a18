"""The rehydrator role: reads completions, restores them, publishes sealed results."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agents.metrics import Metrics
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.live_policies import follow_policies
from pipeline.keys import Role
from pipeline.ports import Stage, TopicNames
from pipeline.settings import Settings
from pipeline.stages.boundary import Boundary
from pipeline.stages.rehydrator import RehydratorWork
from schemas.topics import TopicId

SOURCES: tuple[TopicId, ...] = ("completions",)


@asynccontextmanager
async def open_stage(
    settings: Settings, topics: TopicNames, clock: Callable[[], float], _: Metrics
) -> AsyncIterator[Stage]:
    """The rehydrator's stage with its vault keys, and the policies and detectors for what is new in an answer."""
    keyring = LiveKeyring(settings.keys, Role.REHYDRATOR, clock)
    async with follow_policies(settings.policy.file, cached_engine()) as policies:
        work = RehydratorWork(keyring=keyring, topics=topics, policies=policies)
        yield Boundary(work, keyring=keyring, topics=topics, clock=clock, hash_key=secrets.token_bytes(32))
