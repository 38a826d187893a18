"""How many disguised values are found: each disguise by family of entities, and every two nested; and hostile text."""

import time
from collections import Counter
from random import Random

from rich.table import Table

from pipeline.detection import Detector
from pipeline.text import RawText
from tests import evasions
from tests.pathological import INPUTS

SEED = 29
_SIZES = (1_000, 100_000, 10_000_000)


class Recall:
    """Counts of values tried and found, by any key."""

    def __init__(self) -> None:
        self.tried: Counter[object] = Counter()
        self.found: Counter[object] = Counter()

    def add(self, is_found: bool, *keys: object) -> None:
        """Count one value under each of the keys."""
        for key in keys:
            self.tried[key] += 1
            self.found[key] += is_found

    def rate(self, key: object) -> str:
        """Give the share found, or a dash where nothing was tried."""
        return f"{self.found[key] / self.tried[key]:.3f}" if self.tried[key] else "–"


def measure(detector: Detector) -> Recall:
    """Try every disguise and every two of them on every value that is found undisguised."""
    sentences = [pair for pair in evasions.plain_sentences(SEED) if not evasions.leaks(detector, pair[1])]
    recall = Recall()
    for names in (*((name,) for name in evasions.ALL), *evasions.pairs()):
        for entity, sentence in sentences:
            hidden = evasions.disguised(sentence, names, Random(f"{SEED} {names} {sentence.value}"))
            if hidden is None:
                continue
            is_found = not evasions.leaks(detector, hidden)
            family = evasions.family(entity)
            if len(names) == 1:
                recall.add(is_found, "single", names, ("single", family), (names[0], family))
            else:
                recall.add(is_found, "nested", names, ("nested", family), ("inner", names[0]), ("outer", names[1]))
    return recall


def tables(recall: Recall) -> tuple[Table, Table]:
    """Lay out recall: disguise by family, and the pairs that miss most."""
    families = sorted({key[1] for key in recall.tried if isinstance(key, tuple) and key[0] == "single"})
    single = Table("disguise", "all", *families, "as inner of two", "as outer", title="recall of disguised values")
    for name in evasions.ALL:
        cells = [recall.rate((name, family)) for family in families]
        single.add_row(name, recall.rate((name,)), *cells, recall.rate(("inner", name)), recall.rate(("outer", name)))
    for row in ("single", "nested"):
        single.add_row(f"all, {row}", recall.rate(row), *(recall.rate((row, family)) for family in families), "", "")
    worst = Table("inner", "outer", "recall", "tried", title="nested pairs below 1")
    pairs = [names for names in evasions.pairs() if recall.found[names] < recall.tried[names]]
    for names in sorted(pairs, key=lambda names: recall.found[names] / recall.tried[names])[:20]:
        worst.add_row(*names, recall.rate(names), str(recall.tried[names]))
    return single, worst


def seconds(detector: Detector, text: str) -> float:
    """CPU time of one detection."""
    start = time.process_time()
    detector.detect(RawText(text))
    return time.process_time() - start


def hostile(detector: Detector, sizes: tuple[int, int, int] = _SIZES) -> Table:
    """Print CPU time a megabyte on hostile text of growing sizes; a last column of 1 is linear."""
    names = [f"{size:,} characters" for size in sizes]
    table = Table("text", *(f"s/MB, {name}" for name in names), "last ÷ middle", title="hostile text")
    for name, make in INPUTS.items():
        rates = [seconds(detector, make(size)) / size * 1e6 for size in sizes]
        table.add_row(name, *(f"{rate:.2f}" for rate in rates), f"{rates[2] / rates[1]:.2f}")
    return table
