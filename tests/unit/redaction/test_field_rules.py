"""Field rules: what is allowed, redacted whole, dropped and blocked by where it stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import VeilError
from pipeline.policy import MalformedPolicy, Policy, load_policies
from pipeline.redaction import UnsafeName
from schemas.codes import ErrorCode
from tests.unit.redaction.detectors import Patterns, answer, chat, content_of, redact_chat, restore_chat

PEOPLE = Patterns(PERSON="Ann Lee|Bob Ray", EMAIL=r"\w+@x\.org")
SECRET = '{"case": "Ann Lee", "n": 5} and more'


def policy_of(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text("instruction = false\n" + text, encoding="utf-8")
    return load_policies(path).select("acme", None)


def rule(path: str, action: str, entity: str = "") -> str:
    return f"[[fields]]\npath = '{path}'\naction = '{action}'\n" + (f"entity = '{entity}'\n" if entity else "")


def redacted_tree(request: dict[str, Any], policy: Policy) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(redact_chat(request, PEOPLE, policy=policy).body)
    return tree


def test_an_allowed_field_is_not_searched(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.messages[0].content", "allow"))
    messages = redacted_tree(chat("I am Ann Lee", "and I Bob Ray"), policy)["messages"]
    assert messages[0]["content"] == "I am Ann Lee"
    assert messages[1]["content"].startswith("and I [PERSON_")


def test_a_value_found_elsewhere_is_replaced_in_an_allowed_field(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.messages[0]", "allow"))
    messages = redacted_tree(chat("I am Ann Lee", "Ann Lee too"), policy)["messages"]
    assert messages[0]["content"].startswith("I am [PERSON_")


def test_a_redacted_field_is_one_value_and_comes_back(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.metadata.*", "redact", "CUSTOM"))
    redacted = redact_chat(chat("hello", metadata={"note": SECRET, "other": ""}), PEOPLE, policy=policy)
    token = json.loads(redacted.body)["metadata"]["note"]
    assert [*redacted.issued] == [token]
    assert redacted.entities == {"CUSTOM": 1}
    assert content_of(restore_chat(answer(f"so: {token}"), redacted).body) == f"so: {SECRET}"


def test_a_redacted_fields_value_is_found_elsewhere(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.metadata.case", "redact", "CUSTOM"))
    tree = redacted_tree(chat("about moonfen-7", metadata={"case": "Moonfen-7"}), policy)
    assert "moonfen" not in json.dumps(tree).lower()


def test_the_entitys_action_is_what_redacting_does(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, '[entities]\nPHONE = "mask"\nUUID = "allow"\n' + rule("$..a", "redact", "PHONE")
                       + rule("$..b", "redact", "UUID"))  # fmt: skip
    metadata = redacted_tree(chat("hi", metadata={"a": "call 415 555 2671", "b": "some id"}), policy)["metadata"]
    assert metadata["a"] == "**** *** *** 2671"
    assert metadata["b"].startswith("[UUID_")


def test_a_blocking_entity_blocks_its_field(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, '[entities]\nPIN = "block"\n' + rule("$..pin", "redact", "PIN"))
    with pytest.raises(VeilError) as caught:
        redact_chat(chat("hi", metadata={"pin": "x"}), PEOPLE, policy=policy)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.BLOCKED_BY_POLICY, "PIN 1")


def test_a_participants_name_is_replaced_by_an_identifier(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.messages[*].name", "redact", "USERNAME"))
    request = chat("hi")
    request["messages"][0]["name"] = "quiet"
    assert redacted_tree(request, policy)["messages"][0]["name"].startswith("USERNAME_")


def test_a_dropped_field_is_gone_and_counted(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$.metadata", "drop") + rule("$.stop[0]", "drop"))
    redacted = redact_chat(chat("hi", metadata={"a": "Ann Lee"}, stop=["Ann Lee", "end"]), PEOPLE, policy=policy)
    tree = json.loads(redacted.body)
    assert "metadata" not in tree
    assert tree["stop"] == ["end"]
    assert redacted.actions == {"drop": 2}


def test_marks_stay_with_their_items_when_others_are_dropped(tmp_path: Path) -> None:
    rules = rule("$.stop[0]", "drop") + rule("$.stop[1]", "redact", "CUSTOM") + rule("$.stop[2]", "allow")
    stop = redacted_tree(chat("hi", stop=["a1", "hush", "Bob Ray"]), policy_of(tmp_path, rules))["stop"]
    assert stop[0].startswith("[CUSTOM_")
    assert stop[1:] == ["Bob Ray"]


def test_a_field_that_the_api_needs_cannot_be_dropped(tmp_path: Path) -> None:
    with pytest.raises(VeilError) as caught:
        redacted_tree(chat("hi"), policy_of(tmp_path, rule("$.model", "drop")))
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_a_blocked_field_refuses_unless_it_is_null(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule("$..name", "block"))
    request = chat("hi")
    request["messages"][0]["name"] = None
    redacted_tree(request, policy)
    request["messages"][0]["name"] = "someone"
    with pytest.raises(VeilError) as caught:
        redacted_tree(request, policy)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.BLOCKED_BY_POLICY, "$..name")


@pytest.mark.parametrize("path", ["$.seed", "$.model", "$.messages[*].role", "$.tools[0].function.name"])
def test_redacting_what_cannot_be_replaced_refuses(tmp_path: Path, path: str) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    with pytest.raises((VeilError, UnsafeName)) as caught:
        redacted_tree(chat("hi", seed=5, tools=tools), policy_of(tmp_path, rule(path, "redact", "CUSTOM")))
    assert caught.value.code in (ErrorCode.FEATURE_REFUSED, ErrorCode.UNSAFE_ID)


def test_a_hashed_identity_needs_no_redacting(tmp_path: Path) -> None:
    tree = redacted_tree(chat("hi", user="ann"), policy_of(tmp_path, rule("$.user", "redact", "CUSTOM")))
    assert tree["safety_identifier"].startswith("veil-")


def test_the_later_of_allow_and_redact_counts(tmp_path: Path) -> None:
    first, second = rule("$.metadata.*", "redact", "CUSTOM"), rule("$.metadata.plan", "allow")
    metadata = {"plan": "gold", "note": "other"}
    assert (
        redacted_tree(chat("hi", metadata=metadata), policy_of(tmp_path, first + second))["metadata"]["plan"] == "gold"
    )
    assert (
        redacted_tree(chat("hi", metadata=metadata), policy_of(tmp_path, second + first))["metadata"]["plan"] != "gold"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rule("$.a[?@.b]", "allow"), "policy.toml:3: [[fields]] #1: path is not understood at character 4"),
        (
            rule("$.a", "allow") + rule("$.b", "mask"),
            "policy.toml:7: [[fields]] #2: action must be one of allow, redact",
        ),
        (rule("$.a", "redact"), "policy.toml:2: [[fields]] #1: entity goes with action redact"),
        (rule("$.a", "drop", "PERSON"), "policy.toml:5: [[fields]] #1: entity goes with action redact"),
        (rule("$.a", "redact", "HUSH"), "policy.toml:5: [[fields]] #1: entity is not in the catalogue"),
        ("[tenants.t]\nfields = 5", "policy.toml:3: [tenants.t]: fields must be a list"),
    ],
)
def test_a_wrong_rule_is_told_by_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        policy_of(tmp_path, text)
    assert caught.value.detail.startswith(expected)
    assert "HUSH" not in caught.value.detail
