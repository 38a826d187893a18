"""Run `veil` as another user, also where that user cannot reach the interpreter's own files.

`python -m infra.as_user UID worker --role completer` loads the code as the user who calls
it, then gives up user, group and supplementary groups for good, and only then runs the
command: from there on the kernel refuses what UID may not open. A container's
`runAsUser` or `setpriv --reuid` does the same where the interpreter can be reached.
"""

import importlib
import os
import sys

_LOADED_LATE = (
    "agents.worker",
    "agents.doctor",
    "faust.assignor.partition_assignor",
    "faust.fixups.django",
    "faust.livecheck",
    "faust.serializers.codecs",
    "faust.sensors.monitor",
    "faust.stores.memory",
    "faust.transport.drivers.aiokafka",
    "aiokafka.coordinator.assignors.roundrobin",
    "encodings.idna",
    "openai._vendor.httpx_aiohttp",
    "uvloop",
)
"""Modules that the worker imports by name or on demand, when it may no longer read them."""


def main() -> None:
    """Load, drop, run."""
    uid = int(sys.argv[1])
    for name in _LOADED_LATE:
        importlib.import_module(name)
    from agents.cli import main as veil

    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    sys.argv = ["veil", *sys.argv[2:]]
    veil()


if __name__ == "__main__":
    main()
