"""How fast this worker may send, so that all workers of an organisation share its limits unasked.

Every answer says how full the organisation's bucket is (`x-ratelimit-limit-*`, `-remaining-*`).
All workers read the same bucket, so its level is the signal that they steer by, and none needs to
know of the others: each sends at

    rate = limit * 2 * exp(6 * (level - 1)),    level = remaining / limit

The bucket settles where the rates add up to its refill: at 0.88 of its size with one worker, 0.70
with three, 0.12 with a hundred. When a worker dies the level rises and the others take its share.
That is the primal algorithm of F. Kelly, A. Maulloo and D. Tan, "Rate control for communication
networks" (1998), with the price taken from the queue exponentially as in REM (S. Athuraliya, S. Low,
V. Li and Q. Yin, "REM: active queue management", IEEE Network, 2001): as the rate is exponential in
the level, the loop's gain (6 a minute) does not depend on the number of workers.

An answer's level is as old as the call. What this worker has sent since is known, and the others are
taken to have done what they did before, relative to it (O. Smith's predictor, 1957).

Where a 429 comes that the level does not explain (no headers, a limit that they don't tell of), the
rate is cut by half the share of calls that are refused (M. Alizadeh et al., "Data center TCP", 2010)
and grows again as CUBIC does (RFC 9438). Without limits and without 429s nothing is slowed down.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

_GAIN = 6.0
_TOP = 2.0
_BURST = 0.1
"""Seconds of sending that may be saved up."""

_FIRST_CALLS = 16
"""Calls that may be sent before the first answer tells of the limits."""

_REGAIN = 30.0
"""Seconds until a rate that was cut is what it was."""

_SHARE_MEMORY = 0.05
"""Weight of one answer in the share that is refused."""

_RECENT = 2.0
_LOOK = 0.05
_LOW = 0.1
_PERIOD = 1.0
_MEMORY = 0.2
_LANES_MAX = 64


class Ticket(msgspec.Struct, frozen=True):
    """A call that was sent: when, and how much this worker had sent until then."""

    at: float
    requests: float
    tokens: float


class _Meter:
    """One limit, of requests or of tokens: the bucket that all share, and this worker's own sending."""

    def __init__(self) -> None:
        self.limit = 0.0
        self.sent = 0.0
        self._seen = _View(-math.inf, 0.0, 0.0)
        self._base = self._seen
        self._crowd = 1.0
        self._credit = 0.0
        self._credit_at = 0.0

    def observe(self, limit: float, remaining: float, at: float, sent: float) -> None:
        """What the answer to a call that was sent `at` says; one older than the last tells nothing new."""
        if at < self._seen.at:
            return
        self._seen = _View(at, remaining, sent)
        if limit != self.limit:
            self.limit, self._base = limit, self._seen
        elif at - self._base.at >= _PERIOD and sent > self._base.sent:
            # How much all workers took, for each one that this one took.
            taken = limit / 60 * (at - self._base.at) + self._base.remaining - remaining
            ratio = taken / (sent - self._base.sent) if remaining < limit else 1.0
            self._crowd += _MEMORY * (min(max(ratio, 1.0), 1000.0) - self._crowd)
            self._base = self._seen

    def level(self, now: float) -> float:
        """How full the bucket is believed to be, 0 to 1."""
        refill = self.limit / 60 * (now - self._seen.at)
        believed = self._seen.remaining + refill - self._crowd * (self.sent - self._seen.sent)
        return min(max(believed / self.limit, 0.0), 1.0)

    def rate(self, now: float) -> float:
        """Units a second that this worker may send; any, where there is no limit."""
        if not self.limit:
            return math.inf
        return self.limit / 60 * _TOP * math.exp(_GAIN * (self.level(now) - 1))

    def wait(self, now: float, rate: float) -> float:
        """Seconds until the next call may be sent at this rate; 0 for now."""
        since, self._credit_at = now - self._credit_at, now
        if rate == math.inf:
            self._credit = 0.0
            return 0.0
        self._credit = min(self._credit + rate * since, max(rate * _BURST, 1.0))
        return 0.0 if self._credit > 0 else -self._credit / rate + 1e-6

    def take(self, amount: float) -> None:
        """Count what is sent now. One large call may overdraw: those behind it wait the longer."""
        self.sent += amount
        self._credit -= amount


