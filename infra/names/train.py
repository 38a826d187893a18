"""Train the names model: `python -m infra.names.train --out pipeline/detection/names/model.npz`.

Needs the packages of `infra/names/requirements.txt` and the evaluation data beside the checkout.
"""

import argparse
import random
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from infra.names import data, lexicon, wordlists
from infra.names.data import ANY, TAGS, Example
from infra.names.synthetic import Writer, code_lines
from pipeline.detection.names.features import ROWS, SHAPES, SIGHTS, fingerprint, rows, shape, sights

# How often a training text comes from each source.
MIX = {
    "wnut17": 0.13, "btc": 0.15, "wikigold": 0.10, "sec_filings": 0.06, "lifebench": 0.08, "presidio_synth_v2": 0.09,
    "synthetic": 0.39,
}  # fmt: skip
LENGTH = 128
_PIECES = 44
_KEEP = 0.998
_FEATURES = len(SHAPES) + len(lexicon.MARKS)
Parameters = dict[str, Any]
# Tokens, what is seen of their places, and the tags each may bear.
Row = tuple[list[str], list[int], list[int]]


class Size(NamedTuple):
    """Width of the embeddings and of the network, and the gaps of its convolutions."""

    embedding: int = 64
    width: int = 96
    gaps: tuple[int, ...] = (1, 2, 4)


class Vocabulary:
    """Features of every word seen so far."""

    def __init__(self, marks: dict[int, int]) -> None:
        self._marks = marks
        self._number: dict[str, int] = {}
        self.rows = np.zeros((1 << 19, _PIECES), np.int32)
        self.counts = np.zeros((1 << 19,), np.int32)
        self.dense = np.zeros((1 << 19, _FEATURES), np.float32)

    def number(self, word: str) -> int:
        known = self._number.get(word)
        if known is None:
            known = self._number[word] = len(self._number)
            if known == len(self.counts):
                self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
                self.counts = np.concatenate([self.counts, np.zeros_like(self.counts)])
                self.dense = np.concatenate([self.dense, np.zeros_like(self.dense)])
            found = rows(word)[:_PIECES]
            self.rows[known, : len(found)] = found
            self.counts[known] = len(found)
            self.dense[known] = dense(word, self._marks)
        return known


def dense(word: str, marks: dict[int, int]) -> np.ndarray:
    """Shape and lexicon marks of a word, as zeros and ones."""
    values = np.zeros(_FEATURES, np.float32)
    values[shape(word)] = 1
    bits = marks.get(fingerprint(word), 0) if word.isalpha() else 0
    for number in range(len(lexicon.MARKS)):
        values[len(SHAPES) + number] = bits >> number & 1
    return values


def initial(size: Size, key: jax.Array) -> Parameters:
    keys = iter(jax.random.split(key, 16))

    def normal(shape: tuple[int, ...], scale: float) -> jax.Array:
        return jax.random.normal(next(keys), shape) * scale

    width = size.width
    return {
        "table": normal((ROWS, size.embedding), 0.1),
        "dense": normal((_FEATURES, size.embedding), 0.1),
        "into": normal((2 * size.embedding, width), (2 * size.embedding) ** -0.5),
        "into_bias": jnp.zeros(width),
        "sights": normal((SIGHTS, width), 0.1),
        "scale": jnp.ones(width),
        "convolutions": [normal((3 * width, width), (3 * width) ** -0.5) for _ in size.gaps],
        "biases": [jnp.zeros(width) for _ in size.gaps],
        "out": normal((width, len(TAGS)), width**-0.5),
        "out_bias": jnp.zeros(len(TAGS)),
    }


def word_vectors(p: Parameters, table_rows: jax.Array, counts: jax.Array, features: jax.Array) -> jax.Array:
    """One vector a word: what depends on the word alone, so that detection can keep it."""
    mask = jnp.arange(_PIECES)[None, :] < counts[:, None]
    gathered = p["table"][table_rows] * mask[:, :, None]
    word = gathered[:, 0]
    pieces = gathered[:, 1:].sum(1) / jnp.maximum(counts - 1, 1)[:, None] ** 0.5
    both = jnp.concatenate([word + features @ p["dense"], pieces], -1)
    return both @ p["into"] + p["into_bias"]


