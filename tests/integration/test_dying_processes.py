"""A worker that dies, however it does: no core, no debugger, and not a word of a job on its way out."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics
from pipeline.client import Client
from pipeline.settings import Settings
from schemas.result import Status
from tests.integration.deployment import ROOT, Deployment, WorkerProcess, environment_of, eventually
from tests.integration.test_pipeline import TIMEOUT, chat

CANARY = "kestrel.4711@example.org"


async def test_a_segmentation_fault_leaves_no_core_and_says_nothing(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    careless = {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "0"}
    async with Deployment(settings, tmp_path, openai_base_url=stub.base_url, environment=careless) as deployment:
        await deployment.start()
        async with Client(settings) as client:
            result = await client.complete(client.job(chat(f"mail {CANARY}")), timeout=TIMEOUT)
        assert result.status is Status.COMPLETED
        for worker in deployment.workers.values():
            limits = Path(f"/proc/{worker.pid}/limits").read_text(encoding="utf-8")
            assert "Max core file size        0                    0" in limits
            worker.signal(signal.SIGSEGV)
        for worker in deployment.workers.values():
            await ended(worker)
            assert worker.exit_code == -signal.SIGSEGV
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left if "core" in path.name] == []
    assert [path for path in left if CANARY.encode() in path.read_bytes()] == []
    outputs = b"".join(worker.output.read_bytes() for worker in deployment.workers.values())
    assert b"Fatal Python error" not in outputs


async def ended(worker: WorkerProcess) -> None:
    await eventually(lambda: not worker.running, timeout=TIMEOUT, what="the end")


async def run(*command: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code, and all that was said."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, said.decode()


DYING = """
import asyncio, os, sys
from contextlib import asynccontextmanager
from agents import redactor
from agents.worker import ROLES, Worker
from pipeline.keys import Role
from pipeline.logs import configure, on_loop_exception
from pipeline.settings import load_settings

settings = load_settings()
configure(settings.log)
value = os.environ["CANARY"]
class Fault(Exception): pass

class Unreadable(tuple):
    def __iter__(self): raise Fault(value)

class Broken:
    state = None
    async def process(self, inbound):
        if sys.argv[1] == "ledger":
            return Unreadable()
        raise Fault(value)

class BrokenRedactor:
    SOURCES = redactor.SOURCES
    @asynccontextmanager
    async def open_stage(self, *_): yield Broken()

class BrokenAtStart(BrokenRedactor):
    @asynccontextmanager
    async def open_stage(self, *_):
        raise Fault(value)
        yield

async def fail(*_, **__): raise Fault(value)

async def main():
    asyncio.get_running_loop().set_exception_handler(on_loop_exception)
    module = BrokenAtStart() if sys.argv[1] == "start" else BrokenRedactor()
    worker = Worker(settings, [Role.REDACTOR], {**ROLES, Role.REDACTOR: module})
    await worker.start()
    app = worker._apps[Role.REDACTOR]
    if sys.argv[1] == "background":
        worker._background(fail())
    if sys.argv[1] == "agent":
        app.ledgers.admit = fail
        asyncio.get_running_loop().call_later(4, worker.crashed.set)
    await asyncio.wait_for(worker.crashed.wait(), 30)
    await worker.stop()
    sys.exit(3)

asyncio.run(main())
"""
WAYS = {"stage": 3, "background": 3, "agent": 3, "start": 1, "ledger": 3}
"""What breaks, and the exit code: 3 where the worker itself has noticed."""


@pytest.mark.parametrize(("way", "exit_code"), WAYS.items(), ids=WAYS.keys())
async def test_a_fault_in_a_workers_own_machinery_shows_its_type_and_place_alone(
    settings: Settings, stub: OpenAIStub, way: str, exit_code: int
) -> None:
    await create_topics(settings)
    async with Client(settings) as client:
        await client.submit(client.job(chat(f"mail {CANARY}")))
    environment = {**os.environ, **environment_of(settings), "CANARY": CANARY, "PYTHONPATH": str(ROOT)}
    code, said = await run(sys.executable, "-X", "dev", "-W", "always", "-c", DYING, way, environment=environment)
    assert code == exit_code
    assert "Fault" in said
    assert "Traceback" not in said
    assert CANARY not in said
    assert "kestrel" not in said
