"""Run the peers in their own environment on the texts that ours is measured on."""

import json
import os
import resource
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.benchmark.evaluation import SETS, EvaluationSet, Predictions, Record, present, records
from tests.benchmark.peers.labels import common
from tests.benchmark.quality import Result, result
from tests.benchmark.report import Table, labels_side_by_side, side_by_side, speeds

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / ".var" / "peers"
PYTHON = HOME / "venv" / "bin" / "python"
GITLEAKS = HOME / "bin" / "gitleaks"
RUNNER = Path(__file__).with_name("runner.py")


class Peer(msgspec.Struct, frozen=True):
    """A tool, what it needs, and the kinds of sets it is meant for."""

    name: str
    needs: tuple[Path, ...]
    kinds: tuple[str, ...]


PEERS = (
    Peer("presidio", (PYTHON,), ("pii", "foreign", "negatives")),
    # Its names model reads English.
    Peer("presidio_ner", (PYTHON, HOME / "ner"), ("pii", "names", "negatives")),
    Peer("scrubadub", (PYTHON,), ("pii", "foreign", "negatives")),
    Peer("datafog", (PYTHON,), ("pii", "foreign", "negatives")),
    Peer("detect_secrets", (PYTHON,), ("secrets", "negatives")),
    Peer("gitleaks", (GITLEAKS,), ("secrets", "negatives")),
)
_NOT_ENGLISH = tuple(f"wikineural_{language}" for language in ("de", "fr", "es", "it", "pt", "nl"))


def measure(say: Callable[[str], None]) -> list[Result]:
    """Every peer that is installed, on every set of its kinds; says which are not."""
    results = []
    for peer in PEERS:
        missing = [path for path in peer.needs if not path.exists()]
        if missing:
            say(f"{peer.name} is left out: {missing[0].relative_to(ROOT)} is not there (make peers)")
            continue
        sets = [one for one in SETS if one.kind in peer.kinds and one.name not in _NOT_ENGLISH and present(one.name)]
        say(f"{peer.name} …")
        results += _gitleaks(sets) if peer.name == "gitleaks" else _python(peer, sets)
    return results


def tables(results: Sequence[Result]) -> list[Table]:
    """What is shown: quality by kind of set, and speed."""
    return [
        side_by_side(results, ("pii", "foreign"), "peers-pii", "personal data: leaked: recall/precision/F1"),
        side_by_side(results, ("names",), "peers-names", "names: leaked: recall/precision/F1"),
        side_by_side(results, ("secrets",), "peers-secrets", "secrets: leaked: recall/precision/F1"),
        labels_side_by_side(
            results, ("pii",), "peers-labels", "labels of the English personal data: leaked: recall/F1"
        ),
        side_by_side(results, ("negatives",), "peers-negatives", "nothing sensitive: documents touched"),
        speeds(results),
    ]


def _python(peer: Peer, sets: Sequence[EvaluationSet]) -> list[Result]:
    """One process for all sets, so that start-up is paid, and not counted, once."""
    texts = [
        json.dumps({"id": [one.name, record["id"]], "text": record["text"]}) for one in sets for record in records(one)
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(HOME), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(PYTHON), str(RUNNER), peer.name],
        input="\n".join(texts) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
        check=True,
    )
    found: dict[str, dict[str, list[tuple[int, int, str]]]] = defaultdict(dict)
    seconds: dict[str, float] = defaultdict(float)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        name, key = row["id"]
        found[name][key] = [(start, end, common(label)) for start, end, label in row["spans"]]
        seconds[name] += row["seconds"]
    return [result(peer.name, one, found[one.name], seconds[one.name]) for one in sets]


def _gitleaks(sets: Sequence[EvaluationSet]) -> list[Result]:
    """A file a text; the time of an empty folder, which is start-up, is taken off."""
    start_up = _gitleaks_folder([])[1]
    results = []
    for one in sets:
        found, seconds = _gitleaks_folder(records(one))
        results.append(result("gitleaks", one, found, max(seconds - start_up, 1e-3)))
    return results


def _gitleaks_folder(gold: Sequence[Record]) -> tuple[Predictions, float]:
    with tempfile.TemporaryDirectory(dir=HOME) as folder:  # mkdtemp makes it readable by its owner alone
        for number, record in enumerate(gold):
            (Path(folder) / f"{number}.txt").write_bytes(record["text"].encode())
        command = [str(GITLEAKS), "dir", folder, "--report-format", "json", "--report-path", "-"]
        before = _children_seconds()
        done = subprocess.run(
            [*command, "--no-banner", "--log-level", "error", "--exit-code", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(HOME), "GOMAXPROCS": "1"},
            check=True,
        )
        seconds = _children_seconds() - before
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for row in json.loads(done.stdout or b"[]") or []:
        record = gold[int(Path(row["File"]).stem)]
        lines = record["text"].split("\n")
        place = sum(len(line) + 1 for line in lines[: row["StartLine"] - 1])
        start = record["text"].find(row["Secret"], place)
        if start < 0:
            # What it decoded first stands nowhere as it is; its columns are those of the encoded run.
            start, end = place + row["StartColumn"] - 1, place + row["EndColumn"]
        else:
            end = start + len(row["Secret"])
        end = min(end, len(record["text"]))
        if 0 <= start < end:
            found[record["id"]].append((start, end, "SECRET"))
    return found, seconds


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
