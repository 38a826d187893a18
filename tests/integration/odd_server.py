"""An HTTP server that answers with whatever bytes it is given: what no well-behaved library would send."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self


def response(body: bytes, *, status: str = "200 OK", headers: Iterable[bytes] = ()) -> bytes:
    """A response as HTTP/1.1 writes it."""
    lines = [f"HTTP/1.1 {status}".encode(), b"content-type: application/json", *headers]
    return b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body])


class OddServer:
    """Reads one request a connection, then writes the next of `answers` as it is, the last one to all that follow.

    `endless` is what it goes on writing for ever, with a `pause` after each time.
    """

    def __init__(self) -> None:
        self.answers = [b""]
        self.endless = b""
        self.pause = 0.0
        self.requests: list[bytes] = []
        self.written = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def say(self, body: bytes, *, status: str = "200 OK", headers: Iterable[bytes] = ()) -> None:
        """Answer with a whole response from now on; a header is a line without its end."""
        self.answers = [response(body, status=status, headers=headers)]

    def say_once(self, odd: bytes, then: bytes) -> None:
        """Write `odd` once, and answer with the body `then` from there on."""
        self.answers = [odd, response(then)]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            self.requests.append(head + await reader.readexactly(length))
            async for piece in self._pieces():
                writer.write(piece)
                self.written += len(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        while self.endless:
            yield self.endless
            await asyncio.sleep(self.pause)
