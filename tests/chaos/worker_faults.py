"""Faults of the workers: killed, stopped, joined, paused, with a clock that jumps."""

import asyncio
import signal

from pipeline.keys import Role
from tests.chaos.fault import Fault
from tests.chaos.system import System
from tests.integration.deployment import ROLES, WorkerProcess, eventually

_TAKEN_OVER = 30.0


async def kill_completer(system: System) -> None:
    """SIGKILL of the completer, and a new one."""
    await _replace(system, system.deployment.workers[Role.COMPLETER])


async def kill_each(system: System) -> None:
    """SIGKILL of each role in turn, under load each time."""
    for number, role in enumerate(ROLES, 1):
        await _replace(system, system.deployment.workers[role])
        await system.until_ended(0.25 + 0.15 * number)


async def stop_completer(system: System) -> None:
    """SIGTERM of the completer, and a new one."""
    worker = system.deployment.workers[Role.COMPLETER]
    await system.terminate(worker)
    await system.restart(worker)


async def join_completer(system: System) -> None:
    """A second completer joins."""
    second = system.add_completer()
    second.start()
    await second.ready()
    system.say("it has joined")


async def leave_completer(system: System) -> None:
    """One of two completers leaves by SIGTERM."""
    await system.until_loaded()
    await system.terminate(system.deployment.workers[Role.COMPLETER])


async def pause_completer(system: System) -> None:
    """One of two completers is stopped (SIGSTOP) until the other has its partitions, and comes back."""
    await system.until_loaded()
    zombie, heir = system.completers()
    await system.signal(zombie, signal.SIGSTOP)
    async with asyncio.timeout(_TAKEN_OVER):
        while await heir.metric("veil_partitions_assigned") < system.settings.kafka.partitions:
            await asyncio.sleep(0.1)
    system.say("the other has its partitions; SIGCONT")
    zombie.signal(signal.SIGCONT)


async def kill_in_rebalance(system: System) -> None:
    """SIGKILL of a completer that has drained for another one that joins, before the group is whole again."""
    first = system.deployment.workers[Role.COMPLETER]
    second = system.add_completer()
    second.start()
    await eventually(
        lambda: _drains(first) > 0, timeout=_TAKEN_OVER, what="the first completer draining for the second"
    )
    await system.signal(first, signal.SIGKILL)
    await second.ready()
    system.say("the second completer works alone")


async def kill_one_of_two_with_64_partitions(system: System) -> None:
    """SIGKILL of one of two completers that share 64 partitions, and a new one."""
    await system.until_loaded()
    await _replace(system, system.deployment.workers[Role.COMPLETER])


async def clock_jumps(system: System) -> None:
    """The workers' clocks jump two hours ahead, then to two hours behind."""
    for ahead, until in ((7200.0, 0.5), (-7200.0, 0.75)):
        system.clock.set(ahead)
        system.say(f"clocks are {ahead:+.0f} s off")
        await system.until_ended(until)


async def _replace(system: System, worker: WorkerProcess) -> None:
    await system.signal(worker, signal.SIGKILL)
    await system.restart(worker)


def _drains(worker: WorkerProcess) -> int:
    return sum(1 for _ in worker.events("partitions.drained"))


FAULTS = (
    Fault(name="kill-completer", inject=kill_completer),
    Fault(name="kill-each", inject=kill_each, short=True),
    Fault(name="stop-completer", inject=stop_completer, short=True),
    Fault(name="join-completer", after=0.1, inject=join_completer),
    Fault(name="leave-completer", completers=2, inject=leave_completer),
    Fault(name="pause-completer", completers=2, inject=pause_completer, short=True),
    Fault(name="kill-in-rebalance", after=0.1, inject=kill_in_rebalance),
    Fault(name="kill-64-partitions", completers=2, inject=kill_one_of_two_with_64_partitions, partitions=64),
    Fault(name="clock-jumps", inject=clock_jumps),
)
