"""Detection by rules: megabytes of text per second of CPU on one core; and the last check's false refusals."""

import gc
import json
import time
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from pipeline.detection import Detector, ExactList, build_detector
from pipeline.detection.exact import ExactRecognizer, ExactTable
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


def build() -> tuple[Detector, float]:
    """The default detector and the CPU seconds it took to build."""
    start = time.process_time()
    detector = build_detector()
    return detector, time.process_time() - start
