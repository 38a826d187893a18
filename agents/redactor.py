"""The redactor role: reads sealed and plain jobs, publishes redacted requests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agents.metrics import Metrics
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.live_policies import LivePolicies
from pipeline.keys import Role
from pipeline.ports import Stage, TopicNames
from pipeline.settings import Settings
from pipeline.stages.boundary import Boundary
from pipeline.stages.redactor import RedactorWork
from schemas.topics import TopicId

SOURCES: tuple[TopicId, ...] = ("jobs", "plain")


@asynccontextmanager
async def open_stage(
    settings: Settings, topics: TopicNames, clock: Callable[[], float], metrics: Metrics
) -> AsyncIterator[Stage]:
    """The redactor's stage with its keys, policies and detectors loaded."""
    keyring = LiveKeyring(settings.keys, Role.REDACTOR, clock)
    policies = LivePolicies(settings.policy.file, cached_engine())
    metrics.watch_policies(policies)
    work = RedactorWork(
        keyring=keyring,
        topics=topics,
        policies=policies,
        limits=settings.limits,
        tenants=settings.tenants,
        accept_plain=settings.policy.accept_plain,
    )
    following = asyncio.create_task(policies.follow())
    try:
        yield Boundary(work, keyring=keyring, topics=topics, clock=clock, hash_key=keyring.scope_epoch()[1])
    finally:
        following.cancel()
        await asyncio.wait([following])
        policies.close()
