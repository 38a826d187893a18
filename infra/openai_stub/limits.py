"""Requests and tokens per minute as token buckets that refill continuously, and the headers that tell of them."""

import math
import time
from collections.abc import Callable

from infra.openai_stub.config import StubConfig
from infra.openai_stub.prompt import Json


class Limits:
    """One organisation's buckets, each as large as a minute's budget.

    A request that is refused takes nothing. A request larger than a whole bucket is never admitted.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._at = clock()
        self._spent = {"requests": 0.0, "tokens": 0.0}
        self.seconds: list[list[int]] = []
        """Of each second since the start: requests admitted, refused, tokens admitted."""

    def admit(self, config: StubConfig, tokens: int) -> "Refusal | None":
        """Take a request out of both buckets, or say which one is too empty and for how long."""
        now = self._clock()
        sizes = _sizes(config)
        for kind, size in sizes.items():
            self._spent[kind] = max(self._spent[kind] - size / 60 * (now - self._at), 0.0)
        self._at = now
        wanted = {"requests": 1, "tokens": tokens}
        waits = {
            kind: (self._spent[kind] + wanted[kind] - size) / size * 60
            for kind, size in sizes.items()
            if self._spent[kind] + wanted[kind] > size
        }
        second = self._second(now)
        if waits:
            second[1] += 1
            kind = max(waits, key=lambda name: waits[name])
            return Refusal(kind, waits[kind], too_large=wanted[kind] > sizes[kind])
        for kind in sizes:
            self._spent[kind] += wanted[kind]
        second[0] += 1
        second[2] += tokens
        return None

    def headers(self, config: StubConfig) -> dict[str, str]:
        """What every answer tells of the buckets, as they are after the last request."""
        headers = {}
        for kind, size in _sizes(config).items():
            headers[f"x-ratelimit-limit-{kind}"] = str(size)
            headers[f"x-ratelimit-remaining-{kind}"] = str(math.floor(max(size - self._spent[kind], 0)))
            headers[f"x-ratelimit-reset-{kind}"] = spell_duration(self._spent[kind] / size * 60)
        return headers

    def stats(self) -> Json:
        """Totals, and the same of each second since the start."""
        names = ("admitted", "refused", "tokens")
        totals = {name: sum(second[at] for second in self.seconds) for at, name in enumerate(names)}
        return {**totals, "seconds": self.seconds}

    def _second(self, now: float) -> list[int]:
        number = int(now - self._started)
        while len(self.seconds) <= number:
            self.seconds.append([0, 0, 0])
        return self.seconds[number]


class Refusal:
    """A bucket that holds too little: which, and the seconds until it holds enough."""

    def __init__(self, kind: str, wait: float, *, too_large: bool) -> None:
        self.kind = kind
        self.wait = wait
        self.too_large = too_large

    def headers(self) -> dict[str, str]:
        return {"retry-after": str(math.ceil(self.wait)), "retry-after-ms": str(math.ceil(self.wait * 1000))}


def spell_duration(seconds: float) -> str:
    """As OpenAI writes a reset: `12ms`, `7.66s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds * 100) / 100, 60)
    return (f"{minutes:.0f}m" if minutes else "") + f"{rest:.2f}".rstrip("0").rstrip(".") + "s"


def _sizes(config: StubConfig) -> dict[str, int]:
    return {"requests": config.requests_per_minute, "tokens": config.tokens_per_minute}
