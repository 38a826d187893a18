"""Requests and tokens per minute, and the headers that tell of them."""

import time

from infra.openai_stub.config import StubConfig


class Limits:
    """Counts in whole minutes, so all of the budget comes back at once."""

    def __init__(self) -> None:
        self._minute = self._requests = self._tokens = 0

    def admit(self, config: StubConfig, tokens: int) -> bool:
        """Count a request; whether it is still within the minute's budget."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._requests, self._tokens = minute, 0, 0
        self._requests += 1
        self._tokens += tokens
        return self._requests <= config.requests_per_minute and self._tokens <= config.tokens_per_minute

    def headers(self, config: StubConfig) -> dict[str, str]:
        reset = f"{60 - time.monotonic() % 60:.3f}s"
        return {
            "x-ratelimit-limit-requests": str(config.requests_per_minute),
            "x-ratelimit-limit-tokens": str(config.tokens_per_minute),
            "x-ratelimit-remaining-requests": str(max(0, config.requests_per_minute - self._requests)),
            "x-ratelimit-remaining-tokens": str(max(0, config.tokens_per_minute - self._tokens)),
            "x-ratelimit-reset-requests": reset,
            "x-ratelimit-reset-tokens": reset,
        }
