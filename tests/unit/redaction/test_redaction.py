"""Redaction: what the policy decides, where a value is found again, and how the request looks after."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.detection.types import Finding
from pipeline.errors import DetectionFailed
from pipeline.placeholders import Scope
from pipeline.policy import Policy, load_policies
from pipeline.redaction import BlockedByPolicy
from pipeline.request import INSTRUCTION
from pipeline.text import RawText
from tests.unit.redaction.detectors import (
    SCOPE,
    Patterns,
    answer,
    chat,
    content_of,
    redact_chat,
    restore_chat,
    sent,
)

# Shaped like a credential only once it is put together.
CREDENTIAL = "".join(("sk", "-", "a1B2c3D4e5F6g7H8"))


def policy_of(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return load_policies(path).select("acme", None)


class Once:
    """Finds a value at its first place in the first text only, as a detector that needs context may."""

    version = "once"

    def __init__(self, value: str, entity: str = "PERSON") -> None:
        self._value, self._entity = value, entity
        self._done = False

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        at = text.find(self._value)
        if self._done or at < 0:
            return []
        self._done = True
        return [Finding(at, at + len(self._value), self._entity, 0.5)]


def test_equal_values_share_a_placeholder_across_messages() -> None:
    redacted = redact_chat(chat("Ann Lee met Bob Ray", "Bob Ray left Ann Lee"), Patterns(PERSON="Ann Lee|Bob Ray"))
    first, second = sent(redacted)
    ann, _, bob = first.split()
    assert second == f"{bob} left {ann}"
    assert len(redacted.issued) == 2


@pytest.mark.parametrize(
    ("value", "text", "gone"),
    [
        ("Ann Lee", "then Ann Lee said", True),
        ("Ann Lee", "then ANN LEE said", True),
        ("Annlee", "then JoAnnlee said", False),
        ("Ann Lee", "ann lee's", True),
        ("Ann", "then Ann said", True),
        ("Ann", "then ann said", False),
        ("Ann", "then Annabel said", False),
        ("May", "in may", False),
        ("Grace", "say grace", False),
        ("Grace", "say Grace", True),
        ("ann@x.org", "mailto:xann@x.org", True),
        ("山田", "昨日山田さんが", True),
        ("A1B2C3D4", "id=xa1b2c3d4x", True),
        ("415 555 2671", "tel:4155552671", True),
        ("a b@x.org", "?q=a%20b%40x.org", True),
        ("7", "7 of 9", False),
    ],
)
def test_value_is_redacted_where_detection_missed_it(value: str, text: str, gone: bool) -> None:
    redacted = redact_chat(chat(f"it is {value}.", text), Once(value))
    assert (sent(redacted)[1] != text) is gone
    assert redacted.entities == {"PERSON": 2 if gone else 1}
    assert content_of(restore_chat(answer(sent(redacted)[1]), redacted).body) == text


def test_wider_occurrence_takes_the_place_of_a_narrower_finding() -> None:
    redacted = redact_chat(chat("Ann Lee", "so Ann Lee it is"), Patterns(PERSON=r"^Ann Lee|\bLee"))
    assert sent(redacted)[1] == f"so {sent(redacted)[0]} it is"


def test_allowed_entity_is_counted_and_stays(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, '[entities]\nEMAIL = "allow"')
    redacted = redact_chat(chat("ann@x.org Ann Lee"), Patterns(EMAIL="ann@x.org", PERSON="Ann Lee"), policy=policy)
    assert sent(redacted)[0].startswith("ann@x.org [PERSON_")
    assert redacted.entities == {"EMAIL": 1, "PERSON": 1}
    assert redacted.actions == {"allow": 1, "redact": 1}


def test_allowed_text_stays(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, 'allow = ["Ann Lee"]')
    redacted = redact_chat(chat("ann lee and Bob Ray"), Patterns(PERSON="(?i)ann lee|bob ray"), policy=policy)
    assert sent(redacted)[0].startswith("ann lee and [PERSON_")


def test_finding_below_the_threshold_is_none(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, "[entities.PERSON]\nthreshold = 0.95")
    redacted = redact_chat(chat("Ann Lee"), Patterns(PERSON="Ann Lee"), policy=policy)
    assert sent(redacted) == ["Ann Lee"]
    assert redacted.entities == {}


def test_blocked_entity_refuses_with_counts_and_no_value(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, '[entities]\nUS_SSN = "block"')
    with pytest.raises(BlockedByPolicy) as caught:
        redact_chat(
            chat("123-45-6789", "987-65-4321 Ann Lee"), Patterns(US_SSN=r"\d+-\d+-\d+", PERSON="Ann Lee"), policy=policy
        )
    assert caught.value.entities == {"US_SSN": 2}
    assert caught.value.detail == "US_SSN 2"


def test_one_way_kind_is_issued_and_never_restored() -> None:
    redacted = redact_chat(chat(f"key {CREDENTIAL}"), Patterns(API_KEY=CREDENTIAL))
    assert list(redacted.issued.values()) == ["API_KEY"]
    assert redacted.originals == {}
    restored = restore_chat(answer(sent(redacted)[0]), redacted)
    assert content_of(restored.body) == sent(redacted)[0]
    assert (restored.receipt.issued, restored.receipt.returned, restored.receipt.lost) == (1, 1, 0)


def test_policy_can_make_a_kind_one_way(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, "[entities.PERSON]\nreversible = false")
    assert redact_chat(chat("Ann Lee"), Patterns(PERSON="Ann Lee"), policy=policy).originals == {}


def test_placeholders_differ_by_job_and_agree_in_a_conversation() -> None:
    def issued(scope: str) -> set[str]:
        return set(redact_chat(chat("Ann Lee"), Patterns(PERSON="Ann Lee"), scope=Scope(SCOPE.key, scope)).issued)

    assert not issued("acme/job/1") & issued("acme/job/2")
    assert issued("acme/conversation/1") == issued("acme/conversation/1")
    assert not issued("acme/conversation/1") & issued("bank/conversation/1")


@pytest.mark.parametrize("name", ["Ann_Lee", "Ann-Lee", "Ann_Lee-2"])
def test_name_is_replaced_by_a_placeholder_without_brackets(name: str) -> None:
    request = chat("I am Ann Lee")
    request["messages"][0]["name"] = name
    redacted = redact_chat(request, Patterns(PERSON="Ann Lee"))
    message = json.loads(redacted.body)["messages"][-1]
    assert message["name"].startswith("PERSON_")
    if name == "Ann_Lee":
        assert f"[{message['name']}]" in message["content"]


def test_name_that_detection_missed_is_replaced_by_its_value() -> None:
    request = chat("I am Ann Lee")
    request["messages"].append({"role": "user", "content": "x", "name": "ann_lee"})
    redacted = redact_chat(request, Once("Ann Lee"))
    assert json.loads(redacted.body)["messages"][-1]["name"].startswith("PERSON_")


def roles(request: dict[str, Any], **options: Any) -> list[tuple[str, bool]]:
    body = json.loads(redact_chat(request, Patterns(PERSON="Ann Lee"), **options).body)
    return [(message["role"], message["content"] == INSTRUCTION) for message in body["messages"]]


def test_instruction_follows_the_callers_own_and_is_last_before_the_conversation(tmp_path: Path) -> None:
    user = {"role": "user", "content": "Ann Lee"}
    system, developer = ({"role": role, "content": "be kind"} for role in ("system", "developer"))
    assert roles(chat() | {"messages": [user]}) == [("system", True), ("user", False)]
    assert roles(chat() | {"messages": [system, user]}) == [("system", False), ("system", True), ("user", False)]
    assert roles(chat() | {"messages": [developer, user]})[1] == ("developer", True)
    assert roles(chat("hello")) == [("user", False)]
    off = policy_of(tmp_path, "instruction = false")
    assert roles(chat() | {"messages": [user]}, policy=off) == [("user", False)]


JSON_TEXTS = [
    '{"who": "Ann Lee", "n": 1.50, "x": [true, null]}',
    '{ "who" :\t"Ann \\u004cee",\n "also": "Ann Lee" }',
    '["O\\"Neil", "C:\\\\Ann Lee"]',
    '{"card": 4111111111111111, "text": "4111111111111111", "in": "no 4111111111111111."}',
    '{"Ann Lee": {"Ann Lee": "\\ud83c\\udf89 Ann Lee"}}',
    'Here: {"who": "Ann \\u004cee"} and Ann Lee, {"card": 4111111111111111}',
    '{"a": 1}\n{"who": "Ann \\u004cee"}\n',
    '{"who": "Ann \\u004cee"',
    '{"lone": "\\ud800 Ann Lee"}',
]


@pytest.mark.parametrize("text", JSON_TEXTS)
def test_json_text_stays_json_and_comes_back_byte_for_byte(text: str) -> None:
    detector = Patterns(PERSON='Ann Lee|O"Neil', CREDIT_CARD=r"\d{16}")
    redacted = redact_chat(chat(text), detector)
    (seen,) = sent(redacted)
    assert "Ann Lee" not in seen
    assert "4111" not in seen
    if text.startswith("{") and "\n{" not in text and text.endswith("}"):
        json.loads(seen)
    assert content_of(restore_chat(answer(seen), redacted).body) == text


def test_escapes_are_decoded_before_detection() -> None:
    detector = Patterns(PERSON="Zoë Kravitz")
    redacted = redact_chat(chat('{"who": "Zo\\u00eb Kravitz"}'), detector)
    assert redacted.entities == {"PERSON": 1}


def test_finding_across_the_punctuation_of_json_is_cut_to_its_values() -> None:
    text = '{"first": "Ann", "last": "Lee"}'
    redacted = redact_chat(chat(text), Patterns(PERSON='Ann", "last": "Lee'))
    seen = json.loads(sent(redacted)[0])
    assert "Ann" not in seen.values()
    assert "Lee" not in seen.values()
    assert content_of(restore_chat(answer(sent(redacted)[0]), redacted).body) == text


def test_findings_that_make_a_text_json_come_back_all_the_same() -> None:
    text = '["Ann "Lee"]'
    redacted = redact_chat(chat(text), Patterns(PERSON='Ann "Lee'))
    json.loads(sent(redacted)[0])
    assert content_of(restore_chat(answer(sent(redacted)[0]), redacted).body) == text


@pytest.mark.parametrize(
    "findings",
    [[(0, 9)], [(2, 1)], [(-1, 2)], [(0, 2), (1, 3)], [(2, 3), (0, 1)]],
    ids=["past the end", "reversed", "negative", "overlapping", "unsorted"],
)
def test_findings_of_a_wrong_shape_refuse(findings: list[tuple[int, int]]) -> None:
    class Wrong:
        version = "wrong"

        def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
            return [Finding(start, end, "PERSON", 1.0) for start, end in findings]

    with pytest.raises(DetectionFailed):
        redact_chat(chat("hello"), Wrong())


def test_detector_that_fails_refuses() -> None:
    class Failing:
        version = "failing"

        def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
            raise DetectionFailed("ran out of time")

    with pytest.raises(DetectionFailed):
        redact_chat(chat("hello"), Failing())


def test_equal_texts_are_detected_once() -> None:
    detector = Patterns(PERSON="Ann Lee")
    redact_chat(chat("same", "same", "same"), detector)
    assert detector.seen == ["same"]


def test_nothing_raw_is_in_a_repr() -> None:
    redacted = redact_chat(chat("Ann Lee"), Patterns(PERSON="Ann Lee"))
    restored = restore_chat(answer(sent(redacted)[0]), redacted)
    assert "Ann" not in f"{redacted!r} {redacted.originals!r} {restored!r}"
