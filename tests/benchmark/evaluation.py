"""The evaluation sets beside the checkout, what is wanted on each, and how a contestant is scored.

The numbers are those of the data's own `score.py`, which is loaded from where the
data lie; only a label's leaked characters are counted here.
"""

import importlib.util
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import msgspec

from infra.names.split import held_out
from tests.benchmark.check_digits import fails_check

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

Record: TypeAlias = dict[str, Any]
# Start, end and common label of each finding, by the record's id.
Predictions: TypeAlias = Mapping[str, Sequence[tuple[int, int, str]]]


class Target(msgspec.Struct, frozen=True):
    """What is to be reached on the held-out part; a share of 1, `touched` at most and the rest at least."""

    recall: float | None = None
    precision: float | None = None
    f1: float | None = None
    touched: float | None = None


class EvaluationSet(msgspec.Struct, frozen=True):
    """One set. `kind` is `pii`, `foreign` (not English), `names`, `secrets` or `negatives`.

    A set with `trained_on` is measured on the fifth that the names model never saw.
    """

    name: str
    kind: str
    target: Target = Target()
    trained_on: bool = False


# btc is trained on as a whole: its four groups are sections of the set, and none fell into the fifth.
SETS = (
    EvaluationSet("presidio_synth_v2", "pii", Target(0.95, 0.92, 0.88), trained_on=True),
    EvaluationSet("ambientmeta", "pii", Target(0.92, 0.85, 0.80)),
    EvaluationSet("pupa", "pii", Target(0.80, 0.45)),
    EvaluationSet("datafog", "pii", Target(0.97, 0.92)),
    EvaluationSet("stt_spoken", "pii", Target(0.80, 0.90)),
    EvaluationSet("lifebench", "pii", Target(0.90, 0.85), trained_on=True),
    EvaluationSet("asadani_findocs", "pii"),
    EvaluationSet("mashaor_bedrock", "pii"),
    EvaluationSet("pii_syn_nano", "pii"),
    EvaluationSet("pasteguard", "pii"),
    EvaluationSet("meddocan", "foreign", Target(0.80, 0.85)),
    EvaluationSet("pl_pii_bench", "foreign", Target(0.85, 0.85)),
    EvaluationSet("ja_radiology", "foreign"),
    EvaluationSet("uner_en_ewt", "names", Target(f1=0.78)),
    EvaluationSet("conll03", "names", Target(f1=0.80)),
    EvaluationSet("wnut17", "names", Target(f1=0.60), trained_on=True),
    EvaluationSet("wikigold", "names", trained_on=True),
    EvaluationSet("sec_filings", "names", trained_on=True),
    EvaluationSet("wikineural_en", "names"),
    EvaluationSet("wikineural_de", "names", Target(f1=0.70)),
    EvaluationSet("wikineural_fr", "names", Target(f1=0.70)),
    EvaluationSet("wikineural_es", "names"),
    EvaluationSet("wikineural_it", "names"),
    EvaluationSet("wikineural_pt", "names"),
    EvaluationSet("wikineural_nl", "names"),
    EvaluationSet("gitleaks_fixtures", "secrets", Target(0.95, 0.95, touched=0.03)),
    EvaluationSet("credsweeper_samples", "secrets", Target(0.80, 0.85)),
    EvaluationSet("secretlint_snapshots", "secrets", Target(0.90, 0.95)),
    EvaluationSet("detect_secrets_tests", "secrets", Target(0.90, 0.95)),
    EvaluationSet("trufflehog_tests", "secrets", Target(0.85)),
    EvaluationSet("hard_negatives_templ", "negatives", Target(touched=0.02)),
    EvaluationSet("hard_negatives_code", "negatives", Target(touched=0.02)),
    EvaluationSet("enterprise_prompts_neg", "negatives"),
)


class LabelScore(msgspec.Struct, frozen=True):
    """One label: characters of its gold, those that nothing covers, and spans that overlap one of the same label.

    `found` of the `gold` spans have such a finding, `right` of the `predicted` such a gold span;
    untyped gold has characters alone.
    """

    characters: int = 0
    leaked: int = 0
    gold: int = 0
    found: int = 0
    predicted: int = 0
    right: int = 0

    def __add__(self, other: "LabelScore") -> "LabelScore":
        return LabelScore(*(a + b for a, b in zip(_fields(self), _fields(other), strict=True)))

    @property
    def covered(self) -> float | None:
        return _share(self.characters - self.leaked, self.characters)

    @property
    def precision(self) -> float | None:
        return _share(self.right, self.predicted)

    @property
    def recall(self) -> float | None:
        return _share(self.found, self.gold)

    @property
    def f1(self) -> float | None:
        precision, recall = self.precision, self.recall
        if recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


