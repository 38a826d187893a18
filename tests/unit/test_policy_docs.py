"""The policy file that docs/policies.md shows is one."""

import re
from pathlib import Path

from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.policy_examples import read_examples, run_example
from pipeline.policy_presets import PRESETS
from pipeline.policy_rules import Action

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_file_in_the_docs_loads_and_its_examples_hold(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    file = tmp_path / "policy.toml"
    file.write_text(shown[1], encoding="utf-8")
    policies = load_policies(file)
    detectors = PolicyDetectors(policies)
    assert [run_example(example, policies, detectors) for example in read_examples(policies)] == [[], []]


def test_the_docs_name_every_action_and_preset() -> None:
    assert all(f"`{action}`" in PAGE for action in Action)
    assert all(f"**`{preset}`**" in PAGE for preset in PRESETS)
