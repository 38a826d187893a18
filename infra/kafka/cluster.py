"""Three nodes of real Apache Kafka on one machine: what two of them have survives the loss of the third."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from infra.kafka.node import KRaftNode, free_ports, new_cluster_id
from infra.kafka.settings import server_properties

NODES = 3
HEAP_MB = 320


class KafkaCluster:
    """Combined brokers and controllers by node id (1, 2, 3), each in a folder of its own."""

    def __init__(self, folder: Path, *, heap_mb: int = HEAP_MB) -> None:
        ids = range(1, NODES + 1)
        ports = free_ports(2 * NODES)
        voters = dict(zip(ids, ports[:NODES], strict=True))
        cluster_id = new_cluster_id()
        self.nodes: dict[int, KRaftNode] = {}
        for node_id, port in zip(ids, ports[NODES:], strict=True):
            data_dir = folder / f"node-{node_id}"
            data_dir.mkdir(mode=0o700, parents=True)
            (data_dir / "server.properties").write_text(
                server_properties(node_id=node_id, voters=voters, broker_port=port, log_dir=data_dir / "logs")
            )
            self.nodes[node_id] = KRaftNode(data_dir, heap_mb=heap_mb, cluster_id=cluster_id)

    @property
    def bootstrap_servers(self) -> str:
        """Every node's address."""
        return ",".join(node.bootstrap_servers for node in self.nodes.values())

    def start(self) -> None:
        """Start all at once: none serves before two of them have found each other."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(KRaftNode.start, self.nodes.values()))

    def stop(self) -> None:
        """Stop all at once; the last one alone could not hand over and would wait for nobody."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(KRaftNode.stop, self.nodes.values()))


@contextmanager
def start_cluster(folder: Path) -> Iterator[KafkaCluster]:
    """Give a cluster that serves, its data in `folder`; stop it on the way out.

    Raises:
        BrokerUnavailable: a node did not start; the message has the end of its output.
    """
    cluster = KafkaCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
