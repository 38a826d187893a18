"""The names model at work: vectors of words, three convolutions over them, scores of tags; NumPy only."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.detection.names.features import SHAPES, SIGHTS, fingerprint, rows, shape, sights

Floats: TypeAlias = npt.NDArray[np.float32]

_KEPT = 1 << 15
"""Words whose vectors are kept; 13 MB. Then all are forgotten, which costs less than choosing."""


_BLOCK = 2048
"""Tokens looked at together; more need more memory and gain no speed."""


class Network:
    """Scores the tags of tokens; threads may share one.

    A word's vector depends on the word alone and is kept. It is kept under the word's
    hash, which differs from process to process, so that no word of a text stays behind.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._table = arrays["table"]
        self._features: Floats = arrays["features"]
        self._into: Floats = arrays["into"]
        self._into_bias: Floats = arrays["into_bias"]
        places = np.arange(1 << SIGHTS)[:, None] >> np.arange(SIGHTS) & 1
        self._sights: Floats = places.astype(np.float32) @ arrays["sights"]
        self._scale: Floats = arrays["scale"]
        self._gaps: list[int] = [int(gap) for gap in arrays["gaps"]]
        self._layers: list[tuple[Floats, Floats]] = [
            (arrays[f"convolution{number}"], arrays[f"bias{number}"]) for number in range(len(self._gaps))
        ]
        self._out: Floats = arrays["out"]
        self._out_bias: Floats = arrays["out_bias"]
        self._marks: dict[int, int] = dict(zip(arrays["known"].tolist(), arrays["marks"].tolist(), strict=True))
        self._vectors = np.empty((_KEPT, len(self._scale)), np.float32)
        self._numbers: dict[int, int] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Network {len(self._gaps)} × {len(self._scale)}>"

    def scores(self, words: Sequence[str], glued: Sequence[bool]) -> Floats:
        """Scores, tokens by tags, of one text's tokens; of a long text in blocks, with the same result."""
        seen = sights(words, glued)
        if len(words) <= _BLOCK:
            return self._scores(words, seen)
        reach = sum(self._gaps)
        blocks = []
        for start in range(0, len(words), _BLOCK):
            lead = min(start, reach)
            part = slice(start - lead, start + _BLOCK + reach)
            blocks.append(self._scores(words[part], seen[part])[lead : lead + _BLOCK])
        return np.concatenate(blocks)

    def _scores(self, words: Sequence[str], seen: Sequence[int]) -> Floats:
        with self._lock:
            x = self._vectors[self._known(words)]
        x += self._sights[list(seen)]
        np.maximum(x, 0, out=x)
        x *= 1 / np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1] + 1e-6)
        x *= self._scale
        count, width = x.shape
        for gap, (weights, bias) in zip(self._gaps, self._layers, strict=True):
            around = np.zeros((count, 3 * width), np.float32)
            around[gap:, :width] = x[: max(count - gap, 0)]
            around[:, width : 2 * width] = x
            around[: max(count - gap, 0), 2 * width :] = x[gap:]
            added = around @ weights
            added += bias
            np.maximum(added, 0, out=added)
            x += added
        result: Floats = x @ self._out
        result += self._out_bias
        return result

    def _known(self, words: Sequence[str]) -> list[int]:
        numbers = self._numbers
        hashes = [hash(word) for word in words]
        missing = {key: word for key, word in zip(hashes, words, strict=True) if key not in numbers}
        if missing:
            if len(numbers) + len(missing) > _KEPT:
                numbers.clear()
                missing = dict(zip(hashes, words, strict=True))
            start = len(numbers)
            self._vectors[start : start + len(missing)] = self._made(list(missing.values()))
            numbers.update(zip(missing, range(start, start + len(missing)), strict=True))
        return [numbers[key] for key in hashes]

    def _made(self, words: Sequence[str]) -> Floats:
        firsts: list[int] = []
        pieces: list[int] = []
        starts: list[int] = []
        bits: list[int] = []
        shapes: list[int] = []
        cut: list[bool] = []
        for word in words:
            first, *others = rows(word)
            firsts.append(first)
            starts.append(len(pieces))
            # Each needs one at least, or its sum would be that of the next; what stands in is taken out again below.
            pieces += others or [0]
            cut.append(bool(others))
            shapes.append(shape(word))
            bits.append(self._marks.get(fingerprint(word), 0) if word.isalpha() else 0)
        counts = np.diff([*starts, len(pieces)])
        summed = np.add.reduceat(self._table[pieces].astype(np.float32), starts)
        summed *= (np.array(cut) / np.sqrt(counts))[:, None].astype(np.float32)
        marked = (np.array(bits)[:, None] >> np.arange(len(self._features) - len(SHAPES)) & 1).astype(np.float32)
        own = self._table[firsts].astype(np.float32) + self._features[shapes] + marked @ self._features[len(SHAPES) :]
        made: Floats = np.hstack([own, summed]).astype(np.float32, copy=False) @ self._into
        made += self._into_bias
        return made
