"""The sweep finds what is planted, in whatever form, and nothing that is not."""

import base64
import json
import os
from pathlib import Path

import pytest

from infra.sweep import Hit, SweepIsBlind, render, self_check, sweep
from infra.sweep.encodings import ENCODINGS, encoded, forms
from infra.sweep.segments import CODECS, batches
from infra.sweep.self_check import control_batch, control_segment, control_value, record_batch

SSN = "078-05-1120"
SECRET = "zorvaquen"


def segment_in(folder: Path, content: bytes, topic: str = "llm.jobs-0") -> Path:
    (folder / topic).mkdir(parents=True, exist_ok=True)
    (folder / topic / f"{0:020}.log").write_bytes(content)
    return folder


def record(value: bytes) -> dict[str, object]:
    return {"key": b"k", "value": value, "headers": []}


def test_the_control_finds_everything_it_plants() -> None:
    assert self_check() > len(ENCODINGS) * len(CODECS) * 4


@pytest.mark.parametrize("codec", [*CODECS, "xerial"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_encoding_is_found_in_each_codec(tmp_path: Path, codec: str, encoding: str) -> None:
    canary = control_value()
    content = record_batch(codec, 41, [record(b"first"), record(b"<" + encoded(canary, encoding) + b">")])
    report = sweep({"c": canary}, {"broker": segment_in(tmp_path, content)}, expect_records=True)
    assert Hit("c", encoding, "broker", "llm.jobs/0/42 value") in report.hits
    assert not report.clean


@pytest.mark.parametrize("codec", [*CODECS, "xerial"])
def test_nothing_is_found_where_nothing_was_planted(tmp_path: Path, codec: str) -> None:
    content, _ = control_segment(codec, control_value())
    report = sweep({"c": control_value()}, {"broker": segment_in(tmp_path, content)}, expect_records=True)
    assert report.clean
    assert report.records == 42


def test_transactions_and_their_markers_are_walked(tmp_path: Path) -> None:
    content = b"".join(
        (
            record_batch("lz4", 0, [record(b"a")], transactional=True),
            control_batch(1),
            record_batch("zstd", 2, [record(SECRET.encode())], transactional=True),
            control_batch(3),
        )
    )
    report = sweep({"c": SECRET}, {"broker": segment_in(tmp_path, content)})
    # The batch itself is among them where its codec left the value as it was.
    assert {hit.where for hit in report.hits} | {"llm.jobs/0/2 batch"} == {"llm.jobs/0/2 value", "llm.jobs/0/2 batch"}
    assert report.records == 2


def test_a_batch_cut_off_by_a_crash_is_tolerated_and_still_searched(tmp_path: Path) -> None:
    whole = record_batch("none", 0, [record(b"a")])
    cut = record_batch("none", 1, [record(SECRET.encode() + b" and more that is lost")])[:-4]
    report = sweep({"c": SECRET}, {"broker": segment_in(tmp_path, whole + cut)})
    assert report.cut_batches == 1
    assert [hit.where for hit in report.hits] == [f"{tmp_path.name}/llm.jobs-0/{0:020}.log:{report_at(whole + cut)}"]
    assert not report.problems


def report_at(content: bytes) -> int:
    return content.index(SECRET.encode()) + len(SECRET) - 1


@pytest.mark.parametrize("damage", [(16, 9), (70, 255)], ids=["not a batch", "not decompressible"])
def test_what_cannot_be_read_is_not_clean(tmp_path: Path, damage: tuple[int, int]) -> None:
    content = bytearray(record_batch("zstd", 0, [record(b"a" * 200)] * 20))
    for at in range(damage[0], damage[0] + (1 if damage[0] == 16 else 8)):
        content[at] = damage[1]
    report = sweep({"c": SECRET}, {"broker": segment_in(tmp_path, bytes(content))})
    assert report.problems
    assert not report.clean


def test_a_preallocated_tail_is_not_a_batch() -> None:
    whole = record_batch("gzip", 0, [record(b"a")])
    assert len(list(batches(whole + bytes(4096)))) == 1


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"078051120", id="no separators"),
        pytest.param(b"tel:078 05 11 20,", id="other groups"),
        pytest.param(b"078.05.1120", id="dots"),
    ],
)
def test_a_number_is_found_however_it_is_grouped(written: bytes) -> None:
    assert [hit.encoding for hit in sweep({"c": SSN}, {"log": written}).hits] == ["digits"]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"1078051120", id="part of a longer number"),
        pytest.param(b"0780511207", id="with a digit behind"),
        pytest.param(b"078--05--1120", id="two separators"),
        pytest.param(b"078-05-1121", id="another number"),
    ],
)
def test_another_number_is_not_taken_for_it(written: bytes) -> None:
    assert sweep({"c": SSN}, {"log": written}).clean


