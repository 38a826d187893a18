"""Pacing in simulated time: workers that know nothing of each other, one bucket as the service keeps it."""

import heapq
import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.openai_stub.config import StubConfig
from infra.openai_stub.limits import Limits
from pipeline.adapters.pacing import Lane, Lanes, Ticket, model_and_tokens

STEP = 0.02


class Organisation:
    """Workers under the stub's own buckets; time is simulated."""

    def __init__(
        self, workers: int, *, rpm: int, tpm: int = 10**9, latency: float = 1.0, headers: bool = True, seed: int = 1
    ) -> None:
        self.now = 0.0
        self.config = StubConfig(requests_per_minute=rpm, tokens_per_minute=tpm)
        self.limits = Limits(lambda: self.now)
        self.lanes = [Lane() for _ in range(workers)]
        self._latency = latency
        self._headers = headers
        self._random = random.Random(seed)
        self._answers: list[tuple[float, int, Lane, Ticket, Mapping[str, str], bool]] = []
        self._count = 0

    def run(self, seconds: float, tokens: int = 100, in_flight: int = 1000) -> None:
        until = self.now + seconds
        while self.now < until:
            while self._answers and self._answers[0][0] <= self.now:
                _, _, lane, ticket, headers, refused = heapq.heappop(self._answers)
                lane.answered(ticket, headers if self._headers else {}, self.now, refused=refused)
            for lane in self._random.sample(self.lanes, len(self.lanes)):
                while len(self._answers) < in_flight * len(self.lanes) and not lane.wait(self.now):
                    self._send(lane, tokens)
            self.now += STEP

    def _send(self, lane: Lane, tokens: int) -> None:
        ticket = lane.sent(self.now, tokens)
        refused = self.limits.admit(self.config, tokens) is not None
        wait = 0.05 if refused else self._latency * (0.5 + self._random.random())
        self._count += 1
        headers = self.limits.headers(self.config)
        heapq.heappush(self._answers, (self.now + wait, self._count, lane, ticket, headers, refused))

    def minutes(self) -> list[tuple[float, float]]:
        """Of each whole minute: share of the limit used, share of calls refused."""
        rows = []
        for at in range(0, len(self.limits.seconds) - 59, 60):
            admitted, refused, tokens = map(sum, zip(*self.limits.seconds[at : at + 60], strict=True))
            used = max(admitted / self.config.requests_per_minute, tokens / self.config.tokens_per_minute)
            rows.append((used, refused / max(admitted + refused, 1)))
        return rows


@pytest.mark.parametrize("workers", [1, 3, 10])
@pytest.mark.parametrize("latency", [0.2, 2.0])
def test_workers_share_a_limit_without_knowing_of_each_other(workers: int, latency: float) -> None:
    organisation = Organisation(workers, rpm=1200, latency=latency)
    organisation.run(240)
    for used, refused in organisation.minutes()[1:]:
        assert used >= 0.9
        assert refused < 0.02


def test_the_others_take_the_share_of_a_worker_that_dies() -> None:
    organisation = Organisation(3, rpm=1200)
    organisation.run(120)
    del organisation.lanes[0]
    organisation.run(120)
    assert [(used >= 0.9, refused < 0.02) for used, refused in organisation.minutes()[1:]] == [(True, True)] * 3


def test_tokens_bind_when_requests_do_not() -> None:
    organisation = Organisation(3, rpm=6000, tpm=120_000)
    organisation.run(60)
    organisation.run(120, tokens=400)
    for used, refused in organisation.minutes()[1:]:
        assert used >= 0.9
        assert refused < 0.02


def test_calls_that_take_long_do_not_make_it_swing() -> None:
    organisation = Organisation(3, rpm=1200, latency=15.0)
    organisation.run(360)
    minutes = organisation.minutes()[3:]
    assert sum(used for used, _ in minutes) / len(minutes) >= 0.9
    assert max(refused for _, refused in minutes) < 0.02


def test_without_headers_refusals_alone_find_the_limit() -> None:
    organisation = Organisation(2, rpm=1200, headers=False)
    organisation.run(300)
    minutes = organisation.minutes()[1:]
    assert sum(used for used, _ in minutes) / len(minutes) >= 0.7
    assert sum(refused for _, refused in minutes) / len(minutes) < 0.05


def test_without_limits_nothing_ever_waits() -> None:
    lane = Lane()
    lane.answered(lane.sent(0.0, 100), {}, 0.1)
    for _ in range(100_000):
        assert lane.wait(0.2) == 0
        lane.sent(0.2, 10_000)


def test_before_the_first_answer_only_a_few_are_sent() -> None:
    lane = Lane()
    sent = 0
    while not lane.wait(1.0):
        lane.sent(1.0, 1)
        sent += 1
    assert sent == 16


def test_one_early_refusal_does_not_stop_a_worker_for_long() -> None:
    lane = Lane()
    lane.answered(lane.sent(0.0, 1), {}, 0.01, refused=True)
    sent, now = 0, 0.01
    while now < 10:
        if not lane.wait(now):
            lane.sent(now, 1)
            sent += 1
        now += 0.01
    assert sent > 300


@settings(max_examples=40, deadline=None)
@given(
    rpm=st.integers(60, 3000),
    remaining=st.floats(0, 1),
    seconds=st.floats(1, 180),
    tokens=st.integers(1, 500),
)
def test_a_worker_never_takes_more_than_the_bucket_holds(
    rpm: int, remaining: float, seconds: float, tokens: int
) -> None:
    """Alone, with no word after the first answer, it stays within what it was told and the refill."""
    lane = Lane()
    headers = {
        "x-ratelimit-limit-requests": str(rpm),
        "x-ratelimit-remaining-requests": str(int(rpm * remaining)),
    }
    lane.answered(lane.sent(0.0, tokens), headers, 0.1)
    sent, now = 0, 0.1
    while now < seconds:
        while not lane.wait(now):
            lane.sent(now, tokens)
            sent += 1
        now += 0.01
    assert sent <= int(rpm * remaining) + rpm / 60 * seconds + rpm / 60 * 0.2 + 1


@pytest.mark.parametrize("value", ["", "nan", "inf", "-1", "many", "0"])
def test_a_senseless_header_is_no_limit(value: str) -> None:
    lane = Lane()
    lane.answered(lane.sent(0.0, 1), {"x-ratelimit-limit-requests": value, "x-ratelimit-remaining-requests": "5"}, 0.1)
    for _ in range(1000):
        assert lane.wait(0.2) == 0
        lane.sent(0.2, 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m","max_completion_tokens":900,"messages":[{"content":"x"}]}', ("m", 900)),
        (b'{"model":"m","input":"' + b"x" * 4000 + b'","max_output_tokens":9}', ("m", 1012)),
        (b'{"model":"m","max_tokens":50}', ("m", 50)),
        (b"not json", ("", 2)),
    ],
    ids=["answer longer", "prompt longer", "old name", "unreadable"],
)
def test_a_request_counts_as_the_larger_of_its_prompt_and_its_answer(body: bytes, expected: tuple[str, int]) -> None:
    assert model_and_tokens(body) == expected


def test_models_have_limits_of_their_own() -> None:
    lanes = Lanes()
    lanes["chat.completions", "a"].answered(
        lanes["chat.completions", "a"].sent(0.0, 1),
        {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"},
        0.0,
    )
    assert lanes["chat.completions", "a"].wait(0.1) > 0
    assert lanes["chat.completions", "b"].wait(0.1) == 0
    for number in range(1000):
        lanes["chat.completions", str(number)]
    assert math.isclose(lanes["chat.completions", "a"].wait(0.1), 0)
