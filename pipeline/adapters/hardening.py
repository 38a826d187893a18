"""What a process that holds raw text does for itself: no core dump, no attaching debugger, no dump of its stacks."""

import contextlib
import ctypes
import faulthandler
import resource
import sys

_PR_SET_DUMPABLE = 4
"""`prctl(2)`: a process that is not dumpable leaves no core and cannot be traced by its own user."""


def harden_process() -> None:
    """Set the limits for this process and its children; not to be dumped is for Linux only, and not inherited."""
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
