"""The lexicon that goes into the model: which words are names, places, or ordinary, as marks on hashed words."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from infra.names import wordlists
from infra.names.wordlists import LANGUAGES, TEMPLATES
from pipeline.detection.names.features import fingerprint

MARKS = (
    *("first name", "last name", "city", "country", "part of a place", "organisation's word", "title", "calendar"),
    *("ordinary word", "rare ordinary word", "street word", "organisation", "nationality"),
)
_WORD = re.compile(r"[^\W\d_]+")


def build(ordinary: Iterable[str]) -> dict[int, int]:
    """Give the marks of each known word, as bits in the order of `MARKS`, by the word's fingerprint.

    Args:
        ordinary: Words of training texts that are part of no name, with repetition.

    """
    marks: dict[str, int] = defaultdict(int)

    def add(names: Iterable[str], mark: str, rest: str | None = None) -> None:
        bit = 1 << MARKS.index(mark)
        other = 1 << MARKS.index(rest) if rest else bit
        for name in names:
            words = [word.lower() for word in _WORD.findall(name)]
            if not words:
                continue
            for word in words:
                if len(word) > 1:
                    marks[word] |= bit if len(words) == 1 else other

    for first, last in wordlists.people().values():
        add(first, "first name")
        add(last, "last name")
    add((name for name, _, _ in wordlists.cities()), "city", "part of a place")
    add(wordlists.towns(), "city", "part of a place")
    add(wordlists.regions(), "country", "part of a place")
    for language in LANGUAGES:
        add((TEMPLATES / language / "titles.txt").read_text(encoding="utf-8").split(), "title")
        streets = re.sub(r"\{\w+\}", " ", (TEMPLATES / language / "streets.txt").read_text(encoding="utf-8"))
        add(streets.split(), "street word")
        add(wordlists.countries(language), "country", "part of a place")
    add(wordlists.suffixes(), "organisation's word")
    add(wordlists.organisations(), "organisation", "organisation's word")
    add((TEMPLATES / "organisation_words.txt").read_text(encoding="utf-8").split(), "organisation's word")
    add(wordlists.calendar_words(), "calendar")
    for language in wordlists.LANGUAGES:
        add(wordlists.nationalities(language), "nationality")
    counts = Counter(word.lower() for word in ordinary)
    add((word for word, count in counts.items() if count > 2), "ordinary word")
    add((word for word, count in counts.items() if count <= 2), "rare ordinary word")
    return {fingerprint(word): bits for word, bits in marks.items()}
