"""Surrogates as a property: whatever is found wherever, an echo restores to the same bytes and nothing was sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from pipeline.last_check import LastCheckFailed
from pipeline.policy import Policy, load_policies
from pipeline.request import RedactedBody
from tests.property.test_round_trip import anything, texts
from tests.unit.redaction.detectors import (
    Patterns,
    Scattered,
    answer,
    chat,
    content_of,
    redact_chat,
    restore_chat,
    sent,
)

KINDS = ("PERSON", "EMAIL", "CREDIT_CARD", "PHONE", "DATE_TIME", "IPV4", "CITY", "VIN", "CUSTOM")
FIRST = ("Angela", "Robert", "Wolfgang", "Дмитрий", "Maria", "Kim")
LAST = ("Lee", "Ray", "Müller", "Smith", "Иванов")
people = st.builds("{} {}".format, st.sampled_from(FIRST), st.sampled_from(LAST))
values = st.one_of(
    people,
    people.map(str.upper),
    st.dates().map(str),
    st.from_regex(r"[a-z]{2,6}@[a-z]{2,5}\.(com|org|de)", fullmatch=True),
    st.from_regex(r"\+1 \([2-9]\d\d\) 555-01\d\d", fullmatch=True),
    st.from_regex(r"4000 00\d\d \d{4} \d{4}", fullmatch=True),
    st.from_regex(r"(192\.0\.2|10\.0\.0)\.\d{1,2}", fullmatch=True),
)
FOUND = Patterns(
    PERSON=rf"(?i)(?:{'|'.join(FIRST)}) (?:{'|'.join(LAST)})",
    DATE_TIME=r"\d{4}-\d\d-\d\d",
    EMAIL=r"[a-z]+@[a-z]+\.[a-z]+",
    PHONE=r"\+1 \(\d{3}\) \d{3}-\d{4}",
    CREDIT_CARD=r"\d{4} \d{4} \d{4} \d{4}",
    IPV4=r"\d+\.\d+\.\d+\.\d+",
)
scattered = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 9), st.sampled_from(KINDS)), max_size=6).map(
    Scattered
)
sentences = st.lists(
    st.one_of(values, texts, st.sampled_from([" ", ", ", " and ", "\n"])), min_size=1, max_size=10
).map("".join)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    path: Path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text("[entities]\n" + "".join(f'{kind} = "surrogate"\n' for kind in KINDS), encoding="utf-8")
    return load_policies(path).select("acme", None)


def redact(request: dict[str, Any], detector: Any, policy: Policy) -> RedactedBody:
    try:
        return redact_chat(request, detector, policy=policy)
    except LastCheckFailed:
        reject()


@given(anything, scattered)
def test_echoed_content_is_restored_byte_for_byte(policy: Policy, text: str, detector: Scattered) -> None:
    redacted = redact(chat(text), detector, policy)
    restored = restore_chat(answer(sent(redacted)[0]), redacted)
    assert content_of(restored.body) == text
    assert restored.receipt.lost == 0


@given(st.lists(sentences.filter(bool), min_size=1, max_size=4))
def test_texts_full_of_values_are_restored_and_hold_none(policy: Policy, contents: list[str]) -> None:
    redacted = redact(chat(*contents), FOUND, policy)
    seen = sent(redacted)
    assert [content_of(restore_chat(answer(text), redacted).body) for text in seen] == contents
    originals = {original.text for original in redacted.surrogates.values()}
    for text in seen:
        for surrogate in redacted.surrogates:
            text = text.replace(surrogate, "\0")
        assert not [original for original in originals if original in text]
    request = "\n".join(contents).lower()
    assert not [surrogate for surrogate in redacted.surrogates if surrogate.lower() in request]


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), sentences.filter(bool), min_size=1))
def test_documents_are_restored_byte_for_byte(policy: Policy, document: dict[str, str]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    redacted = redact(chat(text), FOUND, policy)
    assert json.loads(sent(redacted)[0]).keys() == document.keys()
    assert content_of(restore_chat(answer(sent(redacted)[0]), redacted).body) == text
