"""Worker processes as an operator runs them: one a role, settings by environment, output in files.

async with Deployment(settings, tmp_path, openai_base_url=stub.base_url) as deployment:
    await deployment.start()
    deployment.workers[Role.COMPLETER].kill()
    await deployment.start(Role.COMPLETER)
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from pipeline.keys import Role
from pipeline.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
ROLES = (Role.REDACTOR, Role.COMPLETER, Role.REHYDRATOR)
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
COMMAND_TIMEOUT = 60.0
_POLL = 0.05


class WorkerFailed(Exception):
    """A worker did not do in time what was asked of it; the message names its output file."""


async def eventually(condition: Callable[[], Any], *, timeout: float, what: str) -> None:
    """Wait until `condition` holds; `what` says what did not happen when it never does."""
    ends_at = asyncio.get_running_loop().time() + timeout
    while not condition():
        if asyncio.get_running_loop().time() > ends_at:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        await asyncio.sleep(_POLL)


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give these settings to a process: those that differ from the defaults."""
    given, usual = (dict(_flat(msgspec.to_builtins(item, enc_hook=str))) for item in (settings, Settings()))
    return {
        ENV_PREFIX + "__".join(path).upper(): _spelled(value)
        for path, value in given.items()
        if value != usual.get(path)
    }


def _flat(tree: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, (*path, name))
        else:
            yield (*path, name), value


