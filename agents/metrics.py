"""What a worker counts: numbers and role names, never a value of a job."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Calls(Protocol):
    """What the port to OpenAI tells of its calls."""

    @property
    def held(self) -> bool: ...

    @property
    def in_flight(self) -> int: ...

    @property
    def outcomes(self) -> Mapping[str, int]: ...


class Policies(Protocol):
    """What a redactor tells of its policy file."""

    @property
    def current(self) -> bool: ...

    @property
    def outcomes(self) -> Mapping[str, int]: ...


class Metrics:
    """A process's metrics: one registry, each family labelled by role."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._processed = Counter(
            "veil_records_processed", "Records whose work is done.", ["role"], registry=self.registry
        )
        self._in_flight = Gauge("veil_records_in_flight", "Records being worked on.", ["role"], registry=self.registry)
        self._waiting = Gauge(
            "veil_bytes_waiting", "Bytes of records read ahead of their turn.", ["role"], registry=self.registry
        )
        self._partitions = Gauge("veil_partitions_assigned", "Input partitions held.", ["role"], registry=self.registry)

    def watch(self, calls: Calls) -> None:
        """Show the calls to OpenAI as well."""
        self.registry.register(_CallsCollector(calls))

    def watch_policies(self, policies: Policies) -> None:
        """Show as well whether the policy file is in use as it stands."""
        self.registry.register(_PoliciesCollector(policies))

    def of(self, role: str) -> "RoleMetrics":
        """One role's children of the families."""
        return RoleMetrics(
            self._processed.labels(role=role),
            self._in_flight.labels(role=role),
            self._waiting.labels(role=role),
            self._partitions.labels(role=role),
        )


class RoleMetrics:
    """What one role counts."""

    def __init__(self, processed: Counter, in_flight: Gauge, waiting: Gauge, partitions: Gauge) -> None:
        self.processed = processed
        self.in_flight = in_flight
        self.waiting = waiting
        self.partitions = partitions


class _CallsCollector(Collector):
    """Reads the port's own counts when it is asked."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "veil_breaker_open", "1 while calls to OpenAI are held: it is down, or key or quota void.",
            value=float(self._calls.held),
        )  # fmt: skip
        yield GaugeMetricFamily("veil_calls_in_flight", "Calls sent, not yet answered.", value=self._calls.in_flight)
        ended = CounterMetricFamily("veil_calls", "Calls that ended, by how.", labels=["outcome"])
        for outcome, count in self._calls.outcomes.items():
            ended.add_metric([outcome], count)
        yield ended


class _PoliciesCollector(Collector):
    """Reads what became of the policy file when it is asked."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "veil_policy_current", "0 while the policy file does not load and its last good reading is in use.",
            value=float(self._policies.current),
        )  # fmt: skip
        reloads = CounterMetricFamily("veil_policy_reloads", "Changed policy files, by outcome.", labels=["outcome"])
        for outcome, count in self._policies.outcomes.items():
            reloads.add_metric([outcome], count)
        yield reloads
