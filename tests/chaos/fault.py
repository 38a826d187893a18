"""What a fault is: its name, the system it needs, and what it does to it under load."""

from collections.abc import Awaitable, Callable

import msgspec

from infra.openai_stub import StubConfig
from tests.chaos.system import System


def busy_model() -> StubConfig:
    """Some hundred calls in flight: each takes three to five seconds."""
    return StubConfig(mode="echo", latency_s=3.0, latency_jitter_s=2.0, retry_after_s=0.2)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `inject` runs while jobs are under way, adds to `system.allowed` what it may make be
    called again, and ends when the system has all its parts back.

    `after`: the share of jobs that have ended when it begins. `cluster`: three nodes instead of one.
    `may_lose`: a broker that is alone is crashed, which may lose what it has acknowledged.
    `short`: part of `make chaos-short`.
    """

    name: str
    inject: Callable[[System], Awaitable[None]]
    after: float = 0.25
    completers: int = 1
    may_lose: bool = False
    cluster: bool = False
    partitions: int = 4
    session_timeout: float = 6.0
    max_attempts: int = 200
    window: int | None = None
    model: Callable[[], StubConfig] = busy_model
    short: bool = False

    @property
    def text(self) -> str:
        """What happens, in a line."""
        return (self.inject.__doc__ or "").strip().splitlines()[0]
