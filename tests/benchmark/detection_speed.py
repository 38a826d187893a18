"""Detection by rules: megabytes of text per second of CPU on one core; and the last check's false refusals."""

import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from pipeline.detection import Detector, ExactList, build_detector
from pipeline.detection.exact import ExactRecognizer, ExactTable
from pipeline.detection.plain_engine import PlainEngine
from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.request import redact_request
from pipeline.text import RawText
from schemas.codes import ErrorCode
from schemas.job import Endpoint

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def evaluation_texts(most_bytes: int = 6_000_000) -> list[str]:
    """Texts of the development sets, where they lie beside the checkout; else none."""
    texts, total = [], 0
    for path in sorted(DATA.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            text = json.loads(line)["text"]
            texts.append(text)
            total += len(text.encode())
        if total > most_bytes:
            break
    return texts


def log_text(findings_a_kilobyte: int, kilobytes: int = 2000) -> str:
    """Web server lines with so many e-mail addresses a kilobyte."""
    lines = []
    for number in range(kilobytes):
        block = "".join(
            f"2026-11-24T06:00:{n:02d}.123Z INFO worker[{number}] handled path=/api/v1/items status=200 ms={n}\n"
            for n in range(10)
        )
        block += "".join(f"mail=user{number}x{n}@example.org " for n in range(findings_a_kilobyte))
        lines.append(block)
    return "\n".join(lines)


def megabytes_per_second(detector: Detector, texts: list[str]) -> float:
    """CPU time of one pass over the texts."""
    size = sum(len(text.encode()) for text in texts)
    start = time.process_time()
    for text in texts:
        detector.detect(RawText(text))
    return size / (time.process_time() - start) / 1e6


def long_list(values: int = 1_000_000) -> tuple[float, float, float, float]:
    """CPU seconds to build a list, MB resident that it takes, MB/s without a hit and with one a kB."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    start = time.process_time()
    table = ExactTable(f"Name{number % 1000:03d}x Family{number}" for number in range(values))
    seconds = time.process_time() - start
    gc.collect()
    resident = (psutil.Process().memory_info().rss - before) / 1e6
    recognizer = ExactRecognizer([ExactList("PERSON", table)])

    def speed(text: str) -> float:
        start = time.process_time()
        list(recognizer.find(text))
        return len(text) / (time.process_time() - start) / 1e6

    plain = "the quick brown fox jumps over the lazy dog and writes a line to his bank about nothing. "
    return seconds, resident, speed(plain * 20_000), speed((plain * 11 + "Name001x Family1001. ") * 2000)


def false_refusals(texts: list[str]) -> tuple[int, int]:
    """How many texts, each as a chat of its own, the last check refuses; and of how many."""
    policies = load_policies(None)
    policy = policies.select("default", None)
    detector = PolicyDetectors(policies)(policy)
    refused = tried = 0
    for number, text in enumerate(texts):
        request = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})
        try:
            redact_request(
                Endpoint.CHAT_COMPLETIONS,
                request,
                policy=policy,
                detector=detector,
                scope=Scope(key=b"bench", id=f"bench/job/{number}"),
            )
        except Exception as exc:
            refused += getattr(exc, "code", None) is ErrorCode.LAST_CHECK_FAILED
        tried += 1
    return refused, tried


def built_cold_and_warm() -> tuple[float, float]:
    """CPU seconds to build the default detector in a new process: with no cached database, and with one."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pipeline.adapters.database_cache import DatabaseFolder\n"
        "from pipeline.detection import build_detector\n"
        "from pipeline.detection.hyperscan_engine import HyperscanEngine\n"
        "start = time.process_time()\n"
        "build_detector(engine=HyperscanEngine(DatabaseFolder(Path(sys.argv[1]))))\n"
        "print(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as folder:
        return _alone(program, folder), _alone(program, folder)


def without_hyperscan() -> float:
    """Megabytes per second of CPU on log text with one finding a kilobyte, by the engine on Python's patterns."""
    return megabytes_per_second(build_detector(names=False, engine=PlainEngine()), [log_text(1, kilobytes=500)])


def by_size(detector: Detector) -> dict[str, float]:
    """Megabytes per second of CPU for texts of 1 kB, 100 kB and 10 MB: the same if time grows as the length."""
    return {
        "1 kB": megabytes_per_second(detector, [log_text(1, kilobytes=1)] * 2000),
        "100 kB": megabytes_per_second(detector, [log_text(1, kilobytes=100)] * 20),
        "10 MB": megabytes_per_second(detector, [log_text(1, kilobytes=10_000)]),
    }


def peak_memory(megabytes: int) -> int:
    """MiB resident at most in a process of its own that searches one log text of this size."""
    program = (
        "import resource, sys\n"
        "from pipeline.detection import build_detector\n"
        "from tests.benchmark.detection_speed import log_text\n"
        "size = int(sys.argv[1])\n"
        "build_detector().detect(log_text(1, size * 1000)[: size * 1_000_000])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    return round(_alone(program, str(megabytes)))


def _alone(program: str, argument: str) -> float:
    run = subprocess.run([sys.executable, "-c", program, argument], capture_output=True, check=True, text=True)
    return float(run.stdout)
