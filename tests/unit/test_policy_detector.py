"""The detector a policy asks for: nothing that it redacts by name goes unlooked for."""

from pathlib import Path

import pytest

from pipeline.policy import MalformedPolicy, load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.text import RawText


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("action", ["redact", "block"])
def test_a_policy_that_names_what_nothing_recognizes_does_not_load(tmp_path: Path, action: str) -> None:
    policies = load_policies(write(tmp_path, f'[policies.strict.entities]\nCUSTOM = "{action}"\n'))
    with pytest.raises(MalformedPolicy, match="strict: no recognizer finds CUSTOM"):
        PolicyDetectors(policies)


def test_a_list_of_its_values_makes_it_recognizable(tmp_path: Path) -> None:
    path = write(tmp_path, '[entities]\nCUSTOM = "redact"\n[[custom]]\nentity = "CUSTOM"\nexact = ["Pastafarian"]\n')
    policies = load_policies(path)
    detector = PolicyDetectors(policies)(policies.select("default", None))
    assert [finding.entity for finding in detector.detect(RawText("a Pastafarian said"))] == ["CUSTOM"]


def test_allowing_what_nothing_recognizes_is_no_fault(tmp_path: Path) -> None:
    PolicyDetectors(load_policies(write(tmp_path, '[entities]\nCUSTOM = "allow"\n')))


def test_a_threshold_drops_weaker_findings(tmp_path: Path) -> None:
    text = RawText("mail jane@example.org")
    policies = load_policies(write(tmp_path, "[entities]\nEMAIL = { threshold = 1.0 }\n"))
    assert PolicyDetectors(policies)(policies.select("default", None)).detect(text) == []
    usual = load_policies(None)
    assert PolicyDetectors(usual)(usual.select("default", None)).detect(text)
