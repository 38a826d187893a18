"""What everybody writes first: read raw jobs, send them to OpenAI as they are, write raw answers.

The yardstick for the whole pipeline: aiokafka and `openai` with the aiohttp backend,
200 calls at once, no redaction, no transactions. Arguments: broker, input topic,
output topic.
"""

import asyncio
import os
import sys

import httpx2
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from openai import AsyncOpenAI, DefaultAioHttpClient

IN_FLIGHT = 200


class RawJob(msgspec.Struct):
    """The part of a job that such a loop reads."""

    job_id: str
    request: msgspec.Raw


async def run(broker: str, source: str, target: str) -> None:
    """Serve until killed; prints a line when it is ready."""
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=broker, group_id=f"{source}.bare", auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker, linger_ms=5)
    decoder = msgspec.json.Decoder(RawJob)
    slots = asyncio.Semaphore(IN_FLIGHT)
    running: set[asyncio.Task[None]] = set()
    async with AsyncOpenAI(
        base_url=os.environ["OPENAI_BASE_URL"], api_key="bench", max_retries=0, http_client=DefaultAioHttpClient()
    ) as client:

        async def one(value: bytes) -> None:
            job = decoder.decode(value)
            response = await client.post(
                "/chat/completions",
                content=bytes(job.request),
                cast_to=httpx2.Response,
                options={"headers": {"content-type": "application/json"}},
            )
            await producer.send(target, response.content, key=job.job_id.encode())
            slots.release()

        await consumer.start()
        await producer.start()
        print("ready", flush=True)
        async for record in consumer:
            await slots.acquire()
            task = asyncio.create_task(one(record.value))
            running.add(task)
            task.add_done_callback(running.discard)


if __name__ == "__main__":
    import uvloop

    uvloop.run(run(*sys.argv[1:4]))
