"""One round: a fresh broker, a fault under load, rest, and everything that is left of it as evidence."""

import asyncio
import contextlib
import shutil
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from aiokafka.errors import KafkaError
from rich.console import Console

from infra.broker import BrokerUnavailable, LocalBroker, start_broker
from infra.kafka.cluster import start_cluster
from infra.kafka.node import KRaftNode
from infra.sweep import render
from pipeline.errors import VeilError
from tests.chaos.fault import Fault
from tests.chaos.offsets import unfinished
from tests.chaos.outcomes import Outcomes, ended_wrongly
from tests.chaos.search import BROKER, search
from tests.chaos.system import System, chaos_settings
from tests.chaos.verdict import Evidence, Row, judge, unplayed
from tests.integration.deployment import WorkerFailed

SETTLE_TIMEOUT = 120.0
_STALLED = 3.0
_RECONCILIATIONS = 2


@contextlib.contextmanager
def broker_of(fault: Fault, folder: Path) -> Iterator[dict[int, KRaftNode]]:
    """As many nodes as the fault needs, by id, with their data in `folder`."""
    if fault.cluster:
        with start_cluster(folder) as cluster:
            yield cluster.nodes
        return
    with start_broker(local=True, data_dir=folder) as broker:
        assert isinstance(broker, LocalBroker)
        yield {1: broker.node}


def play(fault: Fault, number: int, *, jobs: int, brief: bool, console: Console) -> Row:
    """Play one round and judge it; nothing of it is kept but the figures, unless a promise is broken."""
    folder = Path(mkdtemp(prefix="veil-chaos-"))
    console.print(f"{fault.name}, round {number}: {fault.text}", highlight=False)
    started = time.monotonic()
    with broker_of(fault, folder / BROKER) as nodes:
        settings = chaos_settings(
            ",".join(node.bootstrap_servers for node in nodes.values()),
            folder,
            partitions=fault.partitions,
            replication=len(nodes),
            session_timeout=fault.session_timeout,
            max_attempts=fault.max_attempts,
        )
        system = System(
            nodes,
            settings,
            folder,
            fault.model(),
            jobs=jobs,
            completers=fault.completers,
            brief=brief,
            window=fault.window,
            console=console,
        )
        try:
            evidence = asyncio.run(_run(system, fault))
        except (AssertionError, TimeoutError, KafkaError, VeilError, WorkerFailed, BrokerUnavailable) as exc:
            # Our own innermost frame says which wait; the message may be somebody else's.
            ours = [frame.name for frame in traceback.extract_tb(exc.__traceback__) if "tests/chaos" in frame.filename]
            where = ours[-1]
            console.print(f"  ENDED EARLY in {where}; what is left lies in {folder}", highlight=False)
            return unplayed(fault.name, number, jobs=jobs, reason=type(exc).__name__)
    report = search(folder, {kind: canary.value for kind, canary in system.canaries.items()})
    evidence.canaries, evidence.unsearched = len(report.hits), len(report.problems)
    if not report.clean:
        console.print(render(report), highlight=False, markup=False)
    # A job that the broker lost behind the completer, and one that was not answered, has to be called again.
    allowed = system.allowed + evidence.reconciled + system.model.failed
    row = judge(evidence, fault=fault.name, number=number, allowed=allowed, seconds=time.monotonic() - started)
    if row.broken:
        console.print(f"  BROKEN: {'; '.join(row.broken)}; what is left lies in {folder}", highlight=False)
    else:
        shutil.rmtree(folder)
    return row


async def _run(system: System, fault: Fault) -> Evidence:
    async with system:
        loading = asyncio.create_task(system.load.run(lambda: len(system.outcomes.ended)))
        await system.until_ended(fault.after)
        await fault.inject(system)
        await loading
        reconciled, lag = await _settle(system, may_lose=fault.may_lose)
        exit_codes = await system.terminate_all()
        final = await Outcomes(system.settings, system.client).read_all()
    return Evidence(
        jobs=frozenset(system.load.jobs),
        results=final.results,
        letters=final.letters,
        poison=frozenset(system.poison),
        poison_letters=final.nameless,
        wrong=ended_wrongly(final.opened, system.load.texts),
        calls=system.model.calls(),
        reconciled=reconciled,
        lag=lag,
        exit_codes=exit_codes,
    )


async def _settle(system: System, *, may_lose: bool) -> tuple[int, int]:
    """Wait until every job has ended and every record is finished; gives what was reconciled and what is left.

    A job without an end although every group has finished every record is lost. Where a node alone can
    have lost what it had acknowledged (`may_lose`), its requester submits it again, under the same id;
    so it does, whatever the fault, with a job whose submission nobody acknowledged.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + SETTLE_TIMEOUT
    reconciled = rounds = 0
    progress, since, said = -1, loop.time(), (-1, -1)
    while True:
        ended = system.outcomes.ended
        missing = system.load.jobs.keys() - ended
        if len(ended) != progress:
            progress, since = len(ended), loop.time()
        if not missing or loop.time() - since > _STALLED:
            lag = await unfinished(system.settings)
            if (len(missing), lag) != said:
                said = len(missing), lag
                system.say(f"{len(missing)} jobs without an end, {lag} records unfinished")
            if (not missing and not lag) or loop.time() > ends_at:
                return reconciled, lag
            if missing and not lag:
                again = missing if may_lose else missing & system.load.unsure
                if not again or rounds == _RECONCILIATIONS:
                    return reconciled, lag
                rounds += 1
                reconciled += len(again - system.load.unsure)
                await system.load.again(sorted(again))
                since = loop.time()
        await asyncio.sleep(0.2)
