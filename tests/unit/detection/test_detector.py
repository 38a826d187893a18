import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.detection import Detector, ExactList, Finding, LoneSurrogate, UnknownEntity, build_detector
from pipeline.errors import DetectionFailed
from pipeline.text import RawText
from schemas.codes import ErrorCode
from tests.unit.detection.tables import assert_nothing

HARMLESS = [
    "job-000123",
    "a1b2c3d4e5f6",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "b8e17bae-c00c-416d-89a6-1015334f6a84",
    "1718000000000",
    "2026-01-02T03:04:05.123Z INFO upstream took 44906 ms, retry 6/9",
    "def f(x): return x ** 9 % 777519  # test: f(7950) == 74691",
    "SELECT count(*) FROM events WHERE id BETWEEN 6188624 AND 71895744;",
    "commit 8b5bd85ee5042d0c1f2e3d4c5b6a79880f1e2d3c",
    "pip install package==1.2.3.post4",
    "Solve 44x^2 + 26x - 111 = 0 to 4 decimals.",
    'api_key = os.environ["SERVICE_API_KEY"]; timeout = 55',
    "password: ${DB_PASSWORD}",
    '"token": "********", "expires_in": 4131',
    "",
    "\0\0\0",
    "Kafka partition 12, offset 998877665544",
]


@pytest.mark.parametrize(
    "name", ["find_french_doctors", "letter-german", "muslim_holidays", "aspirin_dosage", "paris_weather", "acme_gmbh"]
)
def test_everyday_words_are_no_findings_in_identifiers(name: str) -> None:
    assert build_detector().detect(RawText(name.replace("_", " ")), prose=False) == []


class Broken:
    name = "broken"
    reads = False
    entities = frozenset(("PERSON",))

    def find(self, text: str) -> Iterable[Finding]:
        raise ValueError(f"cannot read {text}")


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_personal_data_is_left_alone(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


def test_a_recognizer_that_raises_refuses_the_text_and_tells_nothing_of_it() -> None:
    detector = build_detector((), recognizers=[Broken()])
    canary = RawText("-".join(("canary", "value", "93")))
    with pytest.raises(DetectionFailed) as caught:
        detector.detect(canary)
    error = caught.value
    assert error.detail == "broken"
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)
    assert canary not in shown


def test_half_a_surrogate_pair_is_refused_with_a_code(detector: Detector) -> None:
    with pytest.raises(LoneSurrogate) as caught:
        detector.detect(RawText("jane@example.org \ud800 canary"))
    assert caught.value.code is ErrorCode.LONE_SURROGATE
    assert "canary" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_offsets_are_code_points(detector: Detector) -> None:
    text = RawText("😀é漢 jane@example.org ü 192.0.2.1")
    assert [text[f.start : f.end] for f in detector.detect(text)] == ["jane@example.org", "192.0.2.1"]


def test_an_unknown_entity_is_refused() -> None:
    with pytest.raises(UnknownEntity):
        build_detector({"NO_SUCH_THING"})


def test_the_version_changes_with_everything_that_decides() -> None:
    versions = [
        build_detector({"EMAIL"}).version,
        build_detector({"EMAIL", "IPV4"}).version,
        build_detector({"EMAIL"}, thresholds={"EMAIL": 0.9}).version,
        build_detector({"EMAIL"}, exact_lists=[ExactList("PERSON", ("Jane Roe",))]).version,
        build_detector({"EMAIL"}, exact_lists=[ExactList("PERSON", ("Jane Poe",))]).version,
        build_detector({"EMAIL"}, recognizers=[Broken()]).version,
    ]
    assert len(set(versions)) == len(versions)


def test_the_version_is_the_same_in_another_process() -> None:
    program = (
        "from pipeline.detection import ExactList, build_detector\n"
        "print(build_detector({'EMAIL', 'IPV4', 'IBAN'}, exact_lists=[ExactList('PERSON', ('b', 'a'))]).version)"
    )
    here = build_detector({"IBAN", "EMAIL", "IPV4"}, exact_lists=[ExactList("PERSON", ("a", "b"))]).version
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_threads_share_one_detector(detector: Detector) -> None:
    texts = [RawText(f"{'x' * n} user{n}@example.org 192.0.2.{n % 250}") for n in range(200)]
    expected = [detector.detect(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detector.detect, texts)) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "a@",
        "1",
        "1 ",
        "1.",
        "a.",
        "+1",
        "0 1",
        "(",
        "password ",
        "passwordpassword",
        "key=",
        "eyJ",
        "AA00",
        "::1",
        "1-",
        "é@",
        "www.",
        "http://a",
        "Calle A ",
        "-----BEGIN PRIVATE KEY-----",
        "a-a@a.",
        "token: a1b2c3d4e5",
    ],
)
def test_time_grows_no_faster_than_the_text(detector: Detector, unit: str) -> None:
    def seconds(size: int) -> float:
        text = RawText((unit * (size // len(unit) + 1))[:size])
        detector.detect(RawText(text[:100]))
        # The best of three: a collection of garbage is not the detector's time.
        times = []
        for _ in range(3):
            start = time.process_time()
            detector.detect(text)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(40_000) < 14 * seconds(10_000) / 2 + 0.05


def test_eight_megabytes_are_searched(detector: Detector) -> None:
    line = "2026-01-02 03:04:05 INFO worker 12 finished shard 7 in 125 ms status=200\n"
    text = RawText(line * (4_000_000 // len(line)) + "jane@example.org\n" + "x" * 4_000_000)
    assert [finding.entity for finding in detector.detect(text)] == ["EMAIL"]
