"""Every fault by name, in the order in which they are played."""

from tests.chaos import worker_faults
from tests.chaos.fault import Fault

FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*worker_faults.FAULTS,)}