class Score(msgspec.Struct, frozen=True):
    """One contestant on one set; shares are None where there is nothing to divide by.

    Attributes:
        characters: Characters of gold, without white space.
        leaked: Those of them that no finding covers, whatever its label.
        recall: 1 - leaked / characters.
        precision: Share of the covered characters that are gold.
        f1: Micro F1 of spans that overlap gold of their own label; None for untyped gold.
        negatives: Documents without gold.
        touched: Those of them in which anything is found.

    """

    documents: int
    characters: int
    leaked: int
    recall: float | None
    precision: float | None
    f1: float | None
    negatives: int
    touched: int
    labels: dict[str, LabelScore]


def present(name: str) -> bool:
    """Whether the set lies beside the checkout."""
    return (DATA / f"{name}.jsonl").is_file()


@cache
def records(one: EvaluationSet) -> list[Record]:
    """The records that are measured."""
    lines = (DATA / f"{one.name}.jsonl").read_text(encoding="utf-8").splitlines()
    found: list[Record] = [json.loads(line) for line in lines]
    return [record for record in found if held_out(record)] if one.trained_on else found


def with_valid_gold(gold: Sequence[Record]) -> list[Record]:
    """The same records, but about numbers that fail their own check digit nothing is claimed."""
    kept = []
    for record in gold:
        failing = [span for span in record["spans"] if fails_check(span)]
        spans = [span for span in record["spans"] if span not in failing]
        kept.append(record | {"spans": spans, "ignore": [*record.get("ignore", ()), *failing]})
    return kept


def score(gold: Sequence[Record], found: Predictions) -> Score:
    """Score findings as `score.py` does."""
    by_id = {record["id"]: record for record in gold}
    predictions = {
        key: {"spans": [{"start": s, "end": e, "label": label} for s, e, label in found.get(key, ())]} for key in by_id
    }
    scorer = _scorer()
    spans, counts = scorer.score(by_id, predictions)
    overlap: Mapping[str, Sequence[int]] = spans["overlap"]
    untyped = any(record.get("untyped") for record in gold)
    totals = [sum(row[n] for row in overlap.values()) for n in range(4)]
    return Score(
        documents=counts["docs"],
        characters=counts["sens"],
        leaked=counts["leak"],
        recall=_share(counts["sens"] - counts["leak"], counts["sens"]),
        precision=_share(counts["cov"] - counts["over"], counts["cov"]),
        f1=None if untyped or not totals[3] else scorer.prf(*totals)[2],
        negatives=counts["neg_docs"],
        touched=counts["neg_docs_touched"],
        labels=_labels(gold, found, overlap),
    )


def _labels(gold: Sequence[Record], found: Predictions, overlap: Mapping[str, Sequence[int]]) -> dict[str, LabelScore]:
    characters: dict[str, int] = defaultdict(int)
    leaked: dict[str, int] = defaultdict(int)
    for record in gold:
        text = record["text"]
        covered = {place for start, end, _ in found.get(record["id"], ()) for place in range(start, end)}
        places: dict[str, set[int]] = defaultdict(set)
        for span in record["spans"]:
            places[span["common"]].update(n for n in range(span["start"], span["end"]) if not text[n].isspace())
        for label, own in places.items():
            characters[label] += len(own)
            leaked[label] += len(own - covered)
    none = (0, 0, 0, 0)
    found_by_label = {}
    for label in sorted({*characters, *overlap}):
        right, predicted, recalled, spans = overlap.get(label, none)
        found_by_label[label] = LabelScore(characters[label], leaked[label], spans, recalled, predicted, right)
    return found_by_label


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _fields(label: LabelScore) -> tuple[int, ...]:
    return (label.characters, label.leaked, label.gold, label.found, label.predicted, label.right)


@cache
def _scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", DATA / "score.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(DATA / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
