"""Names of persons, organisations and places, and addresses, as the model finds them."""

import hashlib
import io
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from pipeline.detection.names.features import glued, tokens
from pipeline.detection.names.network import Network
from pipeline.detection.names.spans import spans
from pipeline.detection.types import Finding

_BY_LABEL = {"PER": "PERSON", "ORG": "ORGANIZATION", "LOC": "LOCATION", "ADR": "STREET_ADDRESS"}
ENTITIES = frozenset(_BY_LABEL.values())
_LEAN = {"PER": 0.5}
"""How much rather to redact than to leak, in units of the model's scores."""


_SURE = 0.8
"""In lower case only the words around it tell a name from a word, and alone only itself: less is a guess."""
_TRUST = 0.7
"""What a rule says of the same text counts for more."""


class NamesRecognizer:
    """The names model; one text at a time, in any of the languages, in any case."""

    name = "names"
    reads = True

    def __init__(
        self, entities: Collection[str], thresholds: Mapping[str, float], network: Network | None = None
    ) -> None:
        self._network, self.version = (network, "") if network else load()
        self._wanted = {label: entity for label, entity in _BY_LABEL.items() if entity in entities}
        self._thresholds = {entity: thresholds.get(entity, 0.0) for entity in self._wanted.values()}
        self.entities = frozenset(self._wanted.values())

    def find(self, text: str) -> Iterable[Finding]:
        """Give the names; a score is the model's probability that it is any name, less what a rule is surer."""
        places, words = tokens(text)
        if not words:
            return
        for start, end, label, score in spans(self._network.scores(words, glued(places)), places, _LEAN):
            entity = self._wanted.get(label)
            name = text[start:end]
            if score < _SURE and (len(words) == 1 or name.islower()):
                continue
            if not any(map(str.isalpha, name)):
                continue
            if entity is not None and score * _TRUST >= self._thresholds[entity]:
                yield Finding(start, end, entity, score * _TRUST)


@cache
def load() -> tuple[Network, str]:
    """The model and its version, read once a process."""
    content = files("pipeline.detection.names").joinpath("model.npz").read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Network(arrays), hashlib.sha256(content).hexdigest()[:16]
