"""A worker process: one or all roles in one event loop, until a signal, a crash, or the watchdog."""

import asyncio
import contextlib
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog
from threadpoolctl import threadpool_limits

from agents import completer, redactor, rehydrator
from agents.app import RoleApp, build_app
from agents.health import HealthServer
from agents.ledgers import Ledgers
from agents.metrics import Metrics
from agents.plain_jobs import delete_processed
from pipeline.adapters.hardening import harden_process
from pipeline.adapters.kafka import create_topics
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.audit import AuditTrail
from pipeline.keys import Role
from pipeline.logs import on_loop_exception
from pipeline.ports import Stage, TopicNames
from pipeline.settings import Settings, WrongSettings
from schemas.topics import TopicId

log = structlog.get_logger()


class RoleModule(Protocol):
    """What a role's module gives: the topics it reads, and its stage with everything that stage needs."""

    SOURCES: tuple[TopicId, ...]

    def open_stage(
        self, settings: Settings, topics: TopicNames, clock: Callable[[], float], metrics: Metrics
    ) -> AbstractAsyncContextManager[Stage]: ...


ROLES: dict[Role, RoleModule] = {
    Role.REDACTOR: redactor,
    Role.COMPLETER: completer,
    Role.REHYDRATOR: rehydrator,
}
_OTHER_FILES = 1024
"""Open files besides the connections to OpenAI: brokers, libraries, logs."""
_WATCHDOG_GRACE = 20.0
"""Seconds after the drain deadline at which a shutdown that hangs is cut off."""


def run_worker(settings: Settings, roles: Sequence[Role]) -> int:
    """Run the roles until SIGTERM or SIGINT; returns the process's exit code.

    Raises:
        VeilError: it cannot start (keys, settings, broker).
    """
    harden_process()
    _raise_open_files(settings.openai.max_in_flight + _OTHER_FILES)
    # The names model multiplies small matrices: several threads on one would only take cores from other workers.
    threadpool_limits(1, user_api="blas")
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_run(settings, roles))
    return uvloop.run(_run(settings, roles))


class Worker:
    """The roles of one process: started together, stopped together."""

    def __init__(self, settings: Settings, roles: Sequence[Role], modules: Mapping[Role, RoleModule] = ROLES) -> None:
        self._settings = settings
        self._roles = roles
        self._modules = modules
        self._metrics = Metrics()
        self._apps: dict[Role, RoleApp] = {}
        self._assigned: set[Role] = set()
        self._stack = contextlib.AsyncExitStack()
        self.crashed = asyncio.Event()

    async def start(self) -> None:
        """Load every role's keys, make missing topics, join the groups."""
        _make_state_dir(self._settings)
        topics = TopicNames(self._settings.kafka.topic_prefix)
        stages = {}
        for role in self._roles:
            opened = self._modules[role].open_stage(self._settings, topics, time.time, self._metrics)
            stages[role] = await self._stack.enter_async_context(opened)
        made = await create_topics(self._settings)
        if made:
            log.info("topics.created", count=len(made))
        for role, stage in stages.items():
            group = f"{self._settings.kafka.topic_prefix}{role}"
            ledgers = Ledgers(
                group,
                stage,
                self._settings,
                trail=self._trail(role, topics),
                max_in_flight=self._max_in_flight(role),
                metrics=self._metrics.of(role),
            )
            sources = [topics[source] for source in self._modules[role].SOURCES]
            app = build_app(group, sources, self._settings, ledgers)
            self._apps[role] = app
            self._watch(role, app)
            if role is Role.REDACTOR:
                self._background(delete_processed(self._settings, topics["plain"], ledgers))
        for app in self._apps.values():
            app.finalize()
        await asyncio.gather(*(app.start() for app in self._apps.values()))
        health = HealthServer(self._settings.health, self._metrics.registry, alive=self.is_alive, ready=self.is_ready)
        port = await health.start()
        self._stack.push_async_callback(health.close)
        log.info("worker.started", role=",".join(self._roles), port=port)

    async def stop(self) -> None:
        """Finish what is in flight, publish it, leave the groups."""
        await asyncio.gather(*(app.stop() for app in self._apps.values()))
        await self._stack.aclose()

    def is_alive(self) -> bool:
        """No role has crashed."""
        return not self.crashed.is_set()

    def is_ready(self) -> bool:
        """Every role has joined its group."""
        return self.is_alive() and self._assigned == set(self._roles)

    def _watch(self, role: Role, app: RoleApp) -> None:
        @app.on_rebalance_complete.connect
        async def on_joined(*_: object, **__: object) -> None:
            self._assigned.add(role)
            log.info("group.joined", role=role.value)

        async def wait_for_crash() -> None:
            await app.wait_until_stopped()
            if app.crashed:
                log.error("worker.crashed", role=role.value, exc_info=app.crash_reason)
                self.crashed.set()

        async def wait_for_broken_stage() -> None:
            await app.ledgers.broken.wait()
            self.crashed.set()

        self._background(wait_for_crash())
        self._background(wait_for_broken_stage())

    def _background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._mind)

        async def cancel() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._stack.push_async_callback(cancel)

    def _trail(self, role: Role, topics: TopicNames) -> AuditTrail:
        keyring = LiveKeyring(self._settings.keys, role, time.time)
        return AuditTrail(role, keyring=keyring, topics=topics, settings=self._settings.audit)

    def _mind(self, task: asyncio.Task[object]) -> None:
        """Work in the background that dies takes the worker with it: nobody would notice that it is not done."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("worker.crashed", exc_info=fault)
            self.crashed.set()

    def _max_in_flight(self, role: Role) -> int:
        return self._settings.openai.max_in_flight if role is Role.COMPLETER else self._settings.delivery.max_in_flight


def _raise_open_files(wanted: int) -> None:
    """Each call to OpenAI has a connection of its own; the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("files.limited", count=allowed, total=wanted)


def _make_state_dir(settings: Settings) -> None:
    """Faust wants a folder of its own, even where it keeps no tables."""
    try:
        settings.state.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise WrongSettings(f"state.dir {settings.state.dir} cannot be made ({type(exc).__name__})") from None


async def _run(settings: Settings, roles: Sequence[Role]) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_loop_exception)
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    worker = Worker(settings, roles)
    try:
        await worker.start()
        waits = [asyncio.ensure_future(asked.wait()), asyncio.ensure_future(worker.crashed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        log.info("worker.stopping")
    finally:
        _end_within(settings.delivery.drain_deadline + _WATCHDOG_GRACE)
        await worker.stop()
    log.info("worker.stopped")
    return 1 if worker.crashed.is_set() else 0


def _end_within(seconds: float) -> None:
    """End the process then, whatever it waits for: some shutdowns hang (one of about 170 measured).

    A thread, since it may be the loop that hangs, or threads of Faust's after the loop has ended.
    """

    def end() -> None:
        log.error("worker.hung", exit_code=1)
        os._exit(1)

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    watchdog.start()
