"""The round trip is exact: whatever is found wherever, an echo restores to the same bytes."""

import json
from typing import Any

from hypothesis import given, reject
from hypothesis import strategies as st

from pipeline.last_check import LastCheckFailed
from pipeline.placeholders import Scope
from pipeline.request import RedactedBody
from tests.unit.redaction.detectors import (
    CLEAN_NAME,
    SCOPE,
    Patterns,
    Scattered,
    answer,
    chat,
    content_of,
    redact_chat,
    restore_chat,
    sent,
)

# Placeholders of every style that a prompt may hold without their being ours.
LOOKALIKES = (
    "[PERSON_k3m9x2ab]",
    "PERSON_k3m9x2ab",
    "[[EMAIL_zz99zz99]]",
    "<PERSON>",
    "<PERSON_1>",
    "[PERSON_1]",
    "{{EMAIL_ADDRESS_2}}",
    "«NAME#1»",
    "\\[CITY\\_a1b2c3d4\\]",
    "&#91;CITY_a1b2c3d4&#93;",
    "\\u005bCITY_a1b2c3d4\\u005d",
    "%5BCITY_a1b2c3d4%5D",
    "**[CITY_a1b2c3d4]**",
)
SYNTAX = (*'"\\{}[]:,`*_~ \n\t', '{"', '"}', '["', '"]', '": "', "\\u00e9", "\\ud800", "\\n", "```json\n", "```")
scalars = st.characters(exclude_categories=["Cs"])
texts = st.lists(
    st.one_of(st.text(scalars, max_size=12), st.sampled_from(LOOKALIKES), st.sampled_from(SYNTAX)), max_size=12
).map("".join)
json_values: Any = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
json_texts = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    st.one_of(st.dictionaries(texts, json_values, max_size=4), st.lists(json_values, max_size=4)),
    st.booleans(),
    st.sampled_from([None, 1]),
)
islands = st.tuples(texts, json_texts, texts).map("".join)
anything = st.one_of(texts, json_texts, islands).filter(bool)
# JOB_TITLE is off by default and would pass; these are all redacted and reversible.
scattered = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 9), st.sampled_from(["PERSON", "EMAIL", "CREDIT_CARD", "NEW_KIND"])),
    max_size=6,
).map(Scattered)


def redact(request: dict[str, Any], detector: Any, scope: Scope = SCOPE) -> RedactedBody:
    """Redact, unless the last check refuses: then nothing is sent, and nothing is to be restored."""
    try:
        return redact_chat(request, detector, scope=scope)
    except LastCheckFailed:
        reject()


@given(anything, scattered)
def test_echoed_content_is_restored_byte_for_byte(text: str, detector: Scattered) -> None:
    redacted = redact(chat(text), detector)
    restored = restore_chat(answer(sent(redacted)[0]), redacted)
    assert content_of(restored.body) == text
    assert restored.receipt.lost == 0
    assert restored.receipt.invented == 0


@given(st.lists(anything, min_size=2, max_size=3), scattered)
def test_every_message_of_a_conversation_is_restored(contents: list[str], detector: Scattered) -> None:
    redacted = redact(chat(*contents), detector)
    echoes = [content_of(restore_chat(answer(text), redacted).body) for text in sent(redacted)]
    assert echoes == contents


@given(anything, scattered)
def test_echoed_tool_arguments_are_restored_byte_for_byte(arguments: str, detector: Scattered) -> None:
    def call(text: str) -> dict[str, Any]:
        return {"id": "call_1", "type": "function", "function": {"name": CLEAN_NAME, "arguments": text}}

    request = chat("hello")
    request["messages"].append({"role": "assistant", "content": None, "tool_calls": [call(arguments)]})
    redacted = redact(request, detector)
    calls = json.loads(redacted.body)["messages"][-1]["tool_calls"]
    restored = restore_chat(answer(None, tool_calls=calls), redacted)
    echoed = json.loads(restored.body)["choices"][0]["message"]["tool_calls"][0]
    assert echoed["function"]["arguments"] == arguments


@given(texts.filter(bool), scattered)
def test_a_value_restored_into_the_models_own_json_keeps_it_json(text: str, detector: Scattered) -> None:
    redacted = redact(chat(text), detector)
    wrapped = json.dumps({"summary": sent(redacted)[0], "ok": True}, ensure_ascii=False)
    restored = content_of(restore_chat(answer(wrapped), redacted).body)
    assert json.loads(restored) == {"summary": text, "ok": True}


names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=4, max_size=10)


@given(names, texts, texts)
def test_no_value_stays_in_the_body(name: str, before: str, after: str) -> None:
    contents = [f"{before} {name} {after}", f"{after} {name}", json.dumps({name: [name, before]})]
    redacted = redact(chat(*contents), Patterns(PERSON=rf"(?<!\w){name}(?!\w)"))
    for text in sent(redacted):
        assert f" {name} " not in f" {text} "
        assert f'"{name}"' not in text


@given(texts.filter(bool), scattered, st.text("abcdefgh", min_size=1, max_size=5))
def test_another_jobs_placeholders_never_resolve(text: str, detector: Scattered, job: str) -> None:
    redacted = redact(chat(text), detector)
    other = redact(chat(text), detector, scope=Scope(SCOPE.key, f"acme/job/other-{job}"))
    assert not set(redacted.issued) & set(other.issued)
    echo = sent(other)[0]
    assert content_of(restore_chat(answer(echo), redacted).body) == echo
