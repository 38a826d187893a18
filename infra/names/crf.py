"""A linear-chain CRF, the design that the names model is compared with: the same texts, lexicon and sets.

`python -m infra.names.crf --out FOLDER`; needs `python-crfsuite` beside the packages of `requirements.txt`.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from infra.names import lexicon
from infra.names.data import ANY, TAGS, Example
from infra.names.evaluate import table
from infra.names.train import examples, marks_of_sets
from pipeline.detection.names.features import SHAPES, fingerprint, shape, tokens

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


def main() -> None:
    """Train, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=40_000)
    parser.add_argument("--out", type=Path, required=True, help="a folder for the model")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    begun = time.process_time()
    train_crf(options.texts, options.out)
    print(f"{time.process_time() - begun:.0f} CPU-s")
    table(crf_names(options.out))


if __name__ == "__main__":
    main()