def _spelled(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


async def run_veil(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """The command as an operator runs it, with nobody to answer its questions: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agents", *arguments),
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)} | environment_of(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT)
    code: int = process.returncode if process.returncode is not None else -1
    return code, out.decode(), err.decode()


class WorkerProcess:
    """`veil worker --role ROLE` as a process of its own; it dies with the process that started it.

    It has a working folder, a home and a folder for temporary files of its own, all
    under `folder`, so that whatever it writes can be searched.
    """

    def __init__(
        self, role: str, environment: dict[str, str], folder: Path, *, user: int | None = None, program: str = "agents"
    ) -> None:
        self.role = role
        self.folder = folder
        self.output = folder / "output.log"
        command = [program] if user is None else ["infra.as_user", str(user)]
        self._command = [sys.executable, "-m", *command, "worker", "--role", role]
        self._user = user
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    def __repr__(self) -> str:
        return f"<WorkerProcess {self.role} {self.pid}>"

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the process ended; negative is the signal that ended it."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start the process; `ready` waits until it works. Its output is appended to the earlier one's."""
        if self.running:
            raise WorkerFailed(f"the {self.role} runs already")
        self._release()
        for name in ("work", "home", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            if self._user is not None:
                os.chown(self.folder / name, self._user, self._user)
        self._read_from = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder / "work",
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "PYTHONPATH": str(ROOT),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "HOME": str(self.folder / "home"),
                    "TMPDIR": str(self.folder / "tmp"),
                    **self._environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # It reads a pipe that only this process holds open: a run that is cut off leaves no worker behind.
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", 'read _; kill -9 "$1"', "sh", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    async def ready(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until `/readyz` says yes.

        Raises:
            WorkerFailed: it ended, or took too long.
        """
        ends_at = asyncio.get_running_loop().time() + timeout
        while True:
            if not self.running:
                raise WorkerFailed(
                    f"the {self.role} ended with {self.exit_code} while starting; see {self.output.name}"
                )
            if self.port is not None and (await self._get("/readyz"))[0] == 200:
                return
            if asyncio.get_running_loop().time() > ends_at:
                raise WorkerFailed(f"the {self.role} was not ready within {timeout:g} s; see {self.output.name}")
            await asyncio.sleep(_POLL)

    @property
    def port(self) -> int | None:
        """The health port that the running process has logged."""
        for line in self.events("worker.started"):
            port = line.get("port")
            return port if isinstance(port, int) else None
        return None

    def events(self, name: str | None = None) -> Iterator[dict[str, Any]]:
        """The running process's log lines so far, or those of one event."""
        if not self.output.exists():
            return
        with self.output.open("rb") as output:
            output.seek(self._read_from)
            for line in output:
                # What is no JSON line of ours (a crash's own words) is for the sweep, not for here.
                if name is not None and name.encode() not in line:
                    continue
                try:
                    event = msgspec.json.decode(line, type=dict[str, Any])
                except msgspec.DecodeError:
                    continue
                if name is None or event.get("event") == name:
                    yield event

    async def metrics(self) -> str:
        """What `/metrics` gives now."""
        status, text = await self._get("/metrics")
        if status != 200:
            raise WorkerFailed(f"the {self.role} gave no metrics")
        return text

    async def metric(self, name: str) -> float:
        """One sample of this process, summed over roles; 0 when it is not there."""
        lines = [line for line in (await self.metrics()).splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is somebody to get it (SIGSTOP and SIGCONT for a pause)."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no goodbye to the group, nothing published."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._release()

    async def terminate(self, timeout: float = STOP_TIMEOUT) -> int:
        """SIGTERM, and wait; gives the exit code.

        Raises:
            WorkerFailed: it did not end in time; it is killed then.
        """
        process = self._process
        if process is None:
            raise WorkerFailed(f"the {self.role} was never started")
        self.signal(signal.SIGTERM)
        try:
            await eventually(lambda: not self.running, timeout=timeout, what=f"the {self.role} ending")
        except AssertionError as exc:
            self.kill()
            raise WorkerFailed(str(exc)) from None
        self._release()
        return process.returncode

    def _release(self) -> None:
        """End the watcher, so that it never kills a process that has got the same id later."""
        if self._watcher is not None:
            self._watcher.kill()
            if self._watcher.stdin is not None:
                self._watcher.stdin.close()
            self._watcher.wait()
            self._watcher = None

    async def _get(self, path: str) -> tuple[int, str]:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as response,
            ):
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""


class Deployment:
    """The three roles, each a process with its own keys; whatever still runs at the end is killed.

    Args:
        settings: As for one process; `keys.dir` is the keyring of all roles, of which each
            process gets its own folder, and each gets a state folder of its own.
        folder: Where the processes' own folders go.
        openai_base_url: What the completer alone is told, with an API key.
        environment: Further variables, for every process.
        users: Roles that run under another uid (needs root).
        program: The module that is run; one of a test's may change the world that `agents` finds.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        openai_base_url: str,
        environment: dict[str, str] | None = None,
        users: dict[Role, int] | None = None,
        program: str = "agents",
    ) -> None:
        self.settings = settings
        self.folder = folder
        self._openai = {"OPENAI_BASE_URL": openai_base_url, "OPENAI_API_KEY": "test"}
        self._environment = environment or {}
        self._users = users or {}
        self._program = program
        self.all: list[WorkerProcess] = []
        self.workers: dict[Role, WorkerProcess] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for worker in self.all:
            worker.kill()

    def add(self, role: Role, name: str | None = None) -> WorkerProcess:
        """A process of one role, not yet started; a second one of a role needs a name."""
        name = name or role.value
        folder = self.folder / name
        settings = msgspec.structs.replace(
            self.settings,
            keys=msgspec.structs.replace(self.settings.keys, dir=self.settings.keys.dir / role),
            state=msgspec.structs.replace(self.settings.state, dir=folder / "work" / "state"),
        )
        environment = environment_of(settings) | self._environment
        if role is Role.COMPLETER:
            environment |= self._openai
        worker = WorkerProcess(role.value, environment, folder, user=self._users.get(role), program=self._program)
        self.all.append(worker)
        return worker

    async def start(self, *roles: Role) -> None:
        """Start the roles (all, if none is named) at once and wait until they are ready."""
        for role in roles or ROLES:
            if role not in self.workers:
                self.workers[role] = self.add(role)
            self.workers[role].start()
        await asyncio.gather(*(self.workers[role].ready() for role in roles or ROLES))

    async def terminate(self) -> dict[str, int]:
        """Stop every process that runs, gracefully; gives the exit codes by folder name."""
        running = [worker for worker in self.all if worker.running]
        codes = await asyncio.gather(*(worker.terminate() for worker in running))
        return {worker.folder.name: code for worker, code in zip(running, codes, strict=True)}

    async def metrics(self) -> str:
        """The metrics of every process that runs."""
        return "\n".join([await worker.metrics() for worker in self.all if worker.running])
