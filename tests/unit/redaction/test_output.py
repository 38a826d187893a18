"""New sensitive data in an answer is counted, redacted one way or blocked; placeholders are none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection.types import Finding
from pipeline.errors import DetectionFailed
from pipeline.output import CheckedAnswer, OutputBlocked, check_answer
from pipeline.policy import MalformedPolicy, Policies, load_policies
from pipeline.ports import Answer
from pipeline.redaction import Detector
from pipeline.request import RedactedBody, restore_answer
from pipeline.settings import OpenAISettings
from pipeline.text import RawText
from schemas.audit import Decision
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.redacted import OutputAction
from schemas.result import Status
from tests.stages import Played, Stages
from tests.unit.redaction.detectors import (
    CHAT,
    Patterns,
    answer,
    chat,
    content_of,
    default_policy,
    encode,
    redact_chat,
)

DETECTOR = Patterns(
    EMAIL=r"[a-z]+@[a-z]+\.[a-z]+", CREDIT_CARD=r"\d{16}", GENERIC_API_KEY=r"\b(?=[a-z]*\d)[0-9a-z]{8}\b"
)
REDACTED = redact_chat(chat("from ann@mail.org"), DETECTOR)
(TOKEN,) = REDACTED.issued


def checked(
    tree: Any,
    action: OutputAction = OutputAction.REDACT,
    *,
    redacted: RedactedBody = REDACTED,
    endpoint: Endpoint = CHAT,
) -> CheckedAnswer:
    return check_answer(
        endpoint,
        encode(tree),
        action=action,
        policy=default_policy(),
        detector=DETECTOR,
        originals=redacted.originals,
        issued=redacted.issued,
        lookalikes=redacted.lookalikes,
    )


def test_new_data_is_redacted_one_way_and_the_placeholder_is_restored() -> None:
    found = checked(answer(f"Dear {TOKEN}, ask bob@mail.org."))
    assert found.entities == {"EMAIL": 1}
    restored = restore_answer(CHAT, found.body, originals=REDACTED.originals, issued=REDACTED.issued)
    assert content_of(restored.body) == "Dear ann@mail.org, ask [EMAIL]."
    assert (restored.receipt.returned, restored.receipt.invented) == (1, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"Dear {TOKEN}.",
        f"Dear {TOKEN[1:-1]}.",
        f"Dear {TOKEN.lower()}.",
        f"Dear {TOKEN[-9:-1]}.",
        f'{{"to": "{TOKEN}"}}',
        f"<b>{TOKEN.replace('_', ' ')}</b>",
        "Dear ann@mail.org.",  # in the vault: the caller's own
        "Dear [PERSON_a1b2c3d4].",  # made up, and the receipt's business
        "Nothing.",
    ],
)
def test_what_the_request_held_is_not_new(text: str) -> None:
    tree = answer(text)
    found = checked(tree)
    assert (found.entities, found.body) == ({}, encode(tree))


def test_a_value_is_redacted_wherever_it_stands_again() -> None:
    detector = Patterns(PERSON=r"(?<=name is )Bob Ray")
    found = check_answer(
        CHAT,
        encode(answer("His name is Bob Ray. Bob Ray lives here.")),
        action=OutputAction.REDACT,
        policy=default_policy(),
        detector=detector,
        originals={},
        issued={},
    )
    assert content_of(found.body) == "His name is [PERSON]. [PERSON] lives here."
    assert found.entities == {"PERSON": 2}


def arguments_of(body: bytes) -> Any:
    return json.loads(json.loads(body)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])


def test_tool_arguments_stay_json() -> None:
    given_ = f'{{"to": "{TOKEN}", "cc": "bob@mail.org", "card": 4111111111111111, "note": "a\\"b bob@mail.org"}}'
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given_}}
    found = checked(answer(None, tool_calls=[call]))
    assert arguments_of(found.body) == {"to": TOKEN, "cc": "[EMAIL]", "card": "[CREDIT_CARD]", "note": 'a"b [EMAIL]'}
    assert found.entities == {"EMAIL": 2, "CREDIT_CARD": 1}


def test_log_probabilities_that_spell_it_are_dropped() -> None:
    tree = answer("ask bob@mail.org")
    tree["choices"][0]["logprobs"] = {"content": [{"token": "bob@mail.org"}]}
    assert b"bob@" not in checked(tree).body
    part = {"type": "output_text", "text": "ask bob@mail.org", "logprobs": [{"token": "bob@mail.org"}]}
    tree = {"object": "response", "output": [{"type": "message", "role": "assistant", "content": [part]}]}
    assert b"bob@" not in checked(tree, endpoint=Endpoint.RESPONSES).body


def test_what_a_response_repeats_of_the_request_is_not_new() -> None:
    part = {"type": "output_text", "text": "ask bob@mail.org", "logprobs": []}
    tree = {
        "object": "response",
        "instructions": "write to carl@mail.org",
        "output": [{"type": "message", "role": "assistant", "content": [part]}],
    }
    found = checked(tree, endpoint=Endpoint.RESPONSES)
    assert found.entities == {"EMAIL": 1}
    assert b"carl@mail.org" in found.body
    assert b"bob@" not in found.body


def test_new_data_is_blocked_and_counted() -> None:
    with pytest.raises(OutputBlocked) as caught:
        checked(answer("ask bob@mail.org or eve@mail.org"), OutputAction.BLOCK)
    assert caught.value.entities == {"EMAIL": 2}
    assert caught.value.detail == "EMAIL 2"
    assert checked(answer(f"Dear {TOKEN}"), OutputAction.BLOCK).entities == {}


def test_new_data_that_is_allowed_is_counted_and_the_bytes_stay() -> None:
    tree = answer("ask bob@mail.org")
    found = checked(tree, OutputAction.ALLOW)
    assert (found.entities, found.body) == ({"EMAIL": 1}, encode(tree))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([TOKEN, TOKEN[1:-1], "bob@mail.org", "ann@mail.org", '"', "{", '{"a": ', "}", "\\", "x y"])
    )
)
def test_redacting_leaves_every_placeholder_and_no_new_value(pieces: list[str]) -> None:
    text = " ".join(pieces)
    found = checked(answer(text))
    there = content_of(found.body)
    assert "bob@mail.org" not in there
    assert there.count(TOKEN[1:-1]) == text.count(TOKEN[1:-1])
    assert there.replace("[EMAIL]", "bob@mail.org") == text


class Says:
    """A model that gives one answer."""

    def __init__(self, text: str) -> None:
        self._body = encode(answer(text))

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        return Answer(body=self._body, attempts=1)


def policies(folder: Path, text: str, name: str = "policy.toml") -> Policies:
    path = folder / name
    path.write_text(text)
    return load_policies(path)


async def play(
    keys_dir: Path,
    text: str,
    redacting: Policies | None = None,
    restoring: Policies | None = None,
    detector: Detector | None = None,
    **fields: Any,
) -> Played:
    stages = Stages(
        keys_dir,
        Says(text),
        base_url="https://api.openai.com/v1",
        openai=OpenAISettings(),
        policies=redacting,
        restoring=restoring,
        restoring_detector=detector,
    )
    return await stages.play(chat("hi"), **fields)


NEW = "Ask bob.ray@mail-server.com."


async def test_by_default_new_data_is_counted(keys_dir: Path) -> None:
    played = await play(keys_dir, NEW)
    (result,) = played.results()
    assert result.status is Status.COMPLETED
    assert result.new_entities == {"EMAIL": 1}
    assert content_of(bytes(result.response)) == NEW
    assert played.events("rehydrator")[0].new_entities == {"EMAIL": 1}


async def test_a_policy_may_have_it_redacted(keys_dir: Path, tmp_path: Path) -> None:
    played = await play(keys_dir, NEW, policies(tmp_path, '[output]\naction = "redact"'))
    (result,) = played.results()
    assert content_of(bytes(result.response)) == "Ask [EMAIL]."
    assert result.new_entities == {"EMAIL": 1}


async def test_a_policy_may_have_it_blocked(keys_dir: Path, tmp_path: Path) -> None:
    played = await play(keys_dir, NEW, policies(tmp_path, '[output]\naction = "block"'))
    (result,) = played.results()
    assert result.status is Status.BLOCKED
    assert result.error is not None
    assert (result.error.code, result.error.detail) == (ErrorCode.OUTPUT_BLOCKED, "EMAIL 1")
    assert bytes(result.response) == b"null"
    (event,) = played.events("rehydrator")
    assert (event.decision, event.code, event.new_entities) == (
        Decision.BLOCKED,
        ErrorCode.OUTPUT_BLOCKED,
        {"EMAIL": 1},
    )
    assert [letter.code for letter in played.letters()] == [ErrorCode.OUTPUT_BLOCKED]
    assert b"mail-server" not in b"".join(record.value for item in played.records.values() for record in item[-2:])


async def test_the_jobs_own_policy_decides(keys_dir: Path, tmp_path: Path) -> None:
    both = policies(tmp_path, '[policies.strict.output]\naction = "block"\n[tenants.acme.output]\naction = "redact"')
    (result,) = (await play(keys_dir, NEW, both)).results()
    assert result.status is Status.COMPLETED
    (result,) = (await play(keys_dir, NEW, both, policy="strict")).results()
    assert result.status is Status.BLOCKED


@pytest.mark.parametrize("action", ["redact", "block"])
async def test_an_answer_that_cannot_be_checked_is_not_given_out(keys_dir: Path, tmp_path: Path, action: str) -> None:
    redacting = policies(tmp_path, f'[output]\naction = "{action}"')
    played = await play(keys_dir, "Nothing.", redacting, load_policies(None))
    (result,) = played.results()
    assert result.error is not None
    assert result.error.code is ErrorCode.OUTPUT_NOT_CHECKED


class Failing:
    """A detector whose plug-in has died."""

    version = "failing"

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        raise DetectionFailed


@pytest.mark.parametrize(("action", "given_out"), [("allow", True), ("redact", False), ("block", False)])
async def test_an_answer_that_detection_fails_on_is_given_out_only_if_it_was_to_be_counted(
    keys_dir: Path, tmp_path: Path, action: str, given_out: bool
) -> None:
    played = await play(keys_dir, NEW, policies(tmp_path, f'[output]\naction = "{action}"'), detector=Failing())
    (result,) = played.results()
    assert (result.status is Status.COMPLETED) is given_out
    assert (result.error is None) is given_out
    assert result.new_entities is None


async def test_a_policy_may_have_nothing_looked_for(keys_dir: Path, tmp_path: Path) -> None:
    detector = Patterns(EMAIL=r".+")
    played = await play(keys_dir, NEW, policies(tmp_path, '[output]\naction = "ignore"'), detector=detector)
    (result,) = played.results()
    assert (result.status, result.new_entities, detector.seen) == (Status.COMPLETED, None, [])


async def test_an_answer_that_was_only_to_be_counted_is_given_out_uncounted(keys_dir: Path, tmp_path: Path) -> None:
    played = await play(keys_dir, NEW, load_policies(None), policies(tmp_path, "threshold = 0.5"))
    (result,) = played.results()
    assert (result.status, result.new_entities) == (Status.COMPLETED, None)
    assert played.events("rehydrator")[0].new_entities is None


@pytest.mark.parametrize(
    "text", ['[output]\naction = "nosuch"', "[output]\nactions = 1", "output = 5", '[output]\naction = ["block"]']
)
def test_a_wrong_output_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MalformedPolicy, match="output"):
        policies(tmp_path, text)
