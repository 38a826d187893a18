"""Settings of a test broker: small, quick to rebalance and to delete, with room for our largest record."""

from pathlib import Path

# A job may have 8 MiB and what follows it four times that; the rest is room for keys and headers.
MAX_MESSAGE_BYTES = 36 * 1024 * 1024

BROKER_SETTINGS: dict[str, str] = {
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
    "replica.fetch.response.max.bytes": str(MAX_MESSAGE_BYTES),
    "fetch.max.bytes": str(2 * MAX_MESSAGE_BYTES),
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    # The ledger keeps what is done in the offset's metadata, so an idle group must keep its offsets.
    "offsets.retention.minutes": str(366 * 24 * 60),
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A broker that was killed is let in again when its old session ends (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Deletions become visible within seconds.
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    "log.flush.start.offset.checkpoint.interval.ms": "1000",
}

# A cluster acknowledges what two of its nodes have, its own topics included: one node may die.
_REPLICATION, _IN_SYNC = "3", "2"
CLUSTER_SETTINGS: dict[str, str] = {
    "default.replication.factor": _REPLICATION,
    "min.insync.replicas": _IN_SYNC,
    "offsets.topic.replication.factor": _REPLICATION,
    "transaction.state.log.replication.factor": _REPLICATION,
    "transaction.state.log.min.isr": _IN_SYNC,
    "share.coordinator.state.topic.replication.factor": _REPLICATION,
    "share.coordinator.state.topic.min.isr": _IN_SYNC,
}


def server_properties(*, node_id: int, voters: dict[int, int], broker_port: int, log_dir: Path) -> str:
    """Give `server.properties` of one combined broker and controller on loopback.

    Of several voters each is a node of one cluster, on which every topic is replicated.

    Args:
        node_id: This node, a key of `voters`.
        voters: Controller port of every node of the cluster, by node id.
        broker_port: Where clients connect.
        log_dir: Where segments go.

    """
    topology = {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "controller.quorum.voters": ",".join(f"{node}@127.0.0.1:{port}" for node, port in voters.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker_port},CONTROLLER://127.0.0.1:{voters[node_id]}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker_port}",
        "log.dirs": str(log_dir),
    }
    settings = BROKER_SETTINGS | (CLUSTER_SETTINGS if len(voters) > 1 else {}) | topology
    return "".join(f"{name}={value}\n" for name, value in settings.items())
