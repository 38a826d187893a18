"""Three worker processes, one a role, each with its own keys; as root the completer has its own user as well."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from infra.demo.errors import DemoFailed
from infra.demo.folder import DemoFolder
from pipeline.keys import HOLDINGS, Role

ROLES = (Role.REDACTOR, Role.COMPLETER, Role.REHYDRATOR)
PROJECT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 45.0
# A number that no distribution gives to anybody.
_COMPLETER_UID = 61101

# Becomes the completer's user, opens what it needs, and tries the other roles' private keys.
_PROBE = """
import os, sys
uid = int(sys.argv[1])
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
open(sys.argv[2], "rb").close()
denied = 0
for path in sys.argv[3:]:
    try:
        open(path, "rb").close()
    except PermissionError:
        denied += 1
print(denied)
"""


class Workers:
    """The processes of one run."""

    def __init__(self, folder: DemoFolder, environment: Mapping[str, str], openai_url: str) -> None:
        self._folder = folder
        self._environment = environment
        self._openai_url = openai_url
        self._processes: dict[Role, subprocess.Popen[bytes]] = {}
        self.users: dict[Role, int] = {}
        self.shared_user = ""
        self.denied_keys = 0

    def separate_completer(self) -> None:
        """Give the completer a user of its own, and see that it cannot read the other roles' keys."""
        others = [path for role in set(Role) - {Role.COMPLETER} for path in (self._folder.keys / role).glob("*.key")]
        if os.geteuid() != 0:
            self.shared_user = "only root can give the completer one of its own"
            return
        # To reach its own folders, that user must pass through these; listing them stays ours.
        self._folder.path.chmod(0o711)
        for parent in (self._folder.keys, self._folder.state):
            parent.chmod(0o711)
        self._folder.settings.chmod(0o644)
        command = [sys.executable, "-c", _PROBE, str(_COMPLETER_UID), str(self._folder.settings), *map(str, others)]
        probe = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
        if probe.returncode:
            self.shared_user = "no other user may be taken, or reach the temporary folder"
            return
        self.denied_keys = int(probe.stdout)
        if self.denied_keys != len(others):
            raise DemoFailed("the completer's user can read another role's private key")
        self.users = {Role.COMPLETER: _COMPLETER_UID}

    def start(self) -> None:
        """Start all three; `ready` waits for them."""
        for role in ROLES:
            state = self._folder.state / role
            state.mkdir(mode=0o700)
            own = {"VEIL__KEYS__DIR": str(self._folder.keys / role), "VEIL__STATE__DIR": str(state)}
            if role is Role.COMPLETER:
                own |= {"OPENAI_BASE_URL": self._openai_url, "OPENAI_API_KEY": "none-needed"}
            user = self.users.get(role)
            if user is not None:
                os.chown(state, user, user)
            program = ["agents"] if user is None else ["infra.as_user", str(user)]
            command = [sys.executable, "-m", *program, "worker", "--role", role, "--config", str(self._folder.settings)]
            with (self._folder.logs / f"{role}.log").open("wb") as log:
                process = subprocess.Popen(
                    command,
                    cwd=PROJECT,
                    env={**self._environment, **own},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for the demo, which then stops them in order
                )
            self._processes[role] = process
            self._folder.watch(process.pid)

    async def ready(self) -> None:
        """Wait until each has joined its consumer group."""
        deadline = time.monotonic() + START_TIMEOUT_S
        async with aiohttp.ClientSession() as http:
            for role in ROLES:
                while not await self._is_ready(http, role):
                    self.check()
                    if time.monotonic() > deadline:
                        raise DemoFailed(f"the {role} was not ready within {START_TIMEOUT_S:.0f} s{self._why(role)}")
                    await asyncio.sleep(0.05)

    def check(self) -> None:
        """Raise if one has ended."""
        for role, process in self._processes.items():
            if process.poll() is not None:
                raise DemoFailed(f"the {role} ended with status {process.returncode}{self._why(role)}")

    async def watch(self) -> None:
        """Raise as soon as one has ended."""
        while True:
            self.check()
            await asyncio.sleep(0.2)

    async def save_metrics(self) -> None:
        """Keep what each serves on /metrics, to be searched as well."""
        async with aiohttp.ClientSession() as http:
            for role in ROLES:
                async with http.get(f"http://127.0.0.1:{self._port(role)}/metrics") as response:
                    (self._folder.metrics / f"{role}.txt").write_bytes(await response.read())

    async def stop(self) -> None:
        """SIGTERM, wait, and insist that all ended well."""
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while any(process.poll() is None for process in self._processes.values()):
            if time.monotonic() > deadline:
                raise DemoFailed(f"a worker did not stop within {STOP_TIMEOUT_S:.0f} s")
            await asyncio.sleep(0.05)
        self._folder.watch(None)
        for role, process in self._processes.items():
            if process.returncode:
                raise DemoFailed(f"the {role} ended with status {process.returncode}{self._why(role)}")

    def kill(self) -> None:
        """For when something went wrong; nothing happens to those that have ended."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._folder.watch(None)

    async def _is_ready(self, http: aiohttp.ClientSession, role: Role) -> bool:
        port = self._port(role)
        if port is None:
            return False
        try:
            async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def _port(self, role: Role) -> int | None:
        for line in self._lines(role):
            if '"worker.started"' in line and line.endswith("}"):
                port: int = json.loads(line)["port"]
                return port
        return None

    def _lines(self, role: Role) -> list[str]:
        return (self._folder.logs / f"{role}.log").read_text(errors="replace").splitlines()

    def _why(self, role: Role) -> str:
        lines = self._lines(role)
        return f"; the end of its log: {lines[-1]}" if lines else ""


def private_keys(role: Role) -> str:
    """The private keys that a role holds, in words."""
    return ", ".join(sorted(HOLDINGS[role].private)) or "none"
