"""The command line against three separate workers: what a user types, and what comes back."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from infra.openai_stub import OpenAIStub
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from tests.integration.deployment import Deployment, environment_of

TEXT = 'Café “Zürich”: mail user{n}@example.org, card 4012 8888 8888 1881.\n\t{{"a": "b\\n"}} 🙂'


class Shell:
    """Runs `veil` as a user of that deployment would."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("VEIL__", "OPENAI_"))
        } | environment_of(settings)

    async def veil(self, *arguments: str) -> tuple[int, list[Any], str]:
        """Exit code, stdout as JSON Lines, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agents", *arguments,
            cwd=self.folder, env=self._environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.fixture
async def shell(settings: Settings, stub: OpenAIStub, tmp_path: Path) -> AsyncIterator[Shell]:
    async with Deployment(settings, tmp_path / "workers", openai_base_url=stub.base_url) as deployment:
        await deployment.start()
        yield Shell(settings, tmp_path)
        assert set((await deployment.terminate()).values()) == {0}


def job_line(number: int, **request: Any) -> str:
    messages = [{"role": "user", "content": TEXT.format(n=number)}]
    body = {"model": "m", "messages": messages, **request}
    return json.dumps({"job_id": f"job-{number}", "endpoint": "chat.completions", "request": body})


def content(result: Any) -> str:
    text: str = result["response"]["choices"][0]["message"]["content"]
    return text


async def test_submit_returns_every_result_restored_exactly(shell: Shell) -> None:
    (shell.folder / "jobs.jsonl").write_text("\n".join(job_line(n) for n in range(100)), encoding="utf-8")
    code, printed, said = await shell.veil("submit", "jobs.jsonl", "--wait", "--out", "results.jsonl")
    assert (code, printed) == (0, []), said
    assert "100 of 100 completed" in said
    out = shell.folder / "results.jsonl"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    results = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {result["job_id"]: content(result) for result in results} == {
        f"job-{n}": TEXT.format(n=n) for n in range(100)
    }


async def test_a_refused_job_is_told_and_can_be_looked_at(shell: Shell) -> None:
    (shell.folder / "jobs.jsonl").write_text(f"{job_line(1)}\n{job_line(2, web_search_options={})}\n", encoding="utf-8")
    code, results, said = await shell.veil("submit", "jobs.jsonl", "--wait")
    assert code == 1
    assert "1 of 2 completed, 1 feature_refused" in said
    assert {result["job_id"]: result["status"] for result in results} == {"job-1": "completed", "job-2": "failed"}
    code, letters, _ = await shell.veil("dlq", "list")
    assert (code, [(letter["job"], letter["code"]) for letter in letters]) == (0, [("job-2", "feature_refused")])
    code, shown, _ = await shell.veil("dlq", "show", "job-2")
    assert code == 0
    assert shown[0]["original"].startswith("sealed to replay key")
    assert "user2@" not in json.dumps(shown)
    code, _, said = await shell.veil("dlq", "show", "job-3")
    assert code == 1
    assert "no dead letter" in said


async def test_a_plain_clients_job_is_readable_by_results(shell: Shell, settings: Settings) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    await producer.start()
    plain = {"schema": "job/1", **json.loads(job_line(7))}
    await producer.send_and_wait(TopicNames(settings.kafka.topic_prefix)["plain"], json.dumps(plain).encode())
    await producer.stop()
    for _ in range(60):
        code, results, said = await shell.veil("results")
        assert code == 0, said
        if results:
            break
    assert [(result["job_id"], content(result)) for result in results] == [("job-7", TEXT.format(n=7))]


async def test_a_running_deployment_passes_its_checks(shell: Shell) -> None:
    code, _, said = await shell.veil("topics", "check")
    assert code == 0, said
    code, checks, said = await shell.veil("doctor")
    assert code == 0, said
    verdicts = {check["name"]: check["verdict"] for check in checks}
    assert verdicts["topics"] == "ok"
    assert "fail" not in verdicts.values()
