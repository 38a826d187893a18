"""Train the spaCy names model that Presidio is compared with: same sets, same records as our own model's.

Run by the peers' Python, which has spaCy and not this project:
`.var/peers/venv/bin/python tests/benchmark/peers/train_ner.py`. A tok2vec CNN without
vectors, spaCy's own defaults, stopped by CPU time, evaluated by nobody while it trains.
"""

import argparse
import json
import random
import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.training import Example
from spacy.util import filter_spans, minibatch

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
SETS = ("wnut17", "btc", "wikigold", "sec_filings", "lifebench", "presidio_synth_v2")
LABELS = ("PERSON", "ORGANIZATION", "LOCATION", "STREET_ADDRESS")


def lines(record: dict[str, Any]) -> Iterator[tuple[str, list[tuple[int, int, str]], list[tuple[int, int]]]]:
    """Cut a record at line ends; each part with its names and with the zones that nobody labelled."""
    start = 0
    for part in record["text"].splitlines(keepends=True):
        end = start + len(part)

        def within(spans: list[dict[str, Any]], start: int = start, end: int = end) -> list[dict[str, Any]]:
            return [s for s in spans if start <= s["start"] and s["end"] <= end]

        names = [
            (s["start"] - start, s["end"] - start, s["common"])
            for s in within(record["spans"])
            if s["common"] in LABELS
        ]
        yield part, names, [(z["start"] - start, z["end"] - start) for z in within(record.get("ignore", []))]
        start = end


def examples(nlp: Any) -> list[Any]:
    """Every line of the records that may be trained on."""
    held_out = runpy.run_path(str(ROOT / "infra" / "names" / "split.py"))["held_out"]
    found = []
    for name in SETS:
        for text in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(text)
            if held_out(record):
                continue
            for part, names, unlabelled in lines(record):
                if not part.strip():
                    continue
                doc, gold = nlp.make_doc(part), nlp.make_doc(part)
                spans = [gold.char_span(s, e, label=label, alignment_mode="expand") for s, e, label in names]
                missing = [gold.char_span(s, e, alignment_mode="expand") for s, e in unlabelled]
                kept = filter_spans([span for span in spans if span is not None])
                taken = {token.i for span in kept for token in span}
                free = [s for s in filter_spans([m for m in missing if m]) if not taken & {token.i for token in s}]
                gold.set_ents(kept, missing=free, default="outside")
                found.append(Example(doc, gold))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / ".var" / "peers" / "ner")
    parser.add_argument("--cpu-seconds", type=float, default=700)
    options = parser.parse_args()
    random.seed(0)
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    for label in LABELS:
        ner.add_label(label)
    data = examples(nlp)
    optimizer = nlp.initialize(lambda: data[:500])
    print(f"{len(data)} lines, {sum(len(example.x) for example in data)} tokens", flush=True)
    start, rounds = time.process_time(), 0
    while (spent := time.process_time() - start) < options.cpu_seconds:
        random.shuffle(data)
        losses: dict[str, float] = {}
        for batch in minibatch(data, size=128):
            nlp.update(batch, sgd=optimizer, drop=0.1, losses=losses)
            if time.process_time() - start > options.cpu_seconds:
                break
        else:
            rounds += 1
        print(f"round {rounds}: loss {losses['ner']:.0f}, {spent:.0f} CPU-s", flush=True)
        nlp.to_disk(options.out)


if __name__ == "__main__":
    main()
