"""The designs that the names model was chosen from, trained on the same mix and measured on the same sets.

`python -m infra.names.designs crf|spacy --texts N --out FOLDER`; the third is `train.py` itself, in any size.
Needs `python-crfsuite` or `spacy` beside the packages of `requirements.txt`.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from infra.names import lexicon
from infra.names.data import ANY, LABELS, TAGS, Example
from infra.names.train import examples, marks_of_sets
from pipeline.detection.names.features import SHAPES, fingerprint, shape

# Start, end and common label of each name in a text.
Names = list[tuple[int, int, str]]


def definite(mixed: Iterator[Example]) -> Iterator[tuple[list[str], list[str]]]:
    """Examples as words and one tag each; what may be anything counts as no name, as these designs need it."""
    for example in mixed:
        tags = ["O" if tag & 1 or tag == ANY else TAGS[tag.bit_length() - 1] for tag in example.tags]
        yield example.words, tags


def crf_features(words: list[str], marks: dict[int, int]) -> list[list[str]]:
    """What a linear-chain CRF sees of each word: itself, its ends, shape and lexicon marks, and its neighbours'."""
    own = []
    for word in words:
        low = word.lower()
        seen = [f"w={low}", f"s={SHAPES[shape(word)]}", f"p={low[:3]}", f"e={low[-3:]}"]
        bits = marks.get(fingerprint(word), 0) if word.isalpha() else 0
        seen += [f"m={name}" for number, name in enumerate(lexicon.MARKS) if bits >> number & 1]
        own.append(seen)
    found = []
    for place in range(len(words)):
        seen = list(own[place])
        for step in (-2, -1, 1, 2):
            if 0 <= place + step < len(words):
                seen += [f"{step}{feature}" for feature in own[place + step] if feature[0] in "wsm"]
        found.append(seen)
    return found


def train_crf(count: int, out: Path) -> None:
    """Train with CRFsuite (L-BFGS, 60 rounds)."""
    import pycrfsuite

    sets, marks = marks_of_sets()
    trainer = pycrfsuite.Trainer(verbose=False)
    for words, tags in islice(definite(examples(sets, 1)), count):
        if words:
            trainer.append(crf_features(words, marks), tags)
    trainer.set_params({"max_iterations": 60, "c1": 0.1, "c2": 0.01, "feature.minfreq": 3})
    trainer.train(str(out / "crf.model"))
    (out / "marks.json").write_text(json.dumps(marks))


def crf_names(out: Path) -> Callable[[str], Names]:
    import pycrfsuite

    from pipeline.detection.names.features import tokens

    tagger = pycrfsuite.Tagger()
    tagger.open(str(out / "crf.model"))
    marks = {int(key): value for key, value in json.loads((out / "marks.json").read_text()).items()}

    def names(text: str) -> Names:
        places, words = tokens(text)
        found: Names = []
        for (start, end), tag in zip(places, tagger.tag(crf_features(words, marks)), strict=True):
            if tag[0] == "B" or (tag[0] == "I" and not (found and found[-1][2] == tag[2:])):
                found.append((start, end, tag[2:]))
            elif tag[0] == "I":
                found[-1] = (found[-1][0], end, tag[2:])
        return found

    return names


def train_spacy(count: int, out: Path, seconds: float) -> None:
    """Train spaCy's default NER (hashed embeddings, 4 convolutions of width 96, transitions) for some time."""
    import spacy
    from spacy.tokens import Doc
    from spacy.training import Example as Training
    from spacy.util import minibatch

    sets, _ = marks_of_sets()
    nlp = spacy.blank("xx")
    ner = nlp.add_pipe("ner")
    for label in LABELS:
        ner.add_label(label)
    made: list[Any] = []
    for words, tags in islice(definite(examples(sets, 1)), count):
        if words:
            doc = Doc(nlp.vocab, words=words)
            made.append(Training.from_dict(doc, {"entities": tags}))
    optimizer = nlp.initialize(lambda: made[:2000])
    begun = time.process_time()
    rng = random.Random(1)
    while time.process_time() - begun < seconds:
        rng.shuffle(made)
        for batch in minibatch(made, 64):
            nlp.update(batch, sgd=optimizer, drop=0.2)
            if time.process_time() - begun > seconds:
                break
    nlp.to_disk(out / "spacy")


def spacy_names(out: Path) -> Callable[[str], Names]:
    import spacy
    from spacy.tokens import Doc

    from pipeline.detection.names.features import tokens

    nlp = spacy.load(out / "spacy")

    def names(text: str) -> Names:
        places, words = tokens(text)
        if not words:
            return []
        doc = nlp(Doc(nlp.vocab, words=words))
        return [(places[span.start][0], places[span.end - 1][1], span.label_) for span in doc.ents]

    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("design", choices=("crf", "spacy"))
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=900, help="CPU seconds of training (spacy)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    begun = time.process_time()
    if options.design == "crf":
        train_crf(options.texts, options.out)
    else:
        train_spacy(options.texts, options.out, options.seconds)
    print(f"{options.design}: {time.process_time() - begun:.0f} CPU-s")
    from infra.names.evaluate import table

    table(crf_names(options.out) if options.design == "crf" else spacy_names(options.out))


if __name__ == "__main__":
    main()
