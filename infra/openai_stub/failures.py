"""Deciding what goes wrong, and doing it to placeholders."""

import re
from collections import Counter
from random import Random

import msgspec

from infra.openai_stub import wire
from infra.openai_stub.config import Failures, Mangling, Trigger
from infra.openai_stub.prompt import Json

_LETTERS = "abcdefghjkmnpqrstvwxyz"
_DIGITS = "23456789"


class Dice:
    """Evaluates triggers and counts how often each was asked and fired."""

    def __init__(self, seed: int | None = None) -> None:
        self.random = Random(seed)
        self.asked: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()

    def failure(self, failures: Failures, body: bytes) -> str | None:
        """Name the failure this request gets; those behind it keep their `next`."""
        for name in failures.__struct_fields__:
            if self._fires(name, getattr(failures, name), body):
                return name
        return None

    def manglings(self, mangling: Mangling, body: bytes) -> list[str]:
        return [name for name in mangling.__struct_fields__ if self._fires(name, getattr(mangling, name), body)]

    def _fires(self, name: str, trigger: Trigger, body: bytes) -> bool:
        self.asked[name] += 1
        fires = (
            trigger.next > 0
            or (trigger.every > 0 and self.asked[name] % trigger.every == 0)
            or (trigger.marker != "" and trigger.marker.encode() in body)
            or (trigger.probability > 0 and self.random.random() < trigger.probability)
        )
        if fires:
            trigger.next = max(0, trigger.next - 1)
            self.fired[name] += 1
        return fires


def refusal(failure: str | None, *, model: str, prompt_text: str) -> tuple[int, Json] | None:
    """Give status and error body of a failure that is an answer; None if it is something else."""
    match failure:
        case "rate_limit":
            text = f"Rate limit reached for {model} on requests per min (RPM). Please try again later."
            return 429, wire.error(text, "requests", code="rate_limit_exceeded")
        case "server_error":
            text = "The server had an error while processing your request. Sorry about that!"
            return 500, wire.error(text, "server_error")
        case "slow_down":
            return 503, wire.error("Slow down.", "slow_down", code="slow_down")
        case "invalid_key":
            text = "Incorrect API key provided. You can find your API key at the console."
            return 401, wire.error(text, "invalid_request_error", code="invalid_api_key")
        case "forbidden":
            text = "Country, region, or territory not supported"
            return 403, wire.error(text, "request_forbidden", code="unsupported_country_region_territory")
        case "model_forbidden":
            text = f"Project does not have access to model `{model}`"
            return 403, wire.error(text, "invalid_request_error", code="model_not_found")
        case "quota":
            text = "You exceeded your current quota, please check your plan and billing details."
            return 429, wire.error(text, "insufficient_quota", code="insufficient_quota")
        case "too_large":
            text = f"Request too large for {model} on tokens per min (TPM)."
            return 429, wire.error(text, "tokens", code="rate_limit_exceeded")
        case "context_length":
            text = "This model's maximum context length is 128000 tokens."
            return 400, wire.error(text, "invalid_request_error", param="messages", code="context_length_exceeded")
        case "not_found":
            text = f"The model `{model}` does not exist or you do not have access to it."
            return 404, wire.error(text, "invalid_request_error", code="model_not_found")
        case "conflict":
            return 409, wire.error("The resource was updated by another request.", "conflict_error")
        case "unprocessable":
            return 422, wire.error("Unprocessable entity.", "invalid_request_error")
        case "unavailable":
            text = "The engine is currently overloaded, please try again later."
            return 503, wire.error(text, "service_unavailable")
        case "bad_request":
            text = f"Invalid prompt: your prompt was flagged. Prompt: {prompt_text[:200]}"
            return 400, wire.error(text, "invalid_request_error", code="invalid_prompt")
        case "hang":
            return 408, wire.error("Request timed out.", "timeout")
    return None


def shaped(value: Json, failure: str | None) -> Json:
    """The answer, as it looks when it was cut short, is empty, or has failed."""
    if failure == "empty_choices":
        return value | {name: [] for name in ("choices", "output", "data", "results") if name in value}
    if failure == "failed" and "status" in value:
        return value | {"status": "failed", "error": {"code": "server_error", "message": "The model failed."}}
    if failure in {"length", "content_filter"} and "choices" in value:
        return value | {"choices": [choice | {"finish_reason": failure} for choice in value["choices"]]}
    if failure in {"length", "content_filter"} and "status" in value:
        reason = "max_output_tokens" if failure == "length" else failure
        return value | {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return value


class Mangled(msgspec.Struct, frozen=True):
    """What happens to the placeholders of one answer."""

    replacements: dict[str, str]
    invented: list[str]

    def apply(self, text: str, pattern: re.Pattern[str]) -> str:
        return pattern.sub(lambda found: self.replacements.get(found[0], found[0]), text)


def mangle(placeholders: list[str], manglings: list[str], random: Random) -> Mangled:
    """Spend one placeholder, in order, on each of `manglings`; `invent` makes a new one."""
    replacements: dict[str, str] = {}
    invented: list[str] = []
    free = iter(placeholders)
    for name in manglings:
        if name == "invent":
            invented.append("[PERSON_" + "".join(random.choices(_LETTERS, k=6) + random.choices(_DIGITS, k=2)) + "]")
        elif (victim := next(free, None)) is not None:
            replacements[victim] = _mangled(victim, name)
    return Mangled(replacements, invented)


def _mangled(placeholder: str, name: str) -> str:
    match name:
        case "drop":
            return ""
        case "lower_case":
            return placeholder.lower()
        case "no_brackets":
            return placeholder.strip("[]")
        case "spaces":
            return placeholder.replace("_", " ")
    raise AssertionError(name)
