"""`veil detect`: any lines in, as many out, and a clear word about one that is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.cli.looking import detect
from pipeline.errors import VeilError
from schemas.codes import ErrorCode

CANARY = "zebra-quartz-93"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(stdin: str | bytes, *arguments: str) -> Result:
    return CliRunner().invoke(detect, ["--entities", "EMAIL", *arguments], input=stdin)


def lines_of(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_is_answered_in_order_from_stdin_as_from_a_file(tmp_path: Path) -> None:
    texts = ["", "jane.roe@example.org", "\0 jane.roe@example.org", "é😀 jane.roe@example.org", "none"]
    source = (
        "\n\r\n".join(json.dumps({"id": n, "text": text, "spans": []}) for n, text in enumerate(texts)) + "\n\n  \n"
    )
    (tmp_path / "in.jsonl").write_text(source, encoding="utf-8")
    answers = lines_of(run(source))
    assert answers == lines_of(run("", str(tmp_path / "in.jsonl")))
    assert [(one["id"], one["text"]) for one in answers] == list(enumerate(texts))
    found = [[text[s["start"] : s["end"]] for s in one["spans"]] for one, text in zip(answers, texts, strict=True)]
    assert found == [[], ["jane.roe@example.org"], ["jane.roe@example.org"], ["jane.roe@example.org"], []]


@pytest.mark.parametrize("source", ["", "\n\n"], ids=["empty", "blank"])
def test_no_lines_are_no_fault(source: str) -> None:
    assert lines_of(run(source)) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{CANARY}".encode(), ErrorCode.MALFORMED_JSON),
        (f'{{"id":1,"text":"{CANARY}'.encode(), ErrorCode.MALFORMED_JSON),
        (f'{{"id":1,"text":"{CANARY} \\ud800"}}'.encode(), ErrorCode.MALFORMED_JSON),
        (f'{{"id":1,"body":"{CANARY}"}}'.encode(), ErrorCode.WRONG_SCHEMA),
        (f'{{"id":["{CANARY}"],"text":""}}'.encode(), ErrorCode.WRONG_SCHEMA),
        (f'["{CANARY}"]'.encode(), ErrorCode.WRONG_SCHEMA),
        (f'{{"id":1,"text":"{CANARY}'.encode() + b'\xff"}', ErrorCode.INVALID_UTF8),
    ],
    ids=["no JSON", "cut off", "half a pair", "no text", "wrong id", "a list", "no UTF-8"],
)
def test_a_bad_line_is_named_by_number_and_never_shown(line: bytes, code: ErrorCode) -> None:
    result = run(b'{"id":1,"text":"x"}\n\n' + line + b"\n")
    assert result.exit_code == 1
    fault = result.exception
    assert isinstance(fault, VeilError)
    assert fault.code is code
    assert fault.detail.startswith("line 3 ")
    assert CANARY not in result.output + repr(fault) + fault.detail
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("source", ["missing.jsonl", "."], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_wrong_usage(source: str) -> None:
    assert run("", source).exit_code == 2
