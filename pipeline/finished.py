"""The index of finished jobs: from a short hash to where the state record lies, for a window of time.

One entry is 16 bytes of SHA-256 and an offset: about 120 bytes of memory. Entries
stand in slots of a 24th of the window, each forgotten as a whole.
"""

import hashlib

from pipeline.sealing import length_prefixed

_SLOTS = 24


def job_key(tenant: str, job_id: str) -> bytes:
    """16 bytes that name a tenant's job."""
    return _key(b"job", tenant.encode(), job_id.encode())


def body_key(tenant: str, endpoint: str, body: bytes) -> bytes:
    """16 bytes that name a redacted request of a tenant, whichever job it is of."""
    return _key(b"body", tenant.encode(), endpoint.encode(), body)


def _key(*fields: bytes) -> bytes:
    return hashlib.sha256(length_prefixed(*fields)).digest()[:16]


class FinishedIndex:
    """One partition's finished jobs of the last `window` seconds.

    It forgets up to a slot late: whoever finds a record looks at its own time, too.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._width = window / _SLOTS
        self._slots: dict[int, dict[bytes, int]] = {}
        self.newest: tuple[bytes, int] | None = None
        """Key and offset of the last record that is known, whether or not it is forgotten: reading goes on there."""

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    def add(self, key: bytes, offset: int, at: float) -> None:
        """Note where the record of a job that was finished at this Unix time lies."""
        number = int(at // self._width)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            self._forget(at)
        slot[key] = offset

    def find(self, key: bytes) -> int | None:
        """The newest record's offset; times do not say which that is: some are the broker's, some a worker's."""
        return max((slot[key] for slot in self._slots.values() if key in slot), default=None)

    def _forget(self, now: float) -> None:
        oldest = int((now - self._window) // self._width)
        for number in [number for number in self._slots if number < oldest]:
            del self._slots[number]
