"""What a worker counts: numbers and role names, never a value of a job."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """A process's metrics: one registry, each family labelled by role."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._processed = Counter(
            "veil_records_processed", "Records whose work is done.", ["role"], registry=self.registry
        )
        self._in_flight = Gauge("veil_records_in_flight", "Records being worked on.", ["role"], registry=self.registry)
        self._partitions = Gauge("veil_partitions_assigned", "Input partitions held.", ["role"], registry=self.registry)

    def of(self, role: str) -> "RoleMetrics":
        """One role's children of the families."""
        return RoleMetrics(
            self._processed.labels(role=role),
            self._in_flight.labels(role=role),
            self._partitions.labels(role=role),
        )


class RoleMetrics:
    """What one role counts."""

    def __init__(self, processed: Counter, in_flight: Gauge, partitions: Gauge) -> None:
        self.processed = processed
        self.in_flight = in_flight
        self.partitions = partitions
