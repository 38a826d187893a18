"""A server that speaks OpenAI's API and is not our stub: `OPENAI_BASE_URL` is all that changes.

The server is the `llm-mock-api` package (MIT): its own parser, its own JSON, FastAPI and uvicorn.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.openai_stub import wire
from pipeline.adapters.openai_llm import OpenAILLM
from pipeline.detection import build_detector
from pipeline.request import redact_request, restore_answer
from pipeline.settings import OpenAISettings
from schemas.job import Endpoint
from tests.unit.redaction.detectors import SCOPE, default_policy

pytestmark = pytest.mark.extras

TEXT = 'Write to jane.roe@example.org, card 4111 1111 1111 1111: {"iban": "DE89 3704 0044 0532 0130 00"} “ä” 🙂\n'
VALUES = ("jane.roe@example.org", "4111", "DE89")
MESSAGE = {"role": "user", "content": TEXT}
REQUESTS: dict[Endpoint, dict[str, Any]] = {
    Endpoint.CHAT_COMPLETIONS: {"model": "gpt-4o", "messages": [MESSAGE], "user": "jane.roe@example.org"},
    Endpoint.RESPONSES: {"model": "gpt-4o", "input": [MESSAGE]},
}


def said(endpoint: Endpoint, body: bytes) -> str:
    tree = json.loads(body)
    if endpoint is Endpoint.CHAT_COMPLETIONS:
        text: str = tree["choices"][0]["message"]["content"]
    else:
        text = next(item["content"][0]["text"] for item in tree["output"] if item["type"] == "message")
    return text


@pytest.fixture
async def server() -> AsyncIterator[Any]:
    mock = pytest.importorskip("llm_mock_api")
    echoing = mock.MockServer(mock.MockServerOptions(log_level="none"))
    echoing.fallback("not asked")
    echoing.when(lambda asked: True).reply(lambda asked: asked.last_message)
    await echoing.start()
    yield echoing
    await echoing.stop()


@pytest.mark.parametrize("endpoint", REQUESTS)
async def test_a_job_is_answered_by_a_server_that_is_not_ours(server: Any, endpoint: Endpoint) -> None:
    redacted = redact_request(
        endpoint,
        wire.encode(REQUESTS[endpoint]),
        policy=default_policy(),
        detector=build_detector(names=False),
        scope=SCOPE,
    )
    async with OpenAILLM(OpenAISettings(), api_key="test", base_url=f"{server.url}/v1") as llm:
        answers = await asyncio.gather(*(llm.complete(endpoint, redacted.body, deadline=None) for _ in range(100)))
    for answer in answers:
        restored = restore_answer(endpoint, answer.body, originals=redacted.originals, issued=redacted.issued)
        assert said(endpoint, restored.body) == TEXT
        assert restored.receipt.lost == 0
    seen = [json.dumps(request.request.raw, ensure_ascii=False) for request in server.history]
    assert len(seen) == 100
    assert all("[CREDIT_CARD_" in request for request in seen)
    assert not any(value in request for request in seen for value in VALUES)