def normalised(x: jax.Array, scale: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * scale


def scores(
    p: Parameters, gaps: tuple[int, ...], vectors: jax.Array, seen: jax.Array, key: jax.Array | None
) -> jax.Array:
    """Scores of the tags for each token of a batch of rows."""
    x = vectors + ((seen[..., None] >> jnp.arange(SIGHTS)) & 1).astype(jnp.float32) @ p["sights"]
    x = normalised(jax.nn.relu(x), p["scale"])
    for number, gap in enumerate(gaps):
        if key is not None:
            key, one = jax.random.split(key)
            x = x * jax.random.bernoulli(one, 0.8, x.shape) / 0.8
        padded = jnp.pad(x, ((0, 0), (gap, gap), (0, 0)))
        around = jnp.concatenate([padded[:, : -2 * gap], x, padded[:, 2 * gap :]], -1)
        x = x + jax.nn.relu(around @ p["convolutions"][number] + p["biases"][number])
    return x @ p["out"] + p["out_bias"]


def loss(p: Parameters, gaps: tuple[int, ...], batch: dict[str, jax.Array], key: jax.Array) -> jax.Array:
    words, marks, inside = jax.random.split(key, 3)
    features = batch["features"]
    # Names that no list holds must be found, too, so now and then the lexicon is closed; and now and then a
    # word is known by its pieces only.
    closed = jax.random.bernoulli(marks, 0.25, (features.shape[0], 1))
    shapes = len(SHAPES)
    features = jnp.concatenate([features[:, :shapes], features[:, shapes:] * ~closed], -1)
    known = jax.random.bernoulli(words, 0.8, (features.shape[0],))
    vectors = word_vectors(p, batch["rows"], batch["counts"], features)
    without = word_vectors(p, batch["rows"].at[:, 0].set(0), batch["counts"], features)
    vectors = jnp.where(known[:, None], vectors, without)
    logits = scores(p, gaps, vectors[batch["tokens"]], batch["seen"], inside)
    logs = jax.nn.log_softmax(logits)
    allowed = (batch["tags"][..., None] >> jnp.arange(len(TAGS))) & 1
    right = jax.nn.logsumexp(jnp.where(allowed == 1, logs, -1e9), -1)
    weight = (batch["tags"] != ANY).astype(jnp.float32)
    return -(right * weight).sum() / weight.sum()


def rows_of_examples(examples: Iterator[Example]) -> Iterator[Row]:
    """Pack examples, a line's end between them, into rows of `LENGTH` tokens."""
    words: list[str] = []
    seen: list[int] = []
    tags: list[int] = []
    for example in examples:
        words += [*example.words, "\n"]
        seen += [*sights(example.words, example.glued), 0]
        tags += [*example.tags, 1]
        while len(words) >= LENGTH:
            yield words[:LENGTH], seen[:LENGTH], tags[:LENGTH]
            del words[:LENGTH], seen[:LENGTH], tags[:LENGTH]


def examples(sets: dict[str, list[Example]], seed: int) -> Iterator[Example]:
    """An endless mix of real and synthetic texts, names exchanged and letters recased now and then."""
    rng = random.Random(seed)
    writer = Writer(seed)
    names, weights = list(MIX), list(MIX.values())
    code = code_lines()
    while True:
        source = rng.choices(names, weights)[0]
        if source == "synthetic":
            draw = rng.random()
            if draw < 0.06:
                example = data.written([(rng.choice(code), None)])
            elif draw < 0.26:
                example = data.written(writer.plain())
            elif draw < 0.36:
                example = data.written(writer.form())
            else:
                example = data.written(writer.text())
        else:
            example = rng.choice(sets[source])
            if len(example.words) > LENGTH:
                start = rng.randrange(len(example.words) - LENGTH // 2)
                part = slice(start, start + LENGTH)
                example = Example(example.words[part], example.glued[part], example.tags[part])
            example = data.with_other_names(example, writer, 0.4, rng)
        yield data.recased(example, rng)


def batch_of(chosen: list[Row], vocabulary: Vocabulary, most: int) -> dict[str, np.ndarray]:
    numbers = np.array([[vocabulary.number(word) for word in words] for words, _, _ in chosen])
    unique, places = np.unique(numbers, return_inverse=True)
    if len(unique) > most:
        raise ValueError(f"{len(unique)} different words in a batch, room for {most}")
    unique = np.resize(unique, most)
    return {
        "tokens": places.reshape(numbers.shape).astype(np.int32),
        "rows": vocabulary.rows[unique],
        "counts": vocabulary.counts[unique],
        "features": vocabulary.dense[unique],
        "seen": np.array([seen for _, seen, _ in chosen], np.int32),
        "tags": np.array([tags for _, _, tags in chosen], np.int32),
    }


def marks_of_sets() -> tuple[dict[str, list[Example]], dict[int, int]]:
    """The sets to train on, and the lexicon."""
    sets = {name: data.real(name) for name in data.TRAINED_ON}
    ordinary = [
        word
        for found in sets.values()
        for example in found
        for word, tag in zip(example.words, example.tags, strict=True)
        if tag & 1 and tag != ANY and word.islower()
    ]
    for language in wordlists.LANGUAGES:
        words = (word for text in wordlists.plain_text(language) for word in re.findall(r"[^\W\d_]+", text)[1:])
        ordinary += [word for word in words if word.islower() or language == "de"]
        ordinary += [word for word in wordlists.lorem(language) if word.islower() or language == "de"] * 3
    return sets, lexicon.build(ordinary)


def train(size: Size, steps: int, rate: float, batch: int, seed: int) -> tuple[Parameters, dict[int, int]]:
    """Train; prints the loss and the speed now and then."""
    sets, marks = marks_of_sets()
    vocabulary = Vocabulary(marks)
    parameters = initial(size, jax.random.key(seed))
    schedule = optax.warmup_cosine_decay_schedule(0.0, rate, steps // 20, steps, rate / 50)
    optimizer = optax.adam(schedule, b2=0.98)
    state = optimizer.init(parameters)
    mean = jax.tree.map(jnp.copy, parameters)

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(
        p: Parameters, mean: Parameters, state: Any, batch: dict[str, jax.Array], key: jax.Array
    ) -> tuple[Parameters, Parameters, Any, jax.Array]:
        value, gradient = jax.value_and_grad(loss)(p, size.gaps, batch, key)
        updates, state = optimizer.update(gradient, state)
        p = optax.apply_updates(p, updates)
        # The mean of the last steps' parameters errs less than the last (Polyak and Juditsky, 1992).
        mean = jax.tree.map(lambda kept, new: kept * _KEEP + new * (1 - _KEEP), mean, p)
        return p, mean, state, value

    packed = rows_of_examples(examples(sets, seed))
    key = jax.random.key(seed + 1)
    begun, total = time.monotonic(), 0.0
    for number in range(1, steps + 1):
        key, one = jax.random.split(key)
        chosen = [next(packed) for _ in range(batch)]
        parameters, mean, state, value = step(parameters, mean, state, batch_of(chosen, vocabulary, batch * 64), one)
        total += float(value)
        if number % 100 == 0:
            print(
                f"step {number}/{steps}  loss {total / 100:.4f}  {(time.monotonic() - begun) / number:.3f} s a step",
                flush=True,
            )
            total = 0.0
    return mean, marks


def save(path: Path, p: Parameters, gaps: tuple[int, ...], marks: dict[int, int]) -> None:
    """Write what detection needs; the table in half precision."""
    known = sorted(marks)
    arrays: dict[str, Any] = {
        "table": np.asarray(p["table"], np.float16),
        "features": np.asarray(p["dense"], np.float32),
        "into": np.asarray(p["into"], np.float32),
        "into_bias": np.asarray(p["into_bias"], np.float32),
        "sights": np.asarray(p["sights"], np.float32),
        "scale": np.asarray(p["scale"], np.float32),
        "out": np.asarray(p["out"], np.float32),
        "out_bias": np.asarray(p["out_bias"], np.float32),
        "gaps": np.array(gaps, np.int32),
        "known": np.array(known, np.uint32),
        "marks": np.array([marks[word] for word in known], np.uint16),
    }
    for number, (weights, bias) in enumerate(zip(p["convolutions"], p["biases"], strict=True)):
        arrays[f"convolution{number}"] = np.asarray(weights, np.float32)
        arrays[f"bias{number}"] = np.asarray(bias, np.float32)
    np.savez_compressed(path, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("pipeline/detection/names/model.npz"))
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=48, help="rows of 128 tokens a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    size = Size(width=options.width)
    begun = time.monotonic()
    parameters, marks = train(size, options.steps, options.rate, options.batch, options.seed)
    save(options.out, parameters, size.gaps, marks)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB after {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
