"""Only redacted events are persisted: nothing raw lies anywhere, whatever becomes of a job.

`sweep_scenario` plays every kind of job, with every logger at DEBUG. Then everything
is stopped, and every byte that was written is searched.
"""

import asyncio
import json
from collections.abc import Iterator

import pytest

from infra.sweep import render, self_check, sweep
from pipeline.detection.types import catalogue
from pipeline.keys import Role
from schemas.codes import ErrorCode
from schemas.result import Result, Status
from tests.integration.sweep_scenario import FAILURES, Outcome, Scenario, broker_files, everything_said, own_broker


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Everything that is looked at below: run, stopped, and still on disk."""
    folder = tmp_path_factory.mktemp("sweep")
    with own_broker() as broker:
        given = Outcome()
        with everything_said(folder / "client.log"):
            asyncio.run(Scenario(broker, folder, given).play())
        broker.stop()
        given.places["broker"] = list(broker_files(broker))
        if not given.places["broker"]:
            del given.places["broker"]  # what was consumed stands for it
        given.places["client"] = folder / "client.log"
        yield given


def test_every_good_job_came_back_exactly(outcome: Outcome) -> None:
    """A pipeline that does nothing would leak nothing."""
    wrong = {}
    for name, text in outcome.expected.items():
        result, kind = outcome.results[name], name.split()[1]
        if result.status is not Status.COMPLETED:
            wrong[name] = result.error.code.value if result.error else result.status.value
        elif catalogue()[kind].reversible and content(result) != text:
            wrong[name] = "not restored exactly"
        elif not catalogue()[kind].reversible and outcome.canaries[kind].value in content(result):
            wrong[name] = "restored, though it goes one way"
    assert wrong == {}


def test_labels_come_back_inside_the_seal(outcome: Outcome) -> None:
    assert {name: outcome.results[name].labels for name in outcome.labels} == outcome.labels


def test_every_other_job_ended_as_it_should(outcome: Outcome) -> None:
    found = {name: outcome.results[f"failing {name}"].error for name in FAILURES}
    assert {name: error.code if error else None for name, error in found.items()} == FAILURES
    refused = {name: result for name, result in outcome.results.items() if name.startswith(("refused", "blocked"))}
    assert [name for name, result in refused.items() if result.error is None] == []
    assert outcome.results["blocked by policy"].status is Status.BLOCKED


def test_each_role_was_killed_at_work(outcome: Outcome) -> None:
    assert set(outcome.killed_at_work) == {Role.REDACTOR, Role.COMPLETER, Role.REHYDRATOR}
    assert min(outcome.killed_at_work.values()) > 0
    assert set(outcome.exit_codes.values()) == {0}


def test_an_id_that_holds_something_is_refused_before_anything_is_written(outcome: Outcome) -> None:
    assert len(outcome.refusals) > 100
    assert [name for name, told in outcome.refusals.items() if told.endswith("was accepted")] == []
    assert [name for name, told in outcome.refusals.items() for value in outcome.values.values() if value in told] == []


def test_an_unsafe_id_from_a_plain_client_is_a_dead_letter_with_a_hash(outcome: Outcome) -> None:
    unsafe = [letter for letter in outcome.letters if letter.code is ErrorCode.UNSAFE_ID and letter.job_id is None]
    assert len(unsafe) > 10
    assert [letter for letter in unsafe if not letter.job_hash] == []
    assert [letter for letter in unsafe if letter.original is None] == []


def test_processed_plain_records_were_deleted(outcome: Outcome) -> None:
    assert [place for place, (start, end) in outcome.plain_left.items() if start != end or end == 0] == []


def test_commands_end_well_and_results_are_for_their_owner_alone(outcome: Outcome) -> None:
    assert outcome.command_codes["submit"] == 0
    assert outcome.command_codes["list"] == 0
    assert outcome.command_codes["mode of --out"] == 0o600
    assert {result.status for result in outcome.command_results} == {Status.COMPLETED}


def test_nothing_raw_lies_anywhere(outcome: Outcome) -> None:
    report = sweep(outcome.values, outcome.places, expect_records="broker" in outcome.places)
    assert report.clean, render(report)
    assert {name for name, count in report.places.items() if not count.bytes} == set()
    assert report.records > len(outcome.expected) or "broker" not in outcome.places


def test_the_sweep_sees_what_the_plain_producer_wrote(outcome: Outcome) -> None:
    """Its files held all of it before it was processed: proof that the search is not blind."""
    if not outcome.plain_place:
        assert self_check() > 0  # somebody else's broker: its files are out of reach
        return
    report = sweep(outcome.values, {"plain topic": outcome.plain_place})
    assert {hit.canary for hit in report.hits} == set(outcome.values)


def content(result: Result) -> str:
    """What the echoing model answered, restored."""
    body = json.loads(bytes(result.response))
    if "choices" in body:
        return str(body["choices"][0]["message"]["content"])
    return str(body["output"][0]["content"][0]["text"])
