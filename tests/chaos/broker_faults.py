"""Faults of the broker: killed, unreachable, one node of a cluster lost."""

import asyncio
import resource

from pipeline.adapters.kafka import open_admin
from pipeline.keys import Role
from tests.chaos.fault import Fault
from tests.chaos.system import System
from tests.integration.deployment import eventually

_OUTLASTED = 45.0
"""The default session timeout, in seconds: the outages here are shorter, so partitions stay where they are."""

_FULL_BYTES = 4096
_ENDS_ITSELF = 60.0


async def kill_broker(system: System) -> None:
    """SIGKILL of a broker that is alone, and a restart on its data."""
    (node,) = system.nodes.values()
    await system.kill_node(node)
    await system.restart_node(node)


async def pause_broker(system: System) -> None:
    """A broker that is alone does not answer for 30 s (SIGSTOP, SIGCONT)."""
    (node,) = system.nodes.values()
    system.say("SIGSTOP of the broker")
    node.pause()
    try:
        await asyncio.sleep(10 if system.brief else 30)
    finally:
        node.resume()
    system.say("SIGCONT of the broker")


async def full_disk(system: System) -> None:
    """A broker that is alone can't write any more and ends itself; it is started again on its data, with room."""
    (node,) = system.nodes.values()
    pid = node.pid
    assert pid is not None
    # To Kafka a file that may not grow is a disk that is full (EFBIG instead of ENOSPC); needs no root.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, resource.RLIM_INFINITY))
    system.say("the broker's disk is full")
    await eventually(lambda: node.pid is None, timeout=_ENDS_ITSELF, what="the broker ending itself")
    await system.kill_node(node)
    await system.restart_node(node)


async def kill_coordinator(system: System) -> None:
    """SIGKILL of the node of a cluster that coordinates the completers' group, and a restart on its data."""
    admin = await open_admin(system.settings)
    try:
        coordinator = await admin.find_coordinator(f"{system.settings.kafka.topic_prefix}{Role.COMPLETER}")
    finally:
        await admin.close()
    node = system.nodes[coordinator]
    await system.kill_node(node)
    await system.until_ended(0.5)
    await system.restart_node(node)


FAULTS = (
    Fault(name="kill-broker", inject=kill_broker, may_lose=True, session_timeout=_OUTLASTED, short=True),
    Fault(name="pause-broker", inject=pause_broker, session_timeout=_OUTLASTED),
    Fault(name="full-disk", inject=full_disk, may_lose=True, session_timeout=_OUTLASTED),
    Fault(name="kill-coordinator", inject=kill_coordinator, cluster=True, session_timeout=_OUTLASTED),
)
