"""Just enough of Kafka's protocol to ask a broker whether it serves."""

import socket
import struct

_API_VERSIONS, _METADATA = 18, 3


class BrokerUnavailable(Exception):
    """No broker can be had; the message says what to do about it."""


def serves(port: int, timeout_s: float = 2.0) -> bool:
    """Whether the broker answers ApiVersions and names itself in Metadata.

    An open port is not enough: a KRaft broker listens before the controller admits it.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            error = struct.unpack_from(">h", _ask(connection, _API_VERSIONS, 0, b""))[0]
            # Metadata v4: no topics, and don't create any. The answer is a throttle time, then the brokers.
            metadata = _ask(connection, _METADATA, 4, struct.pack(">ib", 0, 0))
            brokers = struct.unpack_from(">i", metadata, 4)[0]
            return bool(error == 0 and brokers > 0)
    except (OSError, struct.error):
        return False


def _ask(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    header = struct.pack(">hhih", api, version, 1, 4) + b"veil"
    connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
    size = struct.unpack(">i", _read(connection, 4))[0]
    return _read(connection, size)[4:]


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data
