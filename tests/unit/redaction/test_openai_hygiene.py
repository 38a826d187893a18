"""What OpenAI would keep, or would know of a person, and what is done about it: a row of rules each."""

import json
import logging
from typing import Any

import pytest

from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.openai_llm import OpenAILLM, check_base_url
from pipeline.errors import VeilError
from pipeline.logs import configure
from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.settings import LogSettings, OpenAISettings, WrongSettings
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.unit.redaction.detectors import Patterns, chat, redact_chat
from tests.unit.test_logs import Log, process_state

NAME = Patterns(PERSON=r"Ann[ _]Lee")
ANNA = "ann.lee@example.org"


def responses(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "input": "hi", **more}


def sent(request: dict[str, Any], **options: Any) -> dict[str, Any]:
    endpoint = Endpoint.RESPONSES if "input" in request else Endpoint.CHAT_COMPLETIONS
    body: dict[str, Any] = json.loads(redact_chat(request, NAME, endpoint=endpoint, **options).body)
    return body


REQUESTS = {"chat": chat("hi"), "responses": responses()}
both = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())


@both
@pytest.mark.parametrize("asked", [None, False])
def test_a_request_always_says_that_it_is_not_to_be_stored(request_: dict[str, Any], asked: bool | None) -> None:
    assert sent(request_)["store"] is False
    assert sent(request_ | {"store": asked})["store"] is False


