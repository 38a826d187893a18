"""Faults of OpenAI's side: away, failing, hanging."""

import asyncio

from infra.openai_stub import Failures, StubConfig, Trigger
from tests.chaos.fault import Fault, busy_model
from tests.chaos.system import System
from tests.integration.deployment import eventually

_HANG = 20.0


async def model_down(system: System) -> None:
    """OpenAI refuses connections for 60 s."""
    system.say("OpenAI goes away")
    system.allowed += await system.model.stop()
    await asyncio.sleep(20 if system.brief else 60)
    await system.model.start()
    system.say("OpenAI is back")


async def failing_model(system: System) -> None:
    """OpenAI answers one call in ten with 429, 500, half a body or half a JSON."""
    await system.until_ended(0.5)


async def full_window(system: System) -> None:
    """A call hangs for 20 s until its partition's ledger can hold no more offsets open."""
    system.model.config.failures.hang.next = 1
    await eventually(lambda: not system.model.config.failures.hang.next, timeout=30, what="a call that hangs")
    system.say("a call hangs")
    await asyncio.sleep(_HANG)


def _failing() -> StubConfig:
    one_in_forty = 0.025
    model = busy_model()
    model.failures = Failures(
        rate_limit=Trigger(probability=one_in_forty),
        server_error=Trigger(probability=one_in_forty),
        cut=Trigger(probability=one_in_forty),
        malformed_json=Trigger(probability=one_in_forty),
    )
    return model


def _hanging() -> StubConfig:
    model = busy_model()
    model.hang_s = _HANG
    return model


FAULTS = (
    Fault(name="openai-down", inject=model_down, short=True),
    Fault(name="openai-failing", inject=failing_model, model=_failing),
    Fault(name="full-window", inject=full_window, model=_hanging, window=200),
)
