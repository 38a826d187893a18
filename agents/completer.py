"""The completer role: reads redacted requests, calls OpenAI, publishes completions. Holds no private key."""

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agents.metrics import Metrics
from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.openai_llm import DEFAULT_BASE_URL, OpenAILLM, service_at
from pipeline.keys import Role
from pipeline.ports import Stage, TopicNames
from pipeline.settings import Settings, WrongSettings
from pipeline.stages.boundary import Boundary
from pipeline.stages.completer import CompleterWork
from pipeline.stages.once import Once
from schemas.topics import TopicId

SOURCES: tuple[TopicId, ...] = ("redacted",)


@asynccontextmanager
async def open_stage(
    settings: Settings, topics: TopicNames, clock: Callable[[], float], metrics: Metrics
) -> AsyncIterator[Stage]:
    """The completer's stage with its one public key and its connection pool."""
    keyring = LiveKeyring(settings.keys, Role.COMPLETER, clock)
    api_key = os.environ.get("OPENAI_API_KEY", "")
    if not api_key:
        raise WrongSettings("the completer needs OPENAI_API_KEY in its environment")
    base_url = os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    async with (
        OpenAILLM(settings.openai, api_key=api_key, base_url=base_url) as llm,
        FinishedTopic(settings, topics["finished"]) as finished,
    ):
        metrics.watch(llm)
        once = Once(
            finished,
            topics,
            window=settings.delivery.job_window,
            reuse_identical=settings.openai.reuse_identical,
            clock=clock,
        )
        service = service_at(base_url, settings.openai)
        work = CompleterWork(keyring=keyring, topics=topics, llm=llm, once=once, service=service)
        # No key of its own to hash with: hashes of untrusted ids are comparable within one process only.
        hash_key = secrets.token_bytes(32)
        yield Boundary(work, keyring=keyring, topics=topics, clock=clock, hash_key=hash_key, state=once)
