"""A GLiNER model as a plug-in: `use = "gliner"`.

Options: `model` (a folder; nothing is fetched), `labels` (what is asked of the model →
ours; GLiNER finds what it is asked for), `threshold` (0.5).
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.adapters.recognizers.labels import finding, labels_of, missing, only
from pipeline.detection.types import Finding, Recognizer

LABELS = {"person": "PERSON", "organization": "ORGANIZATION", "address": "STREET_ADDRESS"}
# GLiNER cuts a text at its model's most words without saying so; a window holds fewer, and windows overlap.
_WORDS, _OVERLAP = 200, 20
_WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")


class GlinerRecognizer:
    """One model, asked for a fixed set of labels."""

    name = "gliner"
    reads = True

    def __init__(self, model: Any, labels: Mapping[str, str], threshold: float, words: int = _WORDS) -> None:
        self._model, self._labels, self._threshold = model, labels, threshold
        self._words, self._overlap = words, min(_OVERLAP, words // 2)
        self.entities = frozenset(labels.values())

    def find(self, text: str) -> Iterable[Finding]:
        """Give what the model finds in each window, in offsets of the text."""
        words = [found.span() for found in _WORD.finditer(text)]
        for first in range(0, max(1, len(words) - self._overlap), self._words - self._overlap):
            window = words[first : first + self._words]
            if not window:
                return
            start, end = window[0][0], window[-1][1]
            for one in self._model.predict_entities(text[start:end], list(self._labels), threshold=self._threshold):
                yield finding(start + one["start"], start + one["end"], self._labels[one["label"]], one["score"])


def build(options: Mapping[str, Any]) -> Recognizer:
    """Make it from the options in the policy file."""
    only(options, "model", "threshold")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    try:
        from gliner import GLiNER
    except ModuleNotFoundError:
        raise missing("gliner") from None
    model = GLiNER.from_pretrained(options["model"], local_files_only=True)
    words = min(_WORDS, int(getattr(model.config, "max_len", _WORDS)))
    return GlinerRecognizer(model, labels_of(options, LABELS), float(options.get("threshold", 0.5)), words)