REFUSED: dict[str, tuple[dict[str, Any], ErrorCode]] = {
    "stored chat": (chat("hi", store=True), ErrorCode.FEATURE_REFUSED),
    "stored response": (responses(store=True), ErrorCode.FEATURE_REFUSED),
    "earlier response": (responses(previous_response_id="resp_1"), ErrorCode.FEATURE_REFUSED),
    "conversation": (responses(conversation="conv_1"), ErrorCode.FEATURE_REFUSED),
    "stored prompt": (responses(prompt={"id": "pmpt_1", "variables": {"who": "Ann Lee"}}), ErrorCode.FEATURE_REFUSED),
    # Its answer is fetched later, from where it was written to disk.
    "background": (responses(background=True), ErrorCode.FEATURE_REFUSED),
    "file": (
        responses(input=[{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]),
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
    "image": (
        responses(input=[{"role": "user", "content": [{"type": "input_image", "image_url": "https://x.example/a"}]}]),
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
    "image in chat": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
    "remote MCP": (
        responses(tools=[{"type": "mcp", "server_label": "s", "server_url": "https://x.example"}]),
        ErrorCode.FEATURE_REFUSED,
    ),
    "web search": (
        responses(tools=[{"type": "web_search", "user_location": {"type": "approximate", "city": "Ulm"}}]),
        ErrorCode.FEATURE_REFUSED,
    ),
    "web search in chat": (chat("hi", web_search_options={}), ErrorCode.FEATURE_REFUSED),
    "file search": (
        responses(tools=[{"type": "file_search", "vector_store_ids": ["vs_1"]}]),
        ErrorCode.FEATURE_REFUSED,
    ),
    "code interpreter": (
        responses(tools=[{"type": "code_interpreter", "container": {"type": "auto"}}]),
        ErrorCode.FEATURE_REFUSED,
    ),
    "cache for a day": (chat("hi", prompt_cache_retention="24h"), ErrorCode.FEATURE_REFUSED),
    "response's cache for a day": (responses(prompt_cache_retention="24h"), ErrorCode.FEATURE_REFUSED),
    "cache for half a day": (responses(prompt_cache_options={"ttl": "12h"}), ErrorCode.FEATURE_REFUSED),
}


@pytest.mark.parametrize(("request_", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_openai_would_keep_or_hand_on_is_refused(request_: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(VeilError) as caught:
        sent(request_)
    assert caught.value.code is code


@both
def test_only_a_policy_lets_openai_keep_something_for_longer(request_: dict[str, Any], tmp_path: Any) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[hygiene]\nallow_store = true\nallow_extended_cache = true")
    policy = load_policies(path).select("acme", None)
    body = sent(request_ | {"store": True, "prompt_cache_retention": "24h"}, policy=policy)
    assert (body["store"], body["prompt_cache_retention"]) == (True, "24h")


@both
@pytest.mark.parametrize("name", ["user", "safety_identifier", "prompt_cache_key"])
def test_an_identity_is_hashed_with_a_key_of_ours(request_: dict[str, Any], name: str) -> None:
    there = "safety_identifier" if name == "user" else name
    asked = request_ | {name: ANNA}
    hashed = sent(asked)[there]
    assert "user" not in sent(asked)
    assert len(hashed) <= 64
    assert hashed == sent(asked, scope=Scope(b"\x07" * 32, "acme/job/two"))[there]
    assert hashed != sent(asked, scope=Scope(b"\x08" * 32, "acme/job/one"))[there]
    assert hashed != sent(asked, scope=Scope(b"\x07" * 32, "other/job/one"))[there]
    assert ANNA not in json.dumps(sent(asked))


@both
def test_metadata_is_redacted(request_: dict[str, Any]) -> None:
    assert sent(request_ | {"metadata": {"who": "Ann Lee"}})["metadata"]["who"].startswith("[PERSON_")


def test_a_schema_which_residency_does_not_cover_is_redacted() -> None:
    schema = {"type": "object", "properties": {"who": {"type": "string", "description": "Ann Lee"}}}
    text = {"format": {"type": "json_schema", "name": "s", "schema": schema}}
    assert "Ann Lee" not in json.dumps(sent(responses(text=text)))


@pytest.mark.parametrize(
    ("base_url", "residency", "taken"),
    [
        ("https://api.openai.com/v1", "", True),
        ("https://eu.api.openai.com/v1", "", True),
        ("https://eu.api.openai.com/v1", "eu", True),
        ("https://jp.api.openai.com/v1", "jp", True),
        ("https://api.openai.com/v1", "eu", False),
        ("https://us.api.openai.com/v1", "eu", False),
        ("https://eu.api.openai.com.example/v1", "eu", False),
        ("http://eu.api.openai.com/v1", "eu", False),
        ("https://proxy.example/v1", "", False),
        ("https://gateway.example/v1", "eu", True),
        ("http://127.0.0.1:8080/v1", "eu", True),
    ],
)
def test_only_the_hosts_of_the_settings_are_called(base_url: str, residency: str, taken: bool) -> None:
    settings = OpenAISettings(residency=residency, allowed_hosts=("gateway.example",))
    if taken:
        check_base_url(base_url, settings)
    else:
        with pytest.raises(WrongSettings):
            check_base_url(base_url, settings)


@pytest.mark.parametrize("failing", [False, True], ids=["answered", "refused with an echo"])
async def test_the_sdks_debug_log_shows_nothing_of_a_call(monkeypatch: pytest.MonkeyPatch, failing: bool) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    stub = OpenAIStub(StubConfig(mode="echo"))
    stub.config.failures.bad_request.next = int(failing)
    base_url = await stub.start()
    log = Log()
    try:
        with process_state():
            configure(LogSettings(level="DEBUG", library_level="DEBUG"), log)
            logging.getLogger("openai").setLevel(logging.DEBUG)  # as the SDK does when OPENAI_LOG is set
            body = json.dumps(chat("canary-7f3a")).encode()
            async with OpenAILLM(OpenAISettings(), api_key="test-key-7f3a", base_url=base_url) as llm:
                try:
                    answer = await llm.complete(Endpoint.CHAT_COMPLETIONS, body, deadline=None)
                    assert b"canary-7f3a" in answer.body
                except VeilError as error:
                    log.write(f"{error!r} {error} {error.detail} {error.__cause__!r} {error.__context__!r}")
    finally:
        await stub.stop()
    assert '"logger": "openai' in log.getvalue()
    assert "7f3a" not in log.getvalue()
