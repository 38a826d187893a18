"""How much of an answer is read: what OpenAI's host sends is bounded before it is in memory.

Answers are asked for unencoded, and an encoded one is refused: a few kilobytes of
gzip can become gigabytes, and what is never decompressed needs no further limit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2

from pipeline.adapters.openai_failures import AnswerTooLarge

STREAM_FRAMES = 32
"""So many times an answer's size may its stream have: each piece of it comes in a frame of some 300 bytes."""
UNENCODED = {"accept-encoding": "identity"}
"""Request headers that ask for an answer as it is (RFC 9110 §12.5.3)."""


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > self._limit:
                raise AnswerTooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def is_stream(response: httpx2.Response) -> bool:
    """Whether a response comes in pieces: a server may not do so though it was asked to."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


def limit_answers(limit: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A response hook of httpx2, which runs before the body is read, whatever the status."""

    async def hook(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise AnswerTooLarge
        if isinstance(response.stream, httpx2.AsyncByteStream):
            most = limit * STREAM_FRAMES if is_stream(response) else limit
            response.stream = _Counted(response.stream, most)

    return hook
