"""Every request exactly as it arrived, in memory and, if asked, in a JSON Lines file."""

import base64
import os
from pathlib import Path
from typing import Any

import msgspec


class RecordedRequest(msgspec.Struct, frozen=True):
    """One request; `headers` in the order and case received, `body` the raw bytes."""

    number: int
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body_base64": base64.b64encode(self.body).decode(),
            "text": self.body.decode(errors="replace"),
        }


class Recording:
    """Requests so far; `file` gets each as a line before it is answered."""

    def __init__(self, file: Path | None = None) -> None:
        self.requests: list[RecordedRequest] = []
        self._file = None
        if file is not None:
            self._file = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def add(self, request: RecordedRequest, *, keep: bool) -> None:
        if keep:
            self.requests.append(request)
        if self._file is not None:
            self._file.write(msgspec.json.encode(request.as_json()) + b"\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
