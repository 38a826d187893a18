"""What a hardened process no longer allows; asked of the kernel, in a process of its own."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, faulthandler, json, resource
from pipeline.adapters.hardening import harden_process
def state():
    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
    return [resource.getrlimit(resource.RLIMIT_CORE), dumpable, faulthandler.is_enabled()]
before = state()
harden_process()
print(json.dumps([before, state()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_hardened_process_leaves_no_core_and_no_stacks_and_is_not_traceable() -> None:
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = json.loads(ended.stdout)
    assert before[1:] == [1, True]
    assert after == [[0, 0], 0, False]
