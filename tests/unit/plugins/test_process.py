"""A plug-in in its process: what it finds, and that nothing it does hangs a worker or is believed."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.adapters.recognizers.process import PluginUnavailable, ProcessRecognizer
from pipeline.detection import Detector, Finding, build_detector
from pipeline.detection.checked import CheckedRecognizer
from pipeline.errors import DetectionFailed
from pipeline.text import RawText
from tests.unit.plugins.package import install

Start = Callable[..., ProcessRecognizer]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    running: list[ProcessRecognizer] = []

    def start(name: str, options: object = None, time_limit: float = 20.0) -> ProcessRecognizer:
        running.append(ProcessRecognizer(name, json.dumps(options or {}).encode(), time_limit))
        return running[-1]

    yield start
    for one in running:
        one.close()


def detector(recognizer: ProcessRecognizer) -> Detector:
    return build_detector((), recognizers=[CheckedRecognizer(recognizer, {"BADGE"}, {}, 0.5)])


def failure(detector: Detector, text: str) -> DetectionFailed:
    with pytest.raises(DetectionFailed) as caught:
        detector.detect(RawText(text))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value


def test_a_plug_ins_findings_are_the_detectors(start: Start) -> None:
    badges = detector(start("badges"))
    assert badges.detect(RawText("😀 B-1234 and B-5678")) == [
        Finding(2, 8, "BADGE", 0.9),
        Finding(13, 19, "BADGE", 0.9),
    ]
    assert badges.detect(RawText("x" * 3_000_000)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_its_process_leaves_no_core_and_cannot_be_traced(start: Start) -> None:
    assert list(start("dumpable").find("text")) == []


def test_options_reach_the_plug_in_and_are_part_of_the_version(start: Start) -> None:
    one, other = start("badges"), start("badges", {"pattern": "Z-[0-9]"})
    assert list(other.find("Z-1 B-1234")) == [Finding(0, 3, "BADGE", 0.9)]
    assert detector(one).version != detector(other).version
    assert detector(one).version == detector(start("badges")).version


def test_the_plug_ins_package_version_is_part_of_the_version(
    start: Start, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = start("badges").version
    newer = tmp_path_factory.mktemp("newer")
    monkeypatch.undo()
    install(newer, version="1.1")
    monkeypatch.syspath_prepend(newer)
    assert start("badges").version != older


@pytest.mark.parametrize("name", ["raises", "exits", "no-findings", "cyclic"])
def test_a_plug_in_that_fails_fails_the_text(start: Start, name: str) -> None:
    failing = detector(start(name))
    assert failure(failing, "a hush-hush text").detail == f"plug-in {name}"
    failure(failing, "and again")


@pytest.mark.parametrize(
    "finding",
    [[0, 9, "BADGE", 0.9], [2, 2, "BADGE", 0.9], [-1, 2, "BADGE", 0.9], [0, 1, "PIN", 0.9], [0, 1, "BADGE", 1.1]],
)
def test_a_finding_that_cannot_be_fails_the_text(start: Start, finding: list[object]) -> None:
    failure(detector(start("spans", {"finding": finding})), "eight ch")


@pytest.mark.parametrize(("name", "text"), [("sleeps", "slow"), ("backtracks", "x" * 64)])
def test_a_plug_in_that_runs_away_fails_the_text_in_time_and_is_started_anew(
    start: Start, name: str, text: str
) -> None:
    running = start(name, time_limit=1.5)
    began = time.monotonic()
    failure(detector(running), text)
    assert time.monotonic() - began < 10
    fine = "xxy"
    for _ in range(20):  # until the new process is ready, texts are refused
        try:
            found = list(running.find(fine))
            break
        except Exception:
            continue
    assert found == [Finding(0, 1, "BADGE", 0.9)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "0 installed packages have a plug-in of this name"),
        ("refuses", "could not be made (RuntimeError)"),
        ("none", "could not be made (AttributeError)"),
        ("absent", "could not be made (ModuleNotFoundError)"),
        ("starts-plugins", "could not be made (PluginUnavailable)"),
    ],
)
def test_a_plug_in_that_cannot_be_had_says_why_without_its_options(start: Start, name: str, said: str) -> None:
    with pytest.raises(PluginUnavailable) as caught:
        start(name, {"key": "hush-hush"})
    assert said in caught.value.detail
    assert "hush" not in caught.value.detail


@pytest.mark.parametrize("name", ["presidio", "transformers", "gliner"])
def test_an_adapter_without_its_library_names_the_extra(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Whether or not the library is installed here, the process finds one that isn't there.
    library = {"presidio": "presidio_analyzer", "transformers": "torch", "gliner": "gliner"}[name]
    for missing in {library, "spacy"}:
        (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError(name={missing!r})")
    info = tmp_path / "adapters-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adapters\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        f"[veilstream.recognizers]\nmy-{name} = pipeline.adapters.recognizers.{name}:build\n"
    )
    with pytest.raises(PluginUnavailable, match=rf"pip install 'veilstream\[{name}\]'"):
        start(f"my-{name}")


def test_a_cyclic_recognizer_in_our_own_process_fails_the_text_at_once() -> None:
    class Cyclic:
        name = "cyclic"
        reads = False
        entities = frozenset({"BADGE"})
        calls = 0

        def find(self, text: str) -> list[Finding]:
            self.calls += 1
            for _ in range(2):
                try:
                    around.detect(RawText(text))
                except DetectionFailed:
                    continue
            return around.detect(RawText(text))

    cyclic = Cyclic()
    around = build_detector((), recognizers=[cyclic])
    failure(around, "text")
    assert cyclic.calls < 50
    assert failure(around, "text")  # nothing of the first failure is left behind
