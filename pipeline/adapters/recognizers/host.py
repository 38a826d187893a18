"""The process in which one plug-in runs: `python -m pipeline.adapters.recognizers.host FD`.

It holds raw text, as the redactor does, and writes none: its standard streams are
closed by the worker, and of what the plug-in raises nothing leaves it.
"""

import signal
import socket
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, cast

import msgspec

from pipeline.adapters.hardening import harden_process
from pipeline.adapters.recognizers.wire import Found, MissingExtra, Ready, Start, receive, send
from pipeline.detection.types import Recognizer

GROUP = "veilstream.recognizers"
# After the worker's own deadline; it matters only when the worker died in the middle of a call.
_GRACE = 1.0


def serve(channel: socket.socket) -> None:
    """Load the plug-in, then answer text by text until the worker is gone."""
    start = receive(channel, Start)
    loaded = _load(start)
    if isinstance(loaded, str):
        send(channel, Ready(fault=loaded))
        return
    recognizer, version = loaded
    reads = bool(getattr(recognizer, "reads", False))
    send(channel, Ready(entities=tuple(sorted(recognizer.entities)), reads=reads, version=version))
    while True:
        text = receive(channel, str)
        # The kernel's own end of a call: it also stops C code that never gives the GIL back.
        signal.setitimer(signal.ITIMER_REAL, start.time_limit + _GRACE)
        try:
            found = Found(findings=tuple(recognizer.find(text)))
        except Exception:
            found = Found(failed=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(channel, found)


def _load(start: Start) -> tuple[Recognizer, str] | str:
    """The plug-in and the version of the package it came in; or what is wrong."""
    named = list(entry_points(group=GROUP, name=start.name))
    if len(named) != 1:
        return f"{len(named)} installed packages have a plug-in of this name; one must (entry points, group {GROUP})"
    try:
        make = cast("Callable[[dict[str, Any]], Recognizer]", named[0].load())
        recognizer = make(msgspec.json.decode(start.options))
        if not all(isinstance(entity, str) for entity in recognizer.entities) or not callable(recognizer.find):
            return "it made no recognizer (name, entities, find)"
    except MissingExtra as exc:
        return str(exc)
    except Exception as exc:
        # Its message may quote the options; the type does not.
        return f"it could not be made ({type(exc).__name__})"
    package = named[0].dist
    return recognizer, f"{package.name} {package.version}" if package else ""


def main() -> None:
    """Serve on the socket whose number is the argument."""
    harden_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        try:
            serve(channel)
        except (EOFError, ConnectionError):
            return


if __name__ == "__main__":
    main()
