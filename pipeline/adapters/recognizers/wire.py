"""What a worker and the process of one of its plug-ins say to each other: lengths and JSON over a socket pair."""

import socket
import struct
import time
from typing import TypeVar

import msgspec

from pipeline.detection.types import Finding

_LENGTH = struct.Struct("!Q")
M = TypeVar("M")


class MissingExtra(Exception):
    """A built-in adapter's library is not installed; the message is ours and names the extra."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The first message to the process: which plug-in, and its options."""

    name: str
    options: msgspec.Raw
    time_limit: float

    def __repr__(self) -> str:
        return f"<Start {self.name}>"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer: what the plug-in finds; or why there is none, in words of ours."""

    entities: tuple[str, ...] = ()
    reads: bool = False
    version: str = ""
    fault: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a text; `failed`: the plug-in raised, and what it raised stays in its process."""

    findings: tuple[Finding, ...] = ()
    failed: bool = False


def send(channel: socket.socket, message: object, deadline: float | None = None) -> None:
    """Write one message; TimeoutError when the deadline (of `time.monotonic`) passes."""
    data = msgspec.json.encode(message)
    channel.settimeout(_left(deadline))
    channel.sendall(_LENGTH.pack(len(data)) + data)


def receive(channel: socket.socket, kind: type[M], deadline: float | None = None) -> M:
    """Read one message; EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size, deadline))
    return msgspec.json.decode(_exactly(channel, length, deadline), type=kind)


def _exactly(channel: socket.socket, length: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        channel.settimeout(_left(deadline))
        part = channel.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left
