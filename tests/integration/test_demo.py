"""The demo as a newcomer runs it; and that it fails where something leaked."""

import asyncio
import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from rich.cells import cell_len
from rich.console import Console

from infra.broker import BOOTSTRAP_VARIABLE, start_broker
from infra.demo import Demo
from infra.demo.samples import JOBS_FILE, POLICY_FILE, canaries, load_samples
from infra.demo.screen import Screen
from infra.sweep import sweep
from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.request import redact_request

COMMAND = [sys.executable, "-m", "agents", "demo"]
PROJECT = Path(__file__).resolve().parents[2]


class Run:
    """One demo whose steps the tests call, with what it printed."""

    def __init__(self) -> None:
        self.printed = StringIO()
        self.demo = Demo(Screen(Console(file=self.printed, width=80, highlight=False)))

    def judge(self) -> tuple[int, str]:
        before = len(self.printed.getvalue())
        return self.demo.judge(), self.printed.getvalue()[before:]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Everything up to the point where all is stopped and nothing has been searched."""
    started = Run()
    with started.demo:
        started.demo.start_broker()
        asyncio.run(started.demo.run_jobs())
        yield started


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """The environment of a demo whose temporary files can be told from other tests'."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


def test_each_job_is_shown_submitted_as_openai_saw_it_and_as_it_came_back(run: Run) -> None:
    blocks = re.split(r"^── (?=\d+/)", run.printed.getvalue(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(run.demo.samples) >= 12
    for block, sample in zip(blocks, run.demo.samples, strict=True):
        views = re.split(r"^ (submitted|OpenAI saw|came back)$", block, flags=re.MULTILINE)
        assert views[1::2] == ["submitted", "OpenAI saw", "came back"]
        submitted, seen, back = (" ".join(view.split()) for view in views[2::2])
        assert "«" in submitted
        assert "«" not in seen
        assert not [value for value in sample.values if value in seen]
        if sample.ends == "completed":
            assert "receipt" in back
            assert "«" in back
        else:
            assert seen == "nothing"
            assert sample.ends in back


def test_plain_output_fits_eighty_columns_and_holds_no_escapes(run: Run) -> None:
    lines = run.printed.getvalue().splitlines()
    assert not [line for line in lines if cell_len(line) > 80 or line != line.rstrip() or "\x1b" in line]


def test_all_good_is_said_and_gives_zero(run: Run) -> None:
    code, said = run.judge()
    assert code == 0
    assert "no hit" in said
    assert "each as it should be" in said


@pytest.mark.parametrize("place", ["logs", "openai", "metrics", "state"])
def test_a_leak_fails_the_demo_and_is_named_without_its_value(run: Run, place: str) -> None:
    """A planted value in a file of one of the places searched, as a leak would leave it."""
    planted = next(item for item in run.demo.samples[0].planted if item.entity == "EMAIL")
    file: Path = getattr(run.demo.folder, place) / "leak"
    file.write_bytes(b'{"text":"' + base64.b64encode(f"mail {planted.value} twice".encode()) + b'"}')
    try:
        code, said = run.judge()
    finally:
        file.unlink()
    assert code == 1
    assert "EMAIL" in said
    assert f"{place}/leak" in said
    assert "FAILED" in said
    assert planted.value not in said
    assert run.judge()[0] == 0


def test_a_job_that_does_not_end_as_it_should_fails_the_demo(run: Run) -> None:
    refused = next(sample.job.job_id for sample in run.demo.samples if sample.ends == "feature_refused")
    completed = next(sample.job.job_id for sample in run.demo.samples if sample.ends == "completed")
    results = run.demo.results
    good = results[completed]
    results[completed] = results[refused]
    try:
        code, said = run.judge()
    finally:
        results[completed] = good
    assert code == 1
    assert f"{completed}: ended feature_refused" in " ".join(said.split())


def test_the_fixtures_hold_no_value_that_a_scanner_could_take_for_a_credential() -> None:
    text = JOBS_FILE.read_text(encoding="utf-8")
    assert "{{canary:GITHUB_TOKEN}}" in text
    assert not re.search(r"AKIA|gh[po]_|sk-|eyJ|-----BEGIN", text)


def test_every_planted_value_is_found_whatever_was_drawn() -> None:
    policies = load_policies(POLICY_FILE)
    detectors = PolicyDetectors(policies)
    for _ in range(5):
        for sample in load_samples():
            if sample.ends != "completed":
                continue
            job, policy = sample.job, policies.select(sample.job.tenant, sample.job.policy)
            scope = Scope(key=b"key", id=f"{job.tenant}/job/{job.job_id}")
            redacted = redact_request(
                job.endpoint, bytes(job.request), policy=policy, detector=detectors(policy), scope=scope
            )
            assert not sweep(canaries([sample]), {"body": redacted.body}).hits


def test_a_given_broker_is_searched_as_its_readers_see_it(outside: dict[str, str]) -> None:
    """Whatever else the environment says: proxies and another deployment's settings are not the demo's."""
    with start_broker() as broker:
        done = subprocess.run(
            COMMAND,
            cwd=PROJECT,
            env={
                **outside,
                BOOTSTRAP_VARIABLE: broker.bootstrap_servers,
                "VEIL__POLICY__FILE": "elsewhere",
                "http_proxy": "http://127.0.0.1:9",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert asyncio.run(_topics_left(broker.bootstrap_servers)) == []
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Not looked at: the disk of the broker you gave" in " ".join(done.stdout.split())
    assert not list(Path(outside["TMPDIR"]).iterdir())


def test_a_broker_that_cannot_be_had_is_one_line_and_one(outside: dict[str, str]) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=PROJECT,
        env={**outside, BOOTSTRAP_VARIABLE: "127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no Kafka broker answers at 127.0.0.1:9" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(Path(outside["TMPDIR"]).iterdir())


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL"],
)
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    outside: dict[str, str], number: signal.Signals, code: int
) -> None:
    demo = subprocess.Popen(
        COMMAND,
        cwd=PROJECT,
        env=outside,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A shell starts what runs in its background deaf to Ctrl-C, and tests may run there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        workers = _wait_for_workers(demo.pid)
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(workers) == 3
        demo.send_signal(number)
        demo.communicate(timeout=60)
        assert demo.returncode == code
        _, left = psutil.wait_procs(family, timeout=20)
        assert not left
        deadline = time.monotonic() + 20
        while list(Path(outside["TMPDIR"]).iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not list(Path(outside["TMPDIR"]).iterdir())
    finally:
        demo.kill()
        demo.communicate()


async def _topics_left(servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return [name for name in await admin.list_topics() if name.startswith("veil-demo-")]
    finally:
        await admin.close()


def _wait_for_workers(pid: int) -> list[psutil.Process]:
    """The demo's three workers, once they run."""
    deadline = time.monotonic() + 60
    found: list[psutil.Process] = []
    while len(found) < 3 and time.monotonic() < deadline:
        found = [child for child in psutil.Process(pid).children() if "worker" in _command_line(child)]
        time.sleep(0.1)
    return found


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
