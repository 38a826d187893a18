"""The three roles as processes of their own, as in production: crashed, restarted, kept apart."""

import asyncio
import json
import os
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.openai_stub import OpenAIStub
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.job import Job
from schemas.result import Result, Status
from tests.integration.audit_topic import settled
from tests.integration.deployment import Deployment

NOBODY = 65534
JOBS = 1000
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process under another uid")


def varied_jobs(client: Client) -> tuple[list[Job], dict[str, str]]:
    """Jobs of many shapes, and the text that an echo must give back for each."""
    shapes = (
        "Please write to user{n}@example.org, or call +49 30 90{n:04d}.",
        '{{"name": "N {n}", "card": "4012 8888 8888 1881", "note": "a \\"quoted\\" b\\n", "mail": "m{n}@example.net"}}',
        "Grüße aus Köln — IBAN DE89 3704 0044 0532 0130 00, Nr. {n} 🙂\r\n\ttab\u00a0nbsp",
        "| id | ip |\n|---|---|\n| {n} | 203.0.113.{m} |\n",
        "def f():\n    return '{n}'  # nothing to hide here\n",
        "[EMAIL_k7q2m9xd] looks like a placeholder; so does EMAIL_k7q2m9xd, mail x{n}@example.com",
        "連絡先: tanaka{n}@example.jp、電話 +81 3-1234-5678。",
        "user{n}@example.org user{n}@example.org <user{n}@example.org>, [user{n}@example.org]",
    )
    jobs, texts = [], {}
    for number in range(JOBS):
        text = shapes[number % len(shapes)].format(n=number, m=number % 250)
        parts: Any = [{"type": "text", "text": text}] if number % 5 == 0 else text
        fields = {"conversation": f"c{number % 17}"} if number % 3 == 0 else {}
        job = client.job(
            {"model": "m", "messages": [{"role": "user", "content": parts}]}, job_id=f"job-{number}", **fields
        )
        jobs.append(job)
        texts[job.job_id] = text
    return jobs, texts


def content(result: Result) -> str:
    text: str = json.loads(bytes(result.response))["choices"][0]["message"]["content"]
    return text


def reachable(folder: Path) -> None:
    """Let another user pass through to a folder below pytest's private one; what is in it stays as it is."""
    for parent in (folder, *folder.parents):
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


@as_root
async def test_a_thousand_jobs_survive_a_kill_of_each_role_and_come_back_byte_for_byte(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    reachable(tmp_path)
    reachable(settings.keys.dir)
    stub.config = stub.config.updated({"latency_s": 0.05, "latency_jitter_s": 0.1})
    async with Deployment(
        settings, tmp_path, openai_base_url=stub.base_url, users={Role.COMPLETER: NOBODY}
    ) as deployment:
        await deployment.start()
        completer = deployment.workers[Role.COMPLETER]
        assert Path(f"/proc/{completer.pid}").stat().st_uid in {0, NOBODY}  # root's where a process is not dumpable
        assert f"Uid:\t{NOBODY}\t{NOBODY}" in Path(f"/proc/{completer.pid}/status").read_text(encoding="utf-8")
        async with Client(settings) as client:
            jobs, texts = varied_jobs(client)
            results: dict[str, Result] = {}

            async def collect() -> None:
                async for result in client.complete_all(jobs, max_in_flight=200):
                    assert result.job_id not in results
                    results[result.job_id] = result

            collecting = asyncio.create_task(collect())
            for done, role in enumerate((Role.REDACTOR, Role.COMPLETER, Role.REHYDRATOR), 1):
                while len(results) < done * JOBS // 5 and not collecting.done():
                    await asyncio.wait([collecting], timeout=0.05)
                deployment.workers[role].kill()
                await deployment.start(role)
            await asyncio.wait_for(collecting, 120)
        assert {job_id: content(result) for job_id, result in results.items()} == texts
        assert {result.status for result in results.values()} == {Status.COMPLETED}
        assert set((await deployment.terminate()).values()) == {0}
    published = Counter([envelope_id(value) for value in await read(settings, "results")])
    assert published == Counter(dict.fromkeys(texts, 1)), "a committed reader saw a job twice, or not at all"
    assert await read(settings, "dead_letters") == []
    trail = await settled(settings, events=3 * JOBS)
    assert all(report.whole for report in trail), trail
    sent = b"".join(request.body for request in stub.requests)
    assert not [number for number in range(JOBS) if f"user{number}@".encode() in sent]


def envelope_id(value: bytes) -> str:
    job_id: str = json.loads(value)["job_id"]
    return job_id


async def read(settings: Settings, topic: Any) -> list[bytes]:
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    async with TopicReader(settings, [name], start="beginning") as reader:
        return [record.value async for record in reader.records()]


@as_root
@pytest.mark.parametrize("role", [Role.REDACTOR, Role.REHYDRATOR, Role.OPERATOR, Role.CLIENT])
async def test_the_completers_user_cannot_open_another_roles_keys(settings: Settings, role: Role) -> None:
    reachable(settings.keys.dir)
    process = await asyncio.create_subprocess_exec(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "ls", str(settings.keys.dir / role),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, complaint = await process.communicate()
    assert process.returncode != 0
    assert b"denied" in complaint
