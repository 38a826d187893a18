"""The demo's own folder: everything it writes is in it, and it goes when the demo goes."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

# Reads the numbers of our processes; when the pipe ends, the demo is gone, however it went.
_WATCH = """
while read -r word; do
  if [ "$word" = none ]; then pids=; else pids="$pids $word"; fi
done
[ -z "$pids" ] || kill -9 $pids
sleep 1
[ -z "$1" ] || rm -rf "$1"
"""


class DemoFolder:
    """A folder of mode 0700 under the system's temporary one.

    A watcher process removes it, and kills the workers, even if the demo itself is killed.
    """

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.path = Path(tempfile.mkdtemp(prefix="veil-demo-"))
        self.broker = self.path / "broker"
        self.keys = self.path / "keys"
        self.logs = self.path / "logs"
        self.state = self.path / "state"
        self.openai = self.path / "openai"
        self.metrics = self.path / "metrics"
        self.settings = self.path / "veil.toml"
        for folder in (self.logs, self.state, self.openai, self.metrics):
            folder.mkdir(mode=0o700)

    def __enter__(self) -> Self:
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", "" if self.keep else str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._watcher.kill()
        self._watcher.communicate()
        if self.keep:
            self.path.chmod(0o700)
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    def watch(self, pid: int | None) -> None:
        """Kill this process when the demo is gone; None forgets those named so far."""
        if self._watcher.stdin is not None:
            self._watcher.stdin.write(b"%d\n" % pid if pid is not None else b"none\n")
            self._watcher.stdin.flush()