class Lane:
    """The calls of one model, which have limits of their own; its clock is the caller's.

    `turn` is for calls; the rest is the controller, which knows no clock.
    """

    def __init__(self) -> None:
        self._requests = _Meter()
        self._tokens = _Meter()
        self._heard = False
        self._recent, self._recent_at = 0.0, 0.0
        self._first_at = math.inf
        self._refused = 0.0
        self._cut = 0.0
        self._cut_rate, self._cut_at = math.inf, -math.inf
        self._queue = asyncio.Lock()

    async def turn(self, tokens: float) -> Ticket:
        """Wait, in order of arrival, until a call of so many tokens may be sent; it counts as sent then."""
        if self._queue.locked() or self.wait(time.monotonic()):
            async with self._queue:
                while wait := self.wait(time.monotonic()):
                    # Looks again soon: answers that come meanwhile change the rate.
                    await asyncio.sleep(min(wait, _LOOK))
                return self.sent(time.monotonic(), tokens)
        return self.sent(time.monotonic(), tokens)

    def wait(self, now: float) -> float:
        """Seconds until the next call may be sent; 0 for now."""
        if not self._heard:
            return 0.0 if self._requests.sent < _FIRST_CALLS else _LOOK
        requests = min(self._requests.rate(now), self._allowed(now))
        return max(self._requests.wait(now, requests), self._tokens.wait(now, self._tokens.rate(now)))

    def sent(self, now: float, tokens: float) -> Ticket:
        """Note a call."""
        self._first_at = min(self._first_at, now)
        self._recent = self._recent * math.exp((self._recent_at - now) / _RECENT) + 1 / _RECENT
        self._recent_at = now
        self._requests.take(1.0)
        self._tokens.take(tokens)
        return Ticket(now, self._requests.sent, self._tokens.sent)

    def answered(self, ticket: Ticket, headers: Mapping[str, str], now: float, *, refused: bool = False) -> None:
        """Note what the end of a call tells of the limits; without headers, where there was no answer.

        A 429 (`refused`) cuts the rate at most once a second, and only where the levels don't explain it.
        """
        self._heard = True
        for meter, kind, sent in (
            (self._requests, "requests", ticket.requests),
            (self._tokens, "tokens", ticket.tokens),
        ):
            limit, remaining = (_number(headers.get(f"x-ratelimit-{what}-{kind}")) for what in ("limit", "remaining"))
            if limit and remaining is not None:
                meter.observe(limit, remaining, ticket.at, sent)
        self._refused += _SHARE_MEMORY * (refused - self._refused)
        explained = any(meter.limit and meter.level(now) < _LOW for meter in (self._requests, self._tokens))
        if refused and not explained and now >= self._cut_at + 1.0:
            age = max(now - self._first_at, 1e-3)
            sending = self._recent * math.exp((self._recent_at - now) / _RECENT) / (1 - math.exp(-age / _RECENT))
            self._cut_rate = max(min(sending, self._allowed(now)), 0.1)
            self._cut_at, self._cut = now, max(self._refused / 2, 0.05)

    def _allowed(self, now: float) -> float:
        """The rate after a cut: back at what it was after `_REGAIN` seconds, warily, and then past it."""
        if self._cut_rate == math.inf:
            return math.inf
        return self._cut_rate * (1 + self._cut * ((now - self._cut_at) / _REGAIN - 1) ** 3)


class _View(msgspec.Struct, frozen=True):
    """A bucket as an answer showed it."""

    at: float
    remaining: float
    sent: float


class Lanes:
    """A lane for each model and endpoint that was called lately."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[tuple[str, str], Lane] = OrderedDict()

    def __getitem__(self, key: tuple[str, str]) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane()
            if len(self._lanes) > _LANES_MAX:
                self._lanes.popitem(last=False)
        else:
            self._lanes.move_to_end(key)
        return lane


class _Asked(msgspec.Struct):
    """What is read of a request here; all else is skipped."""

    model: str = ""
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None


_requests = msgspec.json.Decoder(_Asked)


def model_and_tokens(body: bytes) -> tuple[str, int]:
    """The model asked for, and what the request counts against tokens a minute.

    That is the larger of the tokens it allows for the answer and its characters over four (OpenAI's
    guide "Rate limits"). An error in it, which all workers make alike, moves the bucket's level
    a little, for the level that answers tell of is what the buckets were charged; `usage` is not.
    """
    try:
        asked = _requests.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", len(body) // 4
    most = asked.max_completion_tokens or asked.max_output_tokens or asked.max_tokens or 0
    return asked.model, max(most, (len(body) + 3) // 4)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
