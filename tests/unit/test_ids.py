"""What an id may be: nothing that is a path, a header, a second line, or another writing of the same characters."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.decoding import InvalidField, decode
from pipeline.settings import WrongSettings, load_settings
from schemas.envelope import Envelope
from schemas.job import Job

HOSTILE = {
    "a parent folder": "../../etc/passwd",
    "an absolute path": "/etc/passwd",
    "a drive": "c:\\windows",
    "a NUL": "a\x00b",
    "a line feed at the end": "a\n",
    "CR and LF": "a\r\nx-evil: 1",
    "one too long": "a" * 250,
    "full-width letters": "ａｂｃ",
    "digits of another script": "١٢٣",
    "a bidi control": "a\u202eb",
    "a zero-width joiner": "a\u200db",
    "a space": "a b",
    "percent": "%2e%2e%2f",
    "nothing": "",
}
FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "job_id": lambda value: {"job_id": value},
    "tenant": lambda value: {"tenant": value},
    "conversation": lambda value: {"conversation": value},
    "policy": lambda value: {"policy": value},
    "reply_to": lambda value: {"reply_to": value},
    "labels": lambda value: {"labels": {value: "x"}},
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_id_of_other_characters_is_refused_and_not_shown(field: str, value: str) -> None:
    job = {"schema": "job/1", "job_id": "a", "endpoint": "embeddings", "request": {}, **FIELDS[field](value)}
    with pytest.raises(InvalidField) as caught:
        decode(json.dumps(job).encode(), Job)
    assert caught.value.detail in {"", field}


@pytest.mark.parametrize("value", ["0" * 15 + "\n", "0" * 16 + "\n", "../" + "0" * 13, "A" * 16, "0" * 17])
def test_a_key_id_is_sixteen_hex_digits_and_no_more(value: str) -> None:
    sealed = {"key_id": value, "ciphertext": ""}
    envelope = {"schema": "envelope/1", "purpose": "job", "job_id": "a", "content": "job/1", "sealed": sealed}
    with pytest.raises(InvalidField):
        decode(json.dumps({**envelope, "binding": "0" * 64}).encode(), Envelope)


@pytest.mark.parametrize("value", ["llm.\n", "../llm.", "a b."])
def test_a_topic_prefix_is_held_to_it_too(value: str) -> None:
    with pytest.raises(WrongSettings):
        load_settings(environ={"VEIL__KAFKA__TOPIC_PREFIX": value})
