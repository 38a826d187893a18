"""Small detectors of these tests' own, and the bodies they are tried on."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pipeline.detection.types import Finding
from pipeline.placeholders import Scope
from pipeline.policy import Policy, load_policies
from pipeline.request import RedactedBody, Restored, redact_request, restore_answer
from pipeline.text import RawText
from schemas.job import Endpoint

CLEAN_NAME = "book"
"""A tool's name, in which `Scattered` finds nothing: a finding there refuses the request."""

CHAT = Endpoint.CHAT_COMPLETIONS
SCOPE = Scope(b"\x07" * 32, "acme/job/one")


def disjoint(findings: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in sorted(findings):
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept


class Patterns:
    """Finds what a pattern per entity matches."""

    version = "patterns"

    def __init__(self, **patterns: str) -> None:
        self._patterns = {entity: re.compile(pattern) for entity, pattern in patterns.items()}
        self.seen: list[str] = []

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        self.seen.append(text)
        return disjoint(
            Finding(match.start(), match.end(), entity, 0.9)
            for entity, pattern in self._patterns.items()
            for match in pattern.finditer(text)
            if match[0]
        )


class Scattered:
    """Finds something at any place at all: spans drawn at random, wrapped to the text's length."""

    version = "scattered"

    def __init__(self, draws: Iterable[tuple[int, int, str]]) -> None:
        self._draws = list(draws)

    def __repr__(self) -> str:
        return f"Scattered({self._draws})"

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        if text == CLEAN_NAME:
            return []
        size = len(text)
        return disjoint(
            Finding(start % size, min(size, start % size + length), entity, 1.0)
            for start, length, entity in self._draws
        )


def default_policy() -> Policy:
    return load_policies(None).select("acme", None)


def chat(*contents: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text} for text in contents], **more}


def encode(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()


def redact_chat(
    request: dict[str, Any],
    detector: Any,
    *,
    policy: Policy | None = None,
    scope: Scope = SCOPE,
    endpoint: Endpoint = CHAT,
) -> RedactedBody:
    return redact_request(endpoint, encode(request), policy=policy or default_policy(), detector=detector, scope=scope)


def answer(content: str | None, **message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
        ],
        "usage": {"total_tokens": 3},
    }


def restore_chat(tree: dict[str, Any], redacted: RedactedBody, endpoint: Endpoint = CHAT) -> Restored:
    return restore_answer(
        endpoint,
        encode(tree),
        originals=redacted.originals,
        issued=redacted.issued,
        lookalikes=redacted.lookalikes,
        surrogates=redacted.surrogates,
    )


def content_of(body: bytes) -> Any:
    return json.loads(body)["choices"][0]["message"]["content"]


def sent(redacted: RedactedBody) -> list[Any]:
    """The contents that OpenAI sees, without our instruction."""
    messages = json.loads(redacted.body)["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]
