"""No other form of a found full name stays, whatever the name; and every job with such forms is restored exactly."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.common_words import COMMON_WORDS
from tests.property.test_round_trip import redact
from tests.unit.redaction.detectors import Patterns, answer, chat, content_of, restore_chat, sent

words = st.text("abcdefghijklmnoprstuvwzäöéñł", min_size=4, max_size=9)
names = words.filter(lambda word: word not in COMMON_WORDS).map(str.capitalize)
forms = st.sampled_from(
    [
        "{last}",
        "{first}",
        "{LAST}",
        "{FIRST} {LAST}",
        "{last}, {first}",
        "{last} {first}",
        "{f}. {last}",
        "{f}.{last}",
        "{first} and {last}",
        "{last}'s",
        "Mr. {last}",
    ]
)
beside = st.sampled_from(["", "we met", "Yes.", "(", "see:", "and so on", "\n- ", '"', "é", "7"])


@given(names, names, st.lists(st.tuples(beside, forms, beside), min_size=1, max_size=4))
def test_no_form_of_a_found_full_name_stays(first: str, last: str, parts: list[tuple[str, str, str]]) -> None:
    cased = {"first": first, "last": last, "FIRST": first.upper(), "LAST": last.upper(), "f": first[0]}
    texts = [f"{before} {form.format(**cased)} {after}" for before, form, after in parts]
    contents = [f"{first} {last}", *texts, json.dumps({"note": texts})]
    redacted = redact(chat(*contents), Patterns(PERSON=f"{first} {last}"))
    for text in sent(redacted):
        assert not {first, last, first.upper(), last.upper()} & set(text.replace("'", " ").replace(",", " ").split())
    assert [content_of(restore_chat(answer(text), redacted).body) for text in sent(redacted)] == contents
