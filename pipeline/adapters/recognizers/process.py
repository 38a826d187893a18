"""A plug-in detector in a process of its own, so that nothing it does can hang or end a worker.

A thread would not do: a call into C (a regular expression that backtracks for
hours, a model) may keep Python's lock, and then no other thread runs, not even the
one that watches the time. A process can be killed.
"""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

import msgspec

from pipeline.adapters.recognizers.wire import Found, Ready, Start, receive, send
from pipeline.detection.types import Finding
from pipeline.errors import VeilError
from schemas.codes import ErrorCode

START_LIMIT = 120.0
# Set in a plug-in's process: a plug-in that builds a detector with plug-ins would start processes without end.
_INSIDE = "VEIL_INSIDE_PLUGIN"


class PluginUnavailable(VeilError):
    """The plug-in cannot be loaded; `detail` says why, without its options."""

    code = ErrorCode.CONFIGURATION


class PluginFailed(Exception):
    """The plug-in raised, ran out of time or its process ended; the text is unchecked."""


class ProcessRecognizer:
    """A `Recognizer` that asks a process; one text at a time, each within the time limit.

    After a failure the process is killed and a new one started, which is waited for
    only within the next text's time: until it is ready, jobs are refused.

    Args:
        name: Of the plug-in's entry point.
        options: JSON, for the plug-in.
        time_limit: Seconds for one text.

    """

    def __init__(self, name: str, options: bytes, time_limit: float) -> None:
        if _INSIDE in os.environ:
            raise PluginUnavailable(f"plug-in {name}: a plug-in may not use plug-ins itself")
        self.name = f"plug-in {name}"
        self._start = Start(name=name, options=msgspec.Raw(options), time_limit=time_limit)
        self._lock = threading.Lock()
        self._spawn()
        try:
            ready = self._wait_ready(time.monotonic() + START_LIMIT)
        except (OSError, EOFError, msgspec.MsgspecError):
            ready = Ready(fault="its process ended or was not ready in time")
        if ready.fault:
            self.close()
            raise PluginUnavailable(f"{self.name}: {ready.fault}")
        self._ready: Ready | None = ready
        self.entities = frozenset(ready.entities)
        self.reads = ready.reads
        self.version = hashlib.sha256(msgspec.json.encode((self._start, ready))).hexdigest()

    def __repr__(self) -> str:
        return f"<ProcessRecognizer {self.name}>"

    def find(self, text: str) -> Iterable[Finding]:
        """Ask the process.

        Raises:
            PluginFailed: No findings in time.

        """
        failed = False
        deadline = time.monotonic() + self._start.time_limit
        if not self._lock.acquire(timeout=self._start.time_limit):
            raise PluginFailed
        try:
            if self._ready is None:
                self._ready = self._wait_ready(deadline)
                if self._ready.fault or frozenset(self._ready.entities) != self.entities:
                    raise EOFError
            send(self._channel, text, deadline)
            found = receive(self._channel, Found, deadline)
        except Exception:
            failed = True
            self._restart()
        finally:
            self._lock.release()
        # Outside the handler, so that no cause travels along.
        if failed or found.failed:
            raise PluginFailed
        return found.findings

    def close(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _restart(self) -> None:
        """Not waited for here: the next text does."""
        self.close()
        self._ready = None
        self._spawn()

    def _spawn(self) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "pipeline.adapters.recognizers.host", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                # What a plug-in prints or warns of may be the text.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, _INSIDE: "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        send(self._channel, self._start)

    def _wait_ready(self, deadline: float) -> Ready:
        return receive(self._channel, Ready, deadline)
