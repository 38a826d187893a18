"""The jobs of one round: what each asks, what an echo must give back, which carry canaries."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

from aiokafka.errors import KafkaError

from infra.canaries import Canary
from pipeline.client import Client
from pipeline.detection import catalogue
from schemas.job import Job

OUTSTANDING = 1000
"""Jobs under way at most, or half of all: every stage has a backlog while the fault happens, and some jobs
come after it."""

_SENDERS = 32
_CANARY_EVERY = 8


class Load:
    """Submits jobs without waiting for their ends, ever so many ahead of what has ended."""

    def __init__(self, client: Client, count: int, canaries: Mapping[str, Canary]) -> None:
        self._client = client
        self.jobs: dict[str, Job] = {}
        self.texts: dict[str, str | None] = {}
        kinds = cycle(canaries.values())
        for number in range(count):
            canary = next(kinds) if number % _CANARY_EVERY == 0 else None
            text = canary.text if canary else f"Ticket {number}: write to user{number}@example.org, please."
            request = {
                "model": "m",
                "messages": [{"role": "user", "content": text}],
                # Harmless, and so not redacted: the model's side counts calls by it.
                "metadata": {"job": f"job-{number}"},
            }
            job = client.job(request, job_id=f"job-{number}")
            self.jobs[job.job_id] = job
            # One-way kinds are not put back, so what comes back is not what was sent.
            self.texts[job.job_id] = None if canary and not catalogue()[canary.entity].reversible else text
        self.submitted = 0
        self.unsure: set[str] = set()

    async def run(self, ended: Callable[[], int]) -> None:
        """Submit every job, at most so many ahead of `ended()`."""
        waiting = iter(self.jobs.values())
        ahead = min(OUTSTANDING, len(self.jobs) // 2)

        async def send() -> None:
            for job in waiting:
                while self.submitted - ended() >= ahead:
                    await asyncio.sleep(0.02)
                self.submitted += 1
                await self._submit(job)

        await asyncio.gather(*(send() for _ in range(_SENDERS)))

    async def again(self, job_ids: Sequence[str]) -> None:
        """Submit some jobs once more, under the same ids."""
        for job_id in job_ids:
            await self._submit(self.jobs[job_id])

    async def _submit(self, job: Job) -> None:
        try:
            await self._client.submit(job)
            self.unsure.discard(job.job_id)
        except KafkaError:
            # Nobody knows whether the broker has it: sent again only if it has no end when all else has.
            self.unsure.add(job.job_id)
