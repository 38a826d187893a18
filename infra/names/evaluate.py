"""Quality and speed of names by themselves: `python -m infra.names.evaluate MODEL.npz [SET …]`.

Scored as `score.py` of the evaluation data does; of sets that are trained on, the held-out fifth only.
"""

import argparse
import importlib.util
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from infra.names import data
from pipeline.detection.names.network import Network
from pipeline.detection.names.recognizer import NamesRecognizer

SETS = (
    *("wnut17", "wikigold", "sec_filings", "lifebench", "presidio_synth_v2"),
    *("conll03", "uner_en_ewt", "ambientmeta", "stt_spoken"),
    *(f"wikineural_{language}" for language in ("en", "de", "fr", "es", "it", "pt", "nl")),
    *("meddocan", "pl_pii_bench", "hard_negatives_templ", "hard_negatives_code", "enterprise_prompts_neg"),
)  # fmt: skip
_COMMON = {label: common for common, label in data.COMMON.items()}
Names = Sequence[tuple[int, int, str]]


def scorer() -> ModuleType:
    """The evaluation data's own `score.py`."""
    spec = importlib.util.spec_from_file_location("score", data.DATA / "score.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("the evaluation data are not beside the checkout")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(names: Callable[[str], Names], only: Sequence[str] = SETS) -> None:
    """Print a row a set: overlap F1, precision and recall of names, each label's F1, and leaked characters."""
    score = scorer()
    size, seconds = 0, 0.0
    print(f"{'set':24s}    F1     P     R     PER   ORG   LOC   ADR   chars R / P     touched")
    for name in only:
        held = [True] if name in data.TRAINED_ON else [True, False]
        gold = {r["id"]: r for r in itertools.chain(*(data.records(name, held=one) for one in held))}
        found = {}
        for key, record in gold.items():
            begun = time.process_time()
            predicted = names(record["text"])
            seconds += time.process_time() - begun
            size += len(record["text"].encode())
            found[key] = {"spans": [{"start": s, "end": e, "label": _COMMON[label]} for s, e, label in predicted]}
            # Only names are looked for here, so other gold is no claim.
            record["ignore"] = [
                *record.get("ignore", ()),
                *(s for s in record["spans"] if s["common"] not in data.COMMON),
            ]
            record["spans"] = [s for s in record["spans"] if s["common"] in data.COMMON]
        by_label, counts = score.score(gold, found)
        overlap = by_label["overlap"]
        total = score.prf(*(sum(row[n] for row in overlap.values()) for n in range(4)))
        each = "".join(f"{score.prf(*overlap[c])[2] if c in overlap else float('nan'):6.2f}" for c in data.COMMON)
        recall = 1 - counts["leak"] / max(counts["sens"], 1)
        precision = 1 - counts["over"] / max(counts["cov"], 1)
        print(
            f"{name:24s}{total[2]:6.3f}{total[0]:6.2f}{total[1]:6.2f}  {each}   {recall:.3f} / {precision:.3f}"
            f"   {counts['neg_docs_touched']}/{counts['neg_docs']}",
            flush=True,
        )
    print(f"{size / seconds / 1e6:.2f} MB/s")


def model_names(path: Path) -> Callable[[str], Names]:
    """The names that a trained model finds."""
    recognizer = NamesRecognizer(data.COMMON, {}, Network(np.load(path)))

    def names(text: str) -> Names:
        return [(found.start, found.end, data.COMMON[found.entity]) for found in recognizer.find(text)]

    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    options = parser.parse_args()
    table(model_names(options.model), options.sets or SETS)


if __name__ == "__main__":
    main()
