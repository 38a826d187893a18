"""The redactor role: reads sealed and plain jobs, publishes redacted requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from agents.metrics import Metrics
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.live_policies import follow_policies
from pipeline.keys import Role
from pipeline.ports import Stage, TopicNames
from pipeline.settings import Settings
from pipeline.stages.boundary import Boundary
from pipeline.stages.redactor import RedactorWork
from pipeline.stages.shadow import Shadow
from schemas.topics import TopicId

SOURCES: tuple[TopicId, ...] = ("jobs", "plain")


@asynccontextmanager
async def open_stage(
    settings: Settings, topics: TopicNames, clock: Callable[[], float], metrics: Metrics
) -> AsyncIterator[Stage]:
    """The redactor's stage with its keys, policies and detectors loaded."""
    keyring = LiveKeyring(settings.keys, Role.REDACTOR, clock)
    async with AsyncExitStack() as stack:
        policies = await stack.enter_async_context(follow_policies(settings.policy.file, cached_engine()))
        metrics.watch_policies(policies)
        shadow = None
        if settings.policy.shadow_file is not None:
            beside = await stack.enter_async_context(follow_policies(settings.policy.shadow_file, cached_engine()))
            shadow = Shadow(beside)
        work = RedactorWork(
            keyring=keyring,
            topics=topics,
            policies=policies,
            limits=settings.limits,
            tenants=settings.tenants,
            accept_plain=settings.policy.accept_plain,
            shadow=shadow,
            stream=settings.openai.stream,
        )
        yield Boundary(work, keyring=keyring, topics=topics, clock=clock, hash_key=keyring.scope_epoch()[1])
