"""One round's broker, model, workers and load, and what a fault does to them."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from infra.canaries import make_canaries
from infra.kafka.node import KRaftNode
from infra.openai_stub import StubConfig
from pipeline.adapters.keyring import init_keys
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.settings import (
    DeliverySettings,
    KafkaSettings,
    KeysSettings,
    OpenAISettings,
    PolicySettings,
    Settings,
    StateSettings,
)
from tests.chaos.launcher import PROGRAM, Clock, window_environment
from tests.chaos.load import Load
from tests.chaos.model import Model
from tests.chaos.outcomes import Outcomes
from tests.chaos.search import MODEL, WORKERS
from tests.integration.deployment import Deployment, WorkerProcess, eventually
from tests.integration.sweep_scenario import write_policy

LOADED_TIMEOUT = 120.0
IN_FLIGHT = "veil_records_in_flight"
_ON_ITS_WAY = 0.1
_LOADED = 20
_SEED = 1


class System:
    """Everything that runs in one round.

    Args:
        nodes: The broker's by id, started.
        settings: As `chaos_settings` gives them.
        folder: Where workers, keys and records of the round go.
        model: What the model's side does.
        jobs: How many.
        completers: How many of them.
        brief: Whether an outage may be shorter than it should.
        window: Offsets a ledger holds open, instead of as many as fit into an offset's metadata.
    """

    def __init__(
        self,
        nodes: dict[int, KRaftNode],
        settings: Settings,
        folder: Path,
        model: StubConfig,
        *,
        jobs: int,
        completers: int,
        brief: bool,
        window: int | None,
        console: Console,
    ) -> None:
        self.nodes = nodes
        self.settings = settings
        self.folder = folder
        self.count = jobs
        self.brief = brief
        self.wanted_completers = completers
        self.allowed = 0
        self.poison: set[str] = set()
        self.exit_codes: dict[str, int] = {}
        self.canaries = make_canaries(_SEED)
        self.console = console
        self._started = time.monotonic()
        self._stack = AsyncExitStack()
        self.clock = Clock(folder / "clock")
        self._environment = self.clock.environment() | window_environment(window)
        (folder / MODEL).mkdir(parents=True)
        self.model = Model(model, folder / MODEL / "requests.jsonl")
        init_keys(settings.keys.dir, now=time.time())
        if settings.policy.file is not None:
            write_policy(settings.policy.file, self.canaries)

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        await enter(self.model)
        self.deployment = await enter(
            Deployment(
                self.settings,
                self.folder / WORKERS,
                openai_base_url=self.model.base_url,
                environment=self._environment,
                program=PROGRAM,
            )
        )
        await self.deployment.start()
        for _ in range(1, self.wanted_completers):
            worker = self.add_completer()
            worker.start()
            await worker.ready()
        self.client = await enter(Client(self.settings))
        self.load = Load(self.client, self.count, self.canaries)
        self.outcomes = await enter(Outcomes(self.settings, self.client))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def say(self, what: str) -> None:
        """One line of progress: numbers and what the fault does."""
        self.console.print(
            f"  {time.monotonic() - self._started:5.1f} s  {len(self.outcomes.ended):5} of {self.count} ended, "
            f"{self.model.in_flight} calls in flight: {what}",
            highlight=False,
        )

    async def until_ended(self, share: float) -> None:
        """Wait until this share of the jobs has ended."""
        wanted = int(share * self.count)
        await eventually(
            lambda: len(self.outcomes.ended) >= wanted, timeout=LOADED_TIMEOUT, what=f"{wanted} jobs ending"
        )

    async def until_loaded(self) -> None:
        """Wait until every completer that runs has calls in flight."""
        async with asyncio.timeout(LOADED_TIMEOUT):
            while min([await worker.metric(IN_FLIGHT) for worker in self.completers()]) < _LOADED:
                await asyncio.sleep(0.05)

    # What faults are made of

    def add_completer(self) -> WorkerProcess:
        """One more completer, not yet started."""
        return self.deployment.add(Role.COMPLETER, f"completer-{len(self.completers()) + 1}")

    def completers(self) -> list[WorkerProcess]:
        """Every completer, started or not, the oldest first."""
        return [worker for worker in self.deployment.all if worker.role == Role.COMPLETER]

    async def signal(self, worker: WorkerProcess, number: signal.Signals) -> None:
        """SIGKILL or SIGSTOP; what a completer had under way or had not committed may be called again."""
        before = self.model.received
        in_flight = await worker.metric(IN_FLIGHT) if worker.role == Role.COMPLETER else 0.0
        self.say(f"{number.name} of a {worker.role}")
        if number is signal.SIGKILL:
            worker.kill()
        else:
            worker.signal(number)
        if worker.role == Role.COMPLETER:
            lately = self.model.answered_lately
            # A call that was sent before the signal may arrive after it.
            await asyncio.sleep(_ON_ITS_WAY)
            self.allowed += int(in_flight) + lately + self.model.received - before

    async def terminate(self, worker: WorkerProcess) -> None:
        """SIGTERM; whatever it had under way is finished and committed, so nothing may be called again."""
        self.exit_codes[f"{worker.folder.name} {len(self.exit_codes)}"] = await worker.terminate()
        self.say(f"the {worker.role} has ended")

    async def terminate_all(self) -> dict[str, int]:
        """Stop every worker in order; gives the exit codes of all that were stopped in the round."""
        return self.exit_codes | await self.deployment.terminate()

    async def kill_node(self, node: KRaftNode) -> None:
        """SIGKILL of a node of the broker."""
        self.say("SIGKILL of a broker")
        await asyncio.to_thread(node.kill)

    async def restart_node(self, node: KRaftNode) -> None:
        """Start a node that was killed, on its data."""
        await asyncio.to_thread(node.start)
        self.say("the broker is back")

    async def restart(self, worker: WorkerProcess) -> None:
        """Start a process that has ended, and wait until it works."""
        worker.start()
        await worker.ready()
        self.say(f"the {worker.role} is back")


def chaos_settings(
    bootstrap_servers: str,
    folder: Path,
    *,
    partitions: int,
    replication: int,
    session_timeout: float,
    max_attempts: int,
) -> Settings:
    """Settings of one round; one session timeout is the time until another worker takes over."""
    return Settings(
        kafka=KafkaSettings(
            bootstrap_servers=bootstrap_servers,
            topic_prefix="chaos.",
            partitions=partitions,
            replication=replication,
            session_timeout=session_timeout,
            heartbeat_interval=min(1.0, session_timeout / 3),
        ),
        keys=KeysSettings(dir=folder / "keys"),
        state=StateSettings(dir=folder / "state"),
        policy=PolicySettings(file=folder / "policy.toml"),
        openai=OpenAISettings(timeout=30.0, backoff=0.2, backoff_max=2.0, max_attempts=max_attempts),
        delivery=DeliverySettings(drain_deadline=15.0),
    )
