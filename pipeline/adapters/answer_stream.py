"""A streamed answer put together again: the same JSON that the call would have given unstreamed.

Server-sent events (WHATWG HTML §9.2) with OpenAI's chunks of a chat completion, or its events of a
response, the last of which holds the whole response. Nothing is handed on before the end is there.
"""

from collections.abc import AsyncIterator
from typing import Any, Protocol

import httpx2
import msgspec

from pipeline.adapters.openai_failures import AnswerTooLarge
from pipeline.json_text import read_json, write_json
from schemas.job import Endpoint

_SET_ONCE = frozenset({"role", "id", "type", "name"})
"""Texts of a delta that come whole; all others come in pieces."""


class StreamCut(Exception):
    """The stream ended before the answer did."""


class StreamFailed(Exception):
    """OpenAI told of an error in the middle of the stream; `code` and `kind` are its words for it, if it gave any."""

    def __init__(self, code: str | None, kind: str | None) -> None:
        super().__init__()
        self.code = code
        self.kind = kind


class MalformedStream(Exception):
    """What came is no stream of the endpoint."""


class _Asked(msgspec.Struct):
    stream: bool | None = None


_requests = msgspec.json.Decoder(_Asked)


def asks_for_stream(body: bytes) -> bool:
    """Whether a request asks for its answer in pieces."""
    try:
        return bool(_requests.decode(body).stream)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


async def read_stream(endpoint: Endpoint, response: httpx2.Response, *, limit: int) -> bytes:
    """Read a stream to its end.

    Raises:
        StreamCut: it ended too early.
        StreamFailed: it told of an error.
        MalformedStream: it is none of the endpoint's.
        AnswerTooLarge: the answer has more bytes than `limit`.
    """
    answer: _Answer = _Response() if endpoint is Endpoint.RESPONSES else _Chat()
    size = 0
    async for data in _events(response):
        if data == b"[DONE]":
            answer.done = True
            break
        size += answer.take(data)
        if size > limit:
            raise AnswerTooLarge
        if answer.done:
            break
    if not answer.done:
        raise StreamCut
    return answer.body()


async def _events(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The data of each event; an event without an empty line behind it was cut off."""
    data: list[bytes] = []
    async for line in _lines(response):
        if not line:
            if data:
                yield b"\n".join(data)
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    pending: list[bytes] = []
    async for piece in response.aiter_bytes():
        # OpenAI ends lines with a line feed; a carriage return before it belongs to the end.
        *whole, rest = piece.split(b"\n")
        for line in whole:
            yield b"".join([*pending, line]).removesuffix(b"\r")
            pending.clear()
        if rest:
            pending.append(rest)


class _Answer(Protocol):
    done: bool

    def take(self, data: bytes) -> int:
        """Add an event; gives the bytes that it adds to the answer, about."""
        ...

    def body(self) -> bytes: ...


class _Event(msgspec.Struct):
    """What is read of a response's event. A number in `code` is another server's."""

    type: str = ""
    response: msgspec.Raw = msgspec.Raw()
    error: Any = None
    code: Any = None


_event = msgspec.json.Decoder(_Event)


class _Response:
    """A response: its last event holds all of it."""

    def __init__(self) -> None:
        self.done = False
        self._body = b""

    def take(self, data: bytes) -> int:
        try:
            event = _event.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MalformedStream from None
        if event.type == "error" or event.error:
            _fail(event.error if isinstance(event.error, dict) else {"code": event.code})
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            self.done, self._body = True, bytes(event.response)
        return len(self._body)

    def body(self) -> bytes:
        if not self._body:
            raise MalformedStream
        return self._body


class _Chat:
    """A chat completion, put together from its chunks."""

    def __init__(self) -> None:
        self.done = False
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._usage: Any = None

    def take(self, data: bytes) -> int:
        try:
            chunk = read_json(data, unique_keys=False)
        except (ValueError, RecursionError):
            raise MalformedStream from None
        if not isinstance(chunk, dict):
            raise MalformedStream
        if chunk.get("error"):
            _fail(chunk["error"] if isinstance(chunk["error"], dict) else {})
        size = 0
        for name, value in chunk.items():
            if name == "usage":
                self._usage = value if value is not None else self._usage
            elif name == "choices":
                for choice in _objects(value):
                    self._add(choice)
                size += _size(value)
            # Padding against whoever watches the sizes of packets; it is no part of the answer.
            elif name not in ("object", "obfuscation") and self._head.get(name) is None:
                self._head[name] = value
                size += _size([name, value])
        return size

    def body(self) -> bytes:
        if any(choice["finish_reason"] is None for choice in self._choices.values()):
            raise StreamCut
        answer = {
            **self._head,
            "object": "chat.completion",
            "choices": [_whole(self._choices[index]) for index in sorted(self._choices)],
            "usage": self._usage,
        }
        return write_json(answer)

    def _add(self, piece: dict[str, Any]) -> None:
        index = piece.get("index", 0)
        if not isinstance(index, int):
            raise MalformedStream
        choice = self._choices.get(index)
        if choice is None:
            message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
            choice = self._choices[index] = {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": None,
            }
        for name, value in piece.items():
            if name == "delta":
                for delta in _objects([value]):
                    _merge(choice["message"], delta)
            elif name == "logprobs":
                if isinstance(value, dict):
                    choice["logprobs"] = choice["logprobs"] or {}
                    _merge(choice["logprobs"], value)
            elif value is not None:
                choice[name] = value


def _merge(there: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta to what has come of an object before."""
    for name, value in delta.items():
        known = there.get(name)
        if value is None:
            there.setdefault(name, None)
        elif isinstance(value, list) and all(isinstance(item, dict) and "index" in item for item in value) and value:
            there[name] = known if isinstance(known, list) else []
            _merge_indexed(there[name], value)
        elif isinstance(value, list):
            there[name] = known if isinstance(known, list) else []
            there[name] += value
        elif isinstance(value, dict):
            there[name] = known if isinstance(known, dict) else {}
            _merge(there[name], value)
        elif isinstance(value, str) and name not in _SET_ONCE:
            there[name] = known if isinstance(known, _Text) else _Text()
            there[name].pieces.append(value)
        else:
            there[name] = value


class _Text:
    """A text of which more may come."""

    def __init__(self) -> None:
        self.pieces: list[str] = []


def _whole(value: Any) -> Any:
    """What has been put together, its texts joined."""
    if isinstance(value, _Text):
        return "".join(value.pieces)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _merge_indexed(there: list[Any], pieces: list[dict[str, Any]]) -> None:
    """Tool calls: their places in the list are told by `index`, which the whole answer does not have."""
    for piece in pieces:
        index = piece["index"]
        if not isinstance(index, int) or not 0 <= index <= len(there):
            raise MalformedStream
        if index == len(there):
            there.append({})
        _merge(there[index], {name: value for name, value in piece.items() if name != "index"})


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedStream
    return value


def _size(value: Any) -> int:
    """About how many bytes a part of a chunk adds: its texts, and a little for each."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace")) + 8
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return sum(map(_size, value))
    return 8


def _fail(error: dict[str, Any]) -> None:
    code, kind = error.get("code"), error.get("type")
    raise StreamFailed(code if isinstance(code, str) else None, kind if isinstance(kind, str) else None)
