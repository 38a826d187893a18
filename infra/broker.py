"""A Kafka broker for the demo, the tests and the bench: yours, a container, or a real one on Java."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.kafka.node import KRaftNode, java_and_maven
from infra.kafka.settings import BROKER_SETTINGS
from infra.kafka.wire import BrokerUnavailable

BOOTSTRAP_VARIABLE = "VEIL__KAFKA__BOOTSTRAP_SERVERS"

__all__ = [
    "BOOTSTRAP_VARIABLE",
    "Broker",
    "BrokerUnavailable",
    "ContainerBroker",
    "LocalBroker",
    "start_broker",
]

NO_BROKER = f"""no Kafka broker can be started here. Do one of these:
  1. set {BOOTSTRAP_VARIABLE} to a broker that is already running, for example 127.0.0.1:9092
  2. start a Docker engine: a broker is then run in a container
  3. install Java 17 or newer and Maven: Apache Kafka is then fetched and run here"""
NO_LOCAL_BROKER = """no Kafka broker can be started on this machine. This needs one whose files can be
read and which can be killed; neither a running broker nor a container will do: install Java 17 or newer
and Maven."""


class Broker:
    """A broker somebody else runs: used as it is, never stopped.

    `log_dir` holds the broker's log segments and may be read after `stop()`; it
    is None where they can't be reached.
    """

    log_dir: Path | None = None
    data_dir: Path | None = None

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def kill(self) -> None:
        raise BrokerUnavailable(f"the broker at {self.bootstrap_servers} is not ours to kill")

    def restart(self) -> None:
        raise BrokerUnavailable(f"the broker at {self.bootstrap_servers} is not ours to restart")

    def stop(self) -> None:
        pass


class LocalBroker(Broker):
    """Apache Kafka as a child process; `restart()` keeps its ports and its data."""

    def __init__(self, node: KRaftNode) -> None:
        super().__init__(node.bootstrap_servers)
        self.node = node
        self.log_dir = node.log_dir
        self.data_dir = node.data_dir

    def kill(self) -> None:
        self.node.kill()

    def restart(self) -> None:
        self.node.stop()
        self.node.start()

    def stop(self) -> None:
        self.node.stop()


class ContainerBroker(Broker):
    """Kafka in a container; its log directory is copied out when it stops."""

    LOG_DIR = "/var/lib/kafka/data"

    def __init__(self, data_dir: Path) -> None:
        from testcontainers.community.kafka import KafkaContainer

        self._container = KafkaContainer().with_kraft()
        for name, value in BROKER_SETTINGS.items():
            self._container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        self._container.start(timeout=120)
        super().__init__(self._container.get_bootstrap_server())
        self.data_dir = data_dir
        self._running = True

    def stop(self) -> None:
        import tarfile

        if not self._running or self.data_dir is None:
            return
        self._running = False
        engine = self._container.get_wrapped_container()
        engine.stop()
        with tempfile.TemporaryFile() as archive:
            for chunk in engine.get_archive(self.LOG_DIR)[0]:
                archive.write(chunk)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as tar:
                tar.extractall(self.data_dir, filter="data")
        self.log_dir = self.data_dir / Path(self.LOG_DIR).name
        self._container.stop()


@contextmanager
def start_broker(*, local: bool = False, data_dir: Path | None = None) -> Iterator[Broker]:
    """Give a broker that answers; stop it, and remove its data, on the way out.

    Args:
        local: Insist on a child process, whose files can be swept and which can be killed.
        data_dir: Keep the broker's data in this folder, which is then not removed.

    """
    servers = os.environ.get(BOOTSTRAP_VARIABLE, "").strip()
    if servers and not local:
        yield Broker(servers)
        return
    with ExitStack() as cleanup:
        kept = data_dir is not None
        if data_dir is None:
            data_dir = Path(tempfile.mkdtemp(prefix="veil-kafka-"))  # mkdtemp gives 0700
            cleanup.callback(shutil.rmtree, data_dir, ignore_errors=True)
        broker: Broker
        if not local and docker_answers():
            broker = ContainerBroker(data_dir)
        elif java_and_maven():
            node = KRaftNode(data_dir, remove_data_if_orphaned=not kept)
            cleanup.callback(node.stop)
            node.start()
            broker = LocalBroker(node)
        else:
            raise BrokerUnavailable(NO_LOCAL_BROKER if local else NO_BROKER)
        cleanup.callback(broker.stop)
        yield broker


def docker_answers(timeout_s: float = 2.0) -> bool:
    """Ask the engine itself: a socket or a `docker` command alone says nothing."""
    try:
        import docker  # type: ignore[import-untyped]
        from docker.errors import DockerException  # type: ignore[import-untyped]
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=timeout_s)
    except (DockerException, OSError):
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):  # requests' errors are OSErrors
        return False
    finally:
        client.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.broker",
        description="Start a Kafka broker, print its address, and stop it at Ctrl-C.",
    )
    parser.add_argument("--data-dir", type=Path, help="keep the data here (default: a temporary folder)")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        with start_broker(data_dir=options.data_dir) as broker:
            print(broker.bootstrap_servers, flush=True)
            done.wait()
    except BrokerUnavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
