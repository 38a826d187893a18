"""Bad input: each fault its own code, and not a byte of the input in the exception."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding import MAX_DEPTH, decode
from pipeline.errors import VeilError
from schemas.codes import ErrorCode
from schemas.job import Job

GOOD = b'{"schema":"job/1","job_id":"a","endpoint":"chat.completions","request":{}%s}'

CASES = {
    "no value": (None, ErrorCode.EMPTY_MESSAGE),
    "empty": (b"", ErrorCode.EMPTY_MESSAGE),
    "not utf-8": (b'{"schema":"job/1","job_id":"\xff"}', ErrorCode.INVALID_UTF8),
    "not json": (b"canary", ErrorCode.MALFORMED_JSON),
    "cut short": (GOOD[:40], ErrorCode.MALFORMED_JSON),
    "two values": (GOOD % b"" + b"{}", ErrorCode.MALFORMED_JSON),
    "an array": (b"[]", ErrorCode.WRONG_SCHEMA),
    "no schema": (b'{"job_id":"a"}', ErrorCode.WRONG_SCHEMA),
    "another schema": (b'{"schema":"canary"}', ErrorCode.WRONG_SCHEMA),
    "schema of another kind": (b'{"schema":["job/1"]}', ErrorCode.WRONG_SCHEMA),
    "unknown field": (GOOD % b',"canary":1', ErrorCode.UNKNOWN_FIELD),
    "missing field": (b'{"schema":"job/1","job_id":"a"}', ErrorCode.INVALID_FIELD),
    "wrong type": (GOOD % b',"deadline":"canary"', ErrorCode.INVALID_FIELD),
    "wrong id": (b'{"schema":"job/1","job_id":"canary canary"}', ErrorCode.INVALID_FIELD),
    "unknown endpoint": (
        b'{"schema":"job/1","job_id":"a","endpoint":"canary","request":{}}',
        ErrorCode.UNKNOWN_ENDPOINT,
    ),
    "too deep": (GOOD % (b',"labels":' + b"[" * (MAX_DEPTH + 1)), ErrorCode.TOO_DEEP),
}


@pytest.mark.parametrize(("data", "code"), CASES.values(), ids=CASES.keys())
def test_each_fault_has_its_code_and_shows_nothing(data: bytes | None, code: ErrorCode) -> None:
    with pytest.raises(VeilError) as caught:
        decode(data, Job)
    assert caught.value.code is code
    shown = f"{caught.value!r} {caught.value} {caught.value.args} {caught.value.__cause__}"
    assert "canary" not in shown
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_job_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(VeilError) as caught:
        decode(b"x" * 11, Job, limit=10)
    assert caught.value.code is ErrorCode.JOB_TOO_LARGE


def test_brackets_inside_strings_are_no_depth() -> None:
    text = b"[" * 1000
    job = decode(GOOD % (b',"labels":{"a":"' + text[:200] + b'"}'), Job)
    assert job.labels["a"] == text[:200].decode()


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_input_raises_anything_else(data: bytes) -> None:
    with contextlib.suppress(VeilError):
        decode(data, Job)


@pytest.mark.parametrize("data", [b'"\\"' * 500_000, b'{"a":' * 200_000, b'"' * 1_000_001 + b"{" * 100])
def test_hostile_input_takes_linear_time(data: bytes) -> None:
    # Quadratic behaviour takes minutes on these; the bound only has to tell the two apart.
    start = time.process_time()
    with pytest.raises(VeilError):
        decode(data, Job)
    assert time.process_time() - start < 10
