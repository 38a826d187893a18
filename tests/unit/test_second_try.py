"""The second try: asked when too much is lost, once, of what the redactor signed, and counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.openai_stub import OpenAIStub, StubConfig
from infra.openai_stub.config import Failures, Mangling, Trigger
from pipeline.policy import load_policies
from pipeline.second_try import lost_share, restyled
from pipeline.settings import OpenAISettings
from schemas.codes import ErrorCode
from schemas.redacted import RedactedRequest
from tests.stages import Played, Stages, open_llm

TEXT = "Write to ann.lee@example.org and to bob.ray@example.org."
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": TEXT}]}
SETTINGS = OpenAISettings(timeout=5.0, max_attempts=1, backoff=0.001)


class Rig:
    """A stub that drops one placeholder of each answer in the first style, and a job played under a policy."""

    def __init__(self, keys_dir: Path, folder: Path) -> None:
        self.keys_dir = keys_dir
        self.file = folder / "policy.toml"
        self.calls = 0

    async def play(
        self,
        policy: str,
        failures: Failures | None = None,
        tampered: Callable[[RedactedRequest], RedactedRequest] | None = None,
    ) -> Played:
        self.file.write_text(policy)
        config = StubConfig(mode="echo", mangling=Mangling(drop=Trigger(every=1)), failures=failures or Failures())
        stub = OpenAIStub(config)
        base_url = await stub.start()
        try:
            async with open_llm(base_url, SETTINGS) as llm:
                policies = load_policies(self.file)
                stages = Stages(self.keys_dir, llm, base_url=base_url, openai=SETTINGS, policies=policies)
                return await stages.play(BODY, tampered=tampered)
        finally:
            self.calls = len(stub.requests)
            await stub.stop()


@pytest.fixture
def rig(keys_dir: Path, tmp_path: Path) -> Rig:
    return Rig(keys_dir, tmp_path)


async def test_a_job_that_loses_too_much_is_asked_once_more_and_restored(rig: Rig) -> None:
    played = await rig.play("second_try = 0.4")
    (event,), (result,) = played.events("completer"), played.results()
    assert rig.calls == event.attempts == 2
    assert msgspec.json.decode(result.response)["choices"][0]["message"]["content"] == TEXT
    assert result.receipt.second_try
    assert (result.receipt.issued, result.receipt.lost) == (2, 0)


async def test_both_calls_tokens_are_counted(rig: Rig) -> None:
    totals = []
    for policy in ("", "second_try = 0.4"):
        (completion,) = (await rig.play(policy)).completions()
        assert completion.usage is not None
        totals.append(completion.usage.total_tokens)
    assert totals[1] > 2 * totals[0] * 0.9


async def test_a_job_that_loses_no_more_than_allowed_is_asked_once(rig: Rig) -> None:
    (result,) = (await rig.play("second_try = 0.5")).results()
    assert rig.calls == 1
    assert not result.receipt.second_try
    assert result.receipt.lost == 1


async def test_without_the_policys_word_there_is_no_second_request(rig: Rig) -> None:
    (request,) = (await rig.play("")).requests()
    assert request.second_try is None
    assert rig.calls == 1


async def test_a_second_try_that_fails_leaves_the_first_answer(rig: Rig) -> None:
    failing = Failures(bad_request=Trigger(marker="template variables"))
    played = await rig.play("second_try = 0.4", failing)
    (event,), (result,) = played.events("completer"), played.results()
    assert event.attempts == 2
    assert (result.receipt.lost, result.receipt.second_try) == (1, False)


async def test_a_second_request_that_nobody_signed_is_not_sent(rig: Rig) -> None:
    def forged(request: RedactedRequest) -> RedactedRequest:
        assert request.second_try is not None
        body = request.second_try.body.replace(b"gpt-4o", b"gpt-5x")
        return msgspec.structs.replace(request, second_try=msgspec.structs.replace(request.second_try, body=body))

    (letter,) = (await rig.play("second_try = 0.4", tampered=forged)).letters()
    assert rig.calls == 0
    assert letter.code is ErrorCode.ATTESTATION_INVALID


async def test_the_second_request_holds_no_value_either(rig: Rig) -> None:
    (request,) = (await rig.play("second_try = 0.4")).requests()
    assert request.second_try is not None
    assert b"example.org" not in request.second_try.body
    assert b"[EMAIL_" not in request.second_try.body
    assert request.second_try.body.count(b"{{EMAIL_") == 2


def test_only_what_was_issued_changes_its_style() -> None:
    body = b"[PERSON_k3m9x2ab] [PERSON_00aa11bb] PERSON_k3m9x2ab"
    assert restyled(body, {"[PERSON_k3m9x2ab]"}) == b"{{PERSON_k3m9x2ab}} [PERSON_00aa11bb] PERSON_k3m9x2ab"


def test_what_is_lost_is_counted_by_code_in_any_case() -> None:
    second = b"{{PERSON_k3m9x2ab}} {{PERSON_k3m9x2ab}} {{EMAIL_00aa11bb}}"
    assert lost_share(second, b"[PERSON_K3M9X2AB]") == 0.5
    assert lost_share(second, b"none") == 1.0
    assert lost_share(b"no placeholders", b"none") == 0.0
