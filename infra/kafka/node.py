"""One node of real Apache Kafka (KRaft) as a child process, from Maven's artifacts."""

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from infra.kafka.settings import server_properties
from infra.kafka.wire import BrokerUnavailable, serves

HERE = Path(__file__).parent
MINIMUM_JAVA = 17
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0


def java_and_maven() -> bool:
    java = shutil.which("java")
    if java is None or shutil.which("mvn") is None:
        return False
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return version is not None and int(version[1]) >= MINIMUM_JAVA


def fetch_kafka() -> Path:
    """Give the folder of Kafka's jars, fetching them with Maven the first time."""
    pom = HERE / "pom.xml"
    cache = HERE / "target"
    jars = cache / f"kafka-{uuid.uuid5(uuid.NAMESPACE_OID, pom.read_text()).hex[:8]}"
    if jars.is_dir():
        return jars
    cache.mkdir(exist_ok=True)
    # Fetched aside and renamed when complete, so that neither an interruption nor a
    # second run beside this one leaves a half-filled folder to be trusted later.
    with tempfile.TemporaryDirectory(dir=cache) as aside:
        filling = Path(aside) / "jars"
        command = [
            "mvn",
            "-q",
            "-B",
            "-f",
            str(pom),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
        ]
        result = subprocess.run([*command, f"-DoutputDirectory={filling}"], capture_output=True, text=True, check=False)
        if result.returncode:
            raise BrokerUnavailable(f"Maven could not fetch Kafka:\n{_tail(result.stdout + result.stderr)}")
        try:
            filling.rename(jars)
        except OSError:
            if not jars.is_dir():
                raise
    return jars


class KRaftNode:
    """Broker and controller in one process; it dies with the process that started it.

    A folder that holds `server.properties` already is run as those say (`infra.kafka.cluster` writes them).
    """

    def __init__(
        self, data_dir: Path, *, heap_mb: int = 512, remove_data_if_orphaned: bool = False, cluster_id: str = ""
    ) -> None:
        self.data_dir = data_dir
        self.log_dir = data_dir / "logs"
        self.output = data_dir / "broker.out"
        self._heap_mb = heap_mb
        self._cluster_id = cluster_id or new_cluster_id()
        self._remove_data = remove_data_if_orphaned
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._properties = data_dir / "server.properties"
        if self._properties.exists():
            found = re.search(r"^advertised\.listeners=.*:(\d+)$", self._properties.read_text(), re.MULTILINE)
            if found is None:
                raise BrokerUnavailable(f"{self._properties.name} was not written by this program")
            self._port = int(found[1])
        else:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._port, controller_port = free_ports(2)
            self._properties.write_text(
                server_properties(node_id=1, voters={1: controller_port}, broker_port=self._port, log_dir=self.log_dir)
            )

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start and wait until it serves; a fresh folder is formatted first."""
        self._java = self._java_command(fetch_kafka())
        if not (self.log_dir / "meta.properties").exists():
            self._format()
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._java, f"-Xmx{self._heap_mb}m", "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which then stops it in order
            )
        self._watcher = self._watch(self._process.pid)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not serves(self._port):
            if self._process.poll() is not None:
                self._end(f"Kafka ended with status {self._process.returncode} while starting")
            if time.monotonic() > deadline:
                self._end(f"Kafka did not serve within {START_TIMEOUT_S:.0f} s")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
        self._reap()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nobody answers, as behind a network that is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT, after a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._reap()

    def _reap(self) -> None:
        for process in (self._watcher, self._process):
            if process is None:
                continue
            if process is self._watcher:
                process.kill()
                if process.stdin is not None:
                    process.stdin.close()
            process.wait()
        self._watcher = self._process = None

    def _end(self, reason: str) -> None:
        self.kill()
        tail = _tail(self.output.read_text(errors="replace"))
        raise BrokerUnavailable(f"{reason}. The end of its output:\n{tail}")

    def _java_command(self, jars: Path) -> list[str]:
        scratch = self.data_dir / "tmp"  # native libraries of the codecs are unpacked there
        scratch.mkdir(mode=0o700, exist_ok=True)
        return [
            "java",
            "-cp",
            f"{jars}{os.sep}*",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-XX:-CreateCoredumpOnCrash",
            f"-XX:ErrorFile={self.data_dir / 'jvm-error.log'}",
            f"-Djava.io.tmpdir={scratch}",
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}",
        ]

    def _format(self) -> None:
        command = [*self._java, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"]
        # `--cluster-id=`, in one word: an id may begin with a dash.
        result = subprocess.run(
            [*command, f"--cluster-id={self._cluster_id}", "-c", str(self._properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise BrokerUnavailable(f"Kafka could not format its folder:\n{_tail(result.stdout + result.stderr)}")

    def _watch(self, pid: int) -> subprocess.Popen[bytes]:
        """Kill the broker when this process is gone, however it went.

        The watcher reads a pipe that only this process holds open. PR_SET_PDEATHSIG
        would fire as soon as the *thread* that started the broker ends.
        """
        script = 'read _; kill -9 "$1"; [ -z "$2" ] || { sleep 1; rm -rf "$2"; }'
        orphaned = str(self.data_dir) if self._remove_data else ""
        return subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", str(pid), orphaned],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def new_cluster_id() -> str:
    """A random one, spelled as Kafka does."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _tail(text: str, lines: int = 20) -> str:
    return "\n".join(text.strip().splitlines()[-lines:]) or "(nothing)"