def test_few_digits_are_no_form_of_their_own() -> None:
    assert "digits" not in {form.encoding for form in forms("12-34-5678")}


def test_a_canary_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        sweep({"c": "42"}, {"log": b"x"})


def test_a_redacted_body_in_base64_is_searched_in_clear() -> None:
    body = json.dumps({"content": SECRET, "n": 1}).encode()
    envelope = json.dumps({"body": base64.b64encode(base64.b64encode(body)).decode()}).encode()
    hits = sweep({"c": SECRET}, {"topic": envelope}).hits
    assert ("raw", "base64 inside base64") in {(hit.encoding, hit.via) for hit in hits}


def test_a_file_name_that_holds_a_canary_is_found_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / f"job-{SECRET}.json"
    file.write_bytes(SECRET.encode())
    report = sweep({"c": SECRET}, {"state": tmp_path})
    assert any("the name of" in hit.where for hit in report.hits)
    assert SECRET not in render(report)


def test_the_stubs_requests_are_searched_one_by_one() -> None:
    report = sweep({"c": SECRET}, {"stub": [b"{}", b'{"a": "' + SECRET.encode() + b'"}']})
    assert [hit.where.partition(":")[0] for hit in report.hits] == ["item 1"]


def test_a_sweep_that_read_nothing_is_not_clean(tmp_path: Path) -> None:
    assert not sweep({"c": SECRET}, {"state": tmp_path}).clean
    assert not sweep({"c": SECRET}, {"state": tmp_path / "missing"}).clean
    assert not sweep({"c": SECRET}, {"log": b"x"}, expect_records=True).clean
    assert sweep({"c": SECRET}, {"state": tmp_path}, may_be_empty={"state"}).clean


def test_a_sweep_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no canary"):
        sweep({}, {"log": b"x"})


def test_kafkas_own_records_do_not_count_as_jobs(tmp_path: Path) -> None:
    content = record_batch("none", 0, [record(b"a")])
    report = sweep(
        {"c": SECRET}, {"broker": segment_in(tmp_path, content, "__consumer_offsets-0")}, expect_records=True
    )
    assert not report.clean


def test_random_bytes_hold_no_canary() -> None:
    canaries = {f"c{number}": f"{os.urandom(4).hex()} {number:012}" for number in range(60)}
    noise = os.urandom(2_000_000)
    assert sweep(canaries, {"noise": noise + base64.b64encode(noise)}).clean


def test_the_verdict_says_what_it_rests_on_and_no_value() -> None:
    text = render(sweep({"c": SECRET}, {"log": b"x" + SECRET.encode()}))
    assert text.startswith("Canary sweep: LEAKED")
    assert "1 files, 10 bytes" in text
    assert "FOUND c as raw in log: item 0:9" in text
    assert SECRET not in text
    assert render(sweep({"c": SECRET}, {"log": b""})).startswith("Canary sweep: NOT PROVED")


def test_a_blind_sweep_fails_its_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.sweep.scanner.forms", lambda value: list(forms(value))[:1])
    with pytest.raises(SweepIsBlind, match="base64"):
        self_check()
