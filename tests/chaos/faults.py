"""Every fault by name, in the order in which they are played."""

from tests.chaos import broker_faults, model_faults, poison, worker_faults
from tests.chaos.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*worker_faults.FAULTS, *broker_faults.FAULTS, *model_faults.FAULTS, *poison.FAULTS)
}
