"""OpenAI's objects, as its API writes them."""

import array
import base64
import math
import re
import secrets
import sys
import time
import zlib
from typing import Any

import msgspec

from infra.openai_stub.prompt import Json

MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-5-mini",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "omni-moderation-latest",
)


class Answer(msgspec.Struct, frozen=True):
    """Text, or one tool call (name, JSON arguments)."""

    text: str = ""
    tool_call: tuple[str, str] | None = None


def error(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def tokens(text: str) -> int:
    """About what a tokenizer would count: four characters each."""
    return (len(text) + 3) // 4


def chat_completion(body: Json, answer: Answer, prompt_tokens: int) -> Json:
    message: Json = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
    if answer.tool_call:
        message |= {"content": None, "tool_calls": [_chat_tool_call(*answer.tool_call)]}
    choice = {"message": message, "logprobs": None, "finish_reason": finish_reason(answer)}
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": index} | choice for index in range(body.get("n") or 1)],
        "usage": chat_usage(answer, prompt_tokens),
        "service_tier": "default",
        "system_fingerprint": "fp_stub",
    }


def chat_chunks(body: Json, answer: Answer, prompt_tokens: int) -> list[Json]:
    """The same answer as the events of a stream."""
    head: Json = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_stub",
    }
    deltas: list[Json] = [{"role": "assistant", "content": None if answer.tool_call else "", "refusal": None}]
    if answer.tool_call:
        call = _chat_tool_call(*answer.tool_call)
        arguments = answer.tool_call[1]
        deltas.append({"tool_calls": [{"index": 0} | call | {"function": call["function"] | {"arguments": ""}}]})
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": arguments[at : at + 7]}}]}
            for at in range(0, len(arguments), 7)
        ]
    # Seven characters a piece, so that a placeholder is always torn apart.
    deltas += [{"content": answer.text[at : at + 7]} for at in range(0, len(answer.text), 7)]
    numbers = range(body.get("n") or 1)
    chunks = [head | {"choices": [_chunk_choice(number, delta, None)]} for delta in deltas for number in numbers]
    chunks += [head | {"choices": [_chunk_choice(number, {}, finish_reason(answer))]} for number in numbers]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks = [chunk | {"usage": None} for chunk in chunks]
        chunks.append(head | {"choices": [], "usage": chat_usage(answer, prompt_tokens)})
    return chunks


def finish_reason(answer: Answer) -> str:
    return "tool_calls" if answer.tool_call else "stop"


def chat_usage(answer: Answer, prompt_tokens: int) -> Json:
    completion = _answer_tokens(answer)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def response(body: Json, answer: Answer, prompt_tokens: int) -> Json:
    if answer.tool_call:
        name, arguments = answer.tool_call
        item: Json = {
            "type": "function_call",
            "id": f"fc_{secrets.token_hex(12)}",
            "call_id": f"call_{secrets.token_hex(12)}",
            "name": name,
            "arguments": arguments,
            "status": "completed",
        }
    else:
        item = {
            "type": "message",
            "id": f"msg_{secrets.token_hex(12)}",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}],
        }
    completion = _answer_tokens(answer)
    # The real service repeats these fields of the request; so must whoever restores the answer expect.
    repeated = {"instructions", "metadata", "temperature", "top_p", "user", "max_output_tokens"}
    return {
        "id": f"resp_{secrets.token_hex(16)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "truncation": "disabled",
        **{name: body.get(name) for name in sorted(repeated)},
        "usage": {
            "input_tokens": prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt_tokens + completion,
        },
    }


def response_events(whole: Json) -> list[Json]:
    """A response as the events of a stream; its last one holds all of it."""
    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        for part in item.get("content") or ():
            text = part["text"]
            events += [
                {"type": "response.output_text.delta", "output_index": index, "delta": text[at : at + 7]}
                for at in range(0, len(text), 7)
            ]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


def embeddings(body: Json, inputs: list[str]) -> Json:
    dimensions = body.get("dimensions") or 1536
    count = sum(map(tokens, inputs))
    vectors = [_embed(text, dimensions) for text in inputs]
    as_base64 = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "model": body["model"],
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(v) if as_base64 else v.tolist()}
            for index, v in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def moderations(body: Json, inputs: list[str]) -> Json:
    """One result an input; a text with the word "kill" is flagged, so that a test can tell results apart."""
    return {
        "id": f"modr-{secrets.token_hex(12)}",
        "model": body["model"],
        "results": [_moderated("kill" in text.lower()) for text in inputs],
    }


def _moderated(flagged: bool) -> Json:
    return {
        "flagged": flagged,
        "categories": {"violence": flagged, "harassment": False},
        "category_scores": {"violence": 0.9 if flagged else 1e-05, "harassment": 1e-06},
        "category_applied_input_types": {"violence": ["text"], "harassment": ["text"]},
    }


def models() -> Json:
    entries = [{"id": m, "object": "model", "created": 1_700_000_000, "owned_by": "stub"} for m in MODELS]
    return {"object": "list", "data": entries}


def data_retention(kind: str) -> Json:
    return {"object": "organization.data_retention", "type": kind}


def _chunk_choice(number: int, delta: Json, reason: str | None) -> Json:
    return {"index": number, "delta": delta, "logprobs": None, "finish_reason": reason}


def _chat_tool_call(name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _answer_tokens(answer: Answer) -> int:
    return tokens(answer.text + "".join(answer.tool_call or ()))


def _embed(text: str, dimensions: int) -> "array.array[float]":
    """Hash words into a unit vector: texts that share words are near, equal texts are equal."""
    vector = array.array("f", bytes(4 * dimensions))
    for word in re.findall(r"\w+", text.lower()) or [text]:
        digest = zlib.crc32(word.encode())
        vector[digest % dimensions] += 1.0 if digest & 0x80000000 else -1.0
    norm = math.sqrt(sum(x * x for x in vector)) or 1.0
    return array.array("f", [x / norm for x in vector])


def _base64(vector: "array.array[float]") -> str:
    if sys.byteorder == "big":
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)
