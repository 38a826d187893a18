"""What became of one job: the three views of it, and whether it is what should have become of it."""

import json
from typing import Any

from infra.demo.samples import Sample, strings
from infra.demo.screen import Screen
from infra.demo.views import Row, answer_rows, request_rows
from schemas.result import Result, Status

COMPLETED = "completed"


def show(screen: Screen, title: str, sample: Sample, result: Result, sent: bytes | None) -> None:
    """What was submitted, what OpenAI saw, what came back.

    Args:
        screen: Where to print.
        title: The job's number and name.
        sample: The job and its planted values.
        result: As opened by the requester.
        sent: The request as OpenAI received it; None if it received none.
    """
    told = f"completed in {result.timing.rehydrated * 1000:.0f} ms" if result.error is None else result.error.code.value
    screen.heading(title, told, good=result.status is Status.COMPLETED)
    submitted = json.loads(bytes(sample.job.request))
    screen.view("submitted", request_rows(submitted), sensitive=sample.values, style="magenta")
    if sent is None:
        screen.view("OpenAI saw", [Row("", "nothing")], sensitive=[], style="cyan")
    else:
        screen.view("OpenAI saw", request_rows(json.loads(sent)), sensitive=sample.values, style="cyan")
    screen.view("came back", _answer(result), sensitive=sample.values, style="green")
    if result.error is None:
        receipt = result.receipt
        counts = (
            f"{receipt.issued} issued, {receipt.returned} returned, {receipt.lost} lost, {receipt.invented} invented"
        )
        screen.pair("receipt", counts, "yellow" if receipt.lost or receipt.invented else "")
        screen.pair("entities", ", ".join(f"{name} {count}" for name, count in result.entities.items()))
    if sample.note:
        screen.pair("note", sample.note, "italic")


def fault(sample: Sample, result: Result, sent: bytes | None) -> str | None:
    """Say what is not as it should be, if anything is not."""
    ended = COMPLETED if result.error is None else result.error.code.value
    if ended != sample.ends:
        return f"ended {ended}, and should have ended {sample.ends}"
    if ended != COMPLETED:
        return None if sent is None else "was sent to OpenAI all the same"
    if sent is None:
        return "completed, but OpenAI received nothing"
    if sample.lost is not None and result.receipt.lost != sample.lost:
        return f"{result.receipt.lost} tokens lost, and should be {sample.lost}"
    if result.receipt.invented != sample.invented:
        return f"{result.receipt.invented} tokens invented, and should be {sample.invented}"
    answer = "\n".join(strings(json.loads(bytes(result.response))))
    for planted in sample.planted:
        if not planted.reversible and planted.value in answer:
            return f"a value of {planted.entity} came back, and goes one way"
        if planted.reversible and result.receipt.lost == 0 and planted.value not in answer:
            return f"a value of {planted.entity} was not restored"
    return None


def _answer(result: Result) -> list[Row]:
    response: dict[str, Any] | None = json.loads(bytes(result.response))
    if response is not None:
        return answer_rows(response)
    if result.error is None:
        return []
    detail = f", {result.error.detail}" if result.error.detail else ""
    return [Row("error", f"{result.error.code}{detail} (by the {result.error.stage})")]
