"""Training and evaluation texts as tokens, each with the tags it may bear."""

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from infra.names.split import held_out
from infra.names.synthetic import UNCLAIMED, Piece, Writer
from pipeline.detection.names.features import glued, tokens
from pipeline.detection.names.spans import LABELS

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
TRAINED_ON = ("wnut17", "btc", "wikigold", "sec_filings", "lifebench", "presidio_synth_v2")
"""The sets whose licences allow it; `pipeline/detection/names/MODEL_CARD.md` attributes them."""

TAGS = ("O", *(f"{part}-{label}" for label in LABELS for part in "BI"))
_TAG = {tag: number for number, tag in enumerate(TAGS)}
COMMON = {"PERSON": "PER", "ORGANIZATION": "ORG", "LOCATION": "LOC", "STREET_ADDRESS": "ADR"}
ANY = (1 << len(TAGS)) - 1


class Example(NamedTuple):
    """A text's tokens; of each whether it touches the one before, and the tags it may bear as bits."""

    words: list[str]
    glued: list[bool]
    tags: list[int]


def tagged(
    text: str, spans: Iterable[tuple[int, int, str]], unclaimed: Iterable[tuple[int, int]], outside: int
) -> Example:
    """Cut a text and give its tokens their tags.

    Args:
        text: The text.
        spans: Start, end and label of each name.
        unclaimed: Spans about which the annotation says nothing.
        outside: The tags, as bits, that a token outside every span may bear.

    """
    places, words = tokens(text)
    tags = [outside] * len(words)
    starts = {start: number for number, (start, _) in enumerate(places)}
    ends = [end for _, end in places]

    def inside(start: int, end: int) -> range:
        first = next((number for at in range(start, end) if (number := starts.get(at)) is not None), None)
        if first is None:
            return range(0)
        last = first
        while last < len(ends) and ends[last] <= end:
            last += 1
        return range(first, max(last, first + 1))

    for start, end in unclaimed:
        for number in inside(start, end):
            tags[number] = ANY
    for start, end, label in spans:
        for number in inside(start, end):
            tags[number] = 1 << _TAG[f"I-{label}"]
        if covered := inside(start, end):
            tags[covered[0]] = 1 << _TAG[f"B-{label}"]
    return Example(words, glued(places), tags)


def records(name: str, *, held: bool) -> Iterator[dict]:  # type: ignore[type-arg]
    """Records of a development set that are (or are not) held out of training."""
    for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if held_out(record) == held:
            yield record


def real(name: str, *, held: bool = False) -> list[Example]:
    """The examples of one set."""
    found = []
    for record in records(name, held=held):
        scope = set(record.get("scope") or COMMON)
        outside = 1 << _TAG["O"]
        for common, label in COMMON.items():
            if common not in scope:
                outside |= 1 << _TAG[f"B-{label}"] | 1 << _TAG[f"I-{label}"]
        spans = [(s["start"], s["end"], COMMON[s["common"]]) for s in record["spans"] if s["common"] in COMMON]
        unclaimed = [(z["start"], z["end"]) for z in record.get("ignore", ())]
        found.append(tagged(record["text"], spans, unclaimed, outside))
    return found


def written(pieces: list[Piece]) -> Example:
    """The example of a synthetic text."""
    text = "".join(piece for piece, _ in pieces)
    spans, unclaimed, place = [], [], 0
    for piece, label in pieces:
        if label == UNCLAIMED:
            unclaimed.append((place, place + len(piece)))
        elif label is not None and piece.strip():
            spans.append((place, place + len(piece), label))
        place += len(piece)
    return tagged(text, spans, unclaimed, 1 << _TAG["O"])


def with_other_names(example: Example, writer: Writer, share: float, rng: random.Random) -> Example:
    """Put other names in the place of a share of an example's names: known contexts, new names."""
    words: list[str] = []
    flags: list[bool] = []
    tags: list[int] = []
    place = 0
    while place < len(example.words):
        tag = example.tags[place]
        label = next((label for label in LABELS if tag == 1 << _TAG[f"B-{label}"]), None)
        end = place + 1
        if label is None:
            words.append(example.words[place])
            flags.append(example.glued[place])
            tags.append(tag)
            place = end
            continue
        inner = 1 << _TAG[f"I-{label}"]
        while end < len(example.words) and example.tags[end] == inner:
            end += 1
        if rng.random() < share:
            spans, other = tokens(writer.name(label)[0])
            words += other
            flags += [example.glued[place], *glued(spans)[1:]]
            tags += [tag, *[inner] * (len(other) - 1)]
        else:
            words += example.words[place:end]
            flags += example.glued[place:end]
            tags += example.tags[place:end]
        place = end
    return Example(words, flags, tags)


def recased(example: Example, rng: random.Random) -> Example:
    """Now and then all in lower case, in capitals, or with a capital on every word, as people write."""
    draw = rng.random()
    if draw < 0.12:
        return example._replace(words=[word.lower() for word in example.words])
    if draw < 0.17:
        return example._replace(words=[word.upper() for word in example.words])
    if draw < 0.19:
        return example._replace(words=[word.title() for word in example.words])
    return example
