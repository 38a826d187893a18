"""From the scores of tags to spans of names."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.detection.names.network import Floats

LABELS = ("PER", "ORG", "LOC", "ADR")


def spans(
    scores: Floats, places: Sequence[tuple[int, int]], lean: Mapping[str, float]
) -> Iterator[tuple[int, int, str, float]]:
    """Give start, end, label and probability of each name.

    Args:
        scores: Tokens by tags; the first tag means no name, then each label has one for its
            first token and one for the others.
        places: The tokens' spans.
        lean: By label, added to the scores of its tags: how much rather to redact than to leak.

    """
    scores = scores + np.array([0.0, *(lean.get(label, 0.0) for label in LABELS for _ in "BI")], np.float32)
    scores -= scores.max(1, keepdims=True)
    powers = np.exp(scores)
    likely = powers / powers.sum(1, keepdims=True)
    by_label = likely[:, 1::2] + likely[:, 2::2]
    outside = likely[:, 0]
    named = np.flatnonzero(outside < by_label.sum(1))
    if not len(named):
        return
    labels = by_label.argmax(1).tolist()
    begins = (likely[:, 1::2] > likely[:, 2::2]).tolist()
    sure = (1 - outside).tolist()
    start = previous = -2
    label = -1
    scored: list[float] = []
    for token in named.tolist():
        now = labels[token]
        if token != previous + 1 or now != label or begins[token][now]:
            if start >= 0:
                yield places[start][0], places[previous][1], LABELS[label], max(scored)
            start, label, scored = token, now, []
        scored.append(sure[token])
        previous = token
    yield places[start][0], places[previous][1], LABELS[label], max(scored)
