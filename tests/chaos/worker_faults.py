"""Faults of the workers: killed, stopped, joined, paused."""

from pipeline.keys import Role
from tests.chaos.fault import Fault
from tests.chaos.system import System
from tests.integration.deployment import ROLES


async def kill_redactor(system: System) -> None:
    """SIGKILL of the redactor, and a new one."""
    await _kill(system, Role.REDACTOR)


async def kill_completer(system: System) -> None:
    """SIGKILL of the completer, and a new one."""
    await _kill(system, Role.COMPLETER)


async def kill_rehydrator(system: System) -> None:
    """SIGKILL of the rehydrator, and a new one."""
    await _kill(system, Role.REHYDRATOR)


async def kill_each(system: System) -> None:
    """SIGKILL of each role in turn, under load each time."""
    for number, role in enumerate(ROLES, 1):
        await _kill(system, role)
        await system.until_ended(0.25 + 0.15 * number)


async def stop_completer(system: System) -> None:
    """SIGTERM of the completer, and a new one."""
    worker = system.deployment.workers[Role.COMPLETER]
    system.say("SIGTERM of the completer")
    await system.terminate(worker)
    await system.restart(worker)


async def _kill(system: System, role: Role) -> None:
    worker = system.deployment.workers[role]
    system.kill(worker)
    await system.restart(worker)


FAULTS = (
    Fault(name="kill-redactor", inject=kill_redactor),
    Fault(name="kill-completer", inject=kill_completer),
    Fault(name="kill-rehydrator", inject=kill_rehydrator),
    Fault(name="kill-each", inject=kill_each, short=True),
    Fault(name="stop-completer", inject=stop_completer, short=True),
)
