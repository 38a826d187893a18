"""Our detector, all entities on, on every evaluation set; the rows that the peers are put beside."""

import time
from collections.abc import Sequence
from functools import cache

import msgspec

from pipeline.detection import Detector, build_detector, catalogue
from pipeline.text import RawText
from tests.benchmark.evaluation import SETS, EvaluationSet, Predictions, Score, present, records, score, with_valid_gold

OURS = "veilstream"


class Result(msgspec.Struct, frozen=True):
    """A contestant on a set: all gold, gold without numbers that fail their check digit, and CPU time.

    `valid` is None where no gold fails.
    """

    contestant: str
    set: str
    all: Score
    valid: Score | None
    kilobytes: float
    seconds: float


@cache
def detector() -> Detector:
    """Every entity on, as in `veil detect --entities all`."""
    return build_detector(list(catalogue()))


def predict(one: EvaluationSet) -> tuple[Predictions, float]:
    """Our findings under the common labels, and the CPU seconds they took."""
    known, detect = catalogue(), detector().detect
    gold = records(one)
    start = time.process_time()
    found = [detect(RawText(record["text"])) for record in gold]
    seconds = time.process_time() - start
    return {
        record["id"]: [(f.start, f.end, known[f.entity].eval) for f in findings]
        for record, findings in zip(gold, found, strict=True)
    }, seconds


def result(contestant: str, one: EvaluationSet, found: Predictions, seconds: float) -> Result:
    """Score one contestant's findings on one set."""
    gold = records(one)
    valid = with_valid_gold(gold)
    fewer = sum(len(record["spans"]) for record in valid) < sum(len(record["spans"]) for record in gold)
    size = sum(len(record["text"].encode()) for record in gold) / 1e3
    return Result(contestant, one.name, score(gold, found), score(valid, found) if fewer else None, size, seconds)


@cache
def measure() -> Sequence[Result]:
    """Ours on every set that lies beside the checkout."""
    # As the peers do: built, and one text seen, before the clock runs.
    detector().detect(RawText("Mail jane@example.org or call +1 212 555 0199."))
    return [result(OURS, one, *predict(one)) for one in SETS if present(one.name)]
