"""`veil policy`: what is wrong is told by line, what a policy comes to is shown, its examples are run."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agents.cli.policy import policy

SAMPLE = Path(__file__).parents[2] / "infra" / "demo" / "policy.toml"
HUSH = "hush-hush"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(command: str, text: str | Path, tmp_path: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    file = text if isinstance(text, Path) else tmp_path / "policy.toml"
    if isinstance(text, str):
        file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(policy, [command, str(file), *options], standalone_mode=False)
    assert result.exception is None, result.exception
    assert HUSH not in result.output
    return result.return_value, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[entities]\n\nEMAIL = 'hide'", 3, "policy.toml:3: [entities.EMAIL]: action must be one of"),
        (f'[[custom]]\nentity = "CASE"\nexact = ["{HUSH}", 5]', 3, "policy.toml:3: [[custom]] #1 (CASE): exact must"),
        (f'scope = "job"\nx = "{HUSH}', 2, "policy.toml:2: is not TOML"),
        ("[policies.p.entities]\nCUSTOM = 'block'", None, "policy.toml:2: [policies.p][entities.CUSTOM]: policy p: no"),
        ('[[examples]]\ntext = "x"', 1, "policy.toml:1: [[examples]] #1: needs entities, redacted or refused"),
        ('[[examples]]\ntext = "x"\nredacted = 5', 3, "policy.toml:3: [[examples]] #1: redacted must be a text"),
    ],
)  # fmt: skip
def test_check_tells_what_is_wrong_by_line(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    code, rows = run("check", text, tmp_path)
    assert code == 1
    assert [(row["level"], row["line"]) for row in rows] == [("error", line)]
    assert rows[0]["message"].startswith(message)


def test_check_warns_of_what_does_nothing_and_of_nothing_else(tmp_path: Path) -> None:
    text = (
        'scope = "tenant"\n[entities]\nEMAIL = "redact"\nPIN = { action = "block", reversible = false }\n'
        'PHONE = "mask"\n[policies.p]\nscope = "tenant"\n[tenants.t]\npolicy = "p"\npolicies = ["p"]\n'
        "[[fields]]\npath = '$.mesages[*]'\naction = 'allow'\n[[fields]]\npath = '$..name'\naction = 'block'\n"
    )
    code, rows = run("check", text, tmp_path)
    assert code == 0
    assert [(row["level"], row["line"]) for row in rows] == [
        ("warning", 3), ("warning", 4), ("warning", 7), ("warning", 12), ("ok", None),
    ]  # fmt: skip
    assert rows[1]["message"] == "policy.toml:4: [entities.PIN]: reversible changes nothing, it holds already"
    assert rows[3]["message"] == "policy.toml:12: [[fields]] #1: no endpoint has a field of that name"


def test_check_warns_of_second_try_and_output_that_hold_already(tmp_path: Path) -> None:
    text = '[output]\naction = "allow"\n[policies.p]\nsecond_try = 0.5\n[tenants.t]\npolicy = "p"\nsecond_try = 0.5\n'
    code, rows = run("check", text, tmp_path)
    assert code == 0
    assert [(row["level"], row["line"]) for row in rows][:2] == [("warning", 2), ("ok", None)]


def test_show_gives_the_policy_that_a_job_would_get(tmp_path: Path) -> None:
    text = (
        '[entities]\nCREDIT_CARD = { action = "mask", show_first = 6 }\n[policies.p.entities]\nEMAIL = "block"\n'
        '[tenants.t]\npolicy = "p"\nscope = "conversation"\nsecond_try = 0.5\n'
        '[tenants.t.output]\naction = "block"\n[[tenants.t.fields]]\npath = "$.user"\naction = "drop"\n'
    )
    _, rows = run("show", text, tmp_path, "--tenant", "t")
    by_rule = {row["rule"]: row for row in rows}
    assert (by_rule["policy"]["name"], by_rule["policy"]["scope"]) == ("p", "conversation")
    assert (by_rule["policy"]["second_try"], by_rule["policy"]["output"]) == (0.5, "block")
    assert by_rule["EMAIL"] == {"rule": "EMAIL", "action": "block", "threshold": 0.0, "reversible": False}
    assert (by_rule["CREDIT_CARD"]["action"], by_rule["CREDIT_CARD"]["show_first"]) == ("mask", 6)
    assert by_rule["$.user"] == {"rule": "$.user", "action": "drop"}
    _, rows = run("show", text, tmp_path, "--policy", "default")
    assert {row["rule"]: row["action"] for row in rows[1:]}["EMAIL"] == "redact"


def test_the_sample_policys_examples_hold(tmp_path: Path) -> None:
    code, rows = run("test", SAMPLE, tmp_path)
    assert code == 0
    assert [row["state"] for row in rows] == ["passed", "passed"]


EXAMPLES = """
[entities]
EMAIL = "mask"
PHONE = "hash"
PIN = "block"
[[examples]]
text = "mail ann@shop.example or call +1 415 555 2671"
entities = { EMAIL = 1, PHONE = 1 }
redacted = "mail ***@****.******* or call [PHONE#]"
[[examples]]
request = { model = "gpt-4o", messages = [{ role = "user", content = "IBAN DE89370400440532013000" }], store = false }
redacted = { model = "gpt-4o", messages = [{ role = "user", content = "IBAN [IBAN]" }], store = false, stream = false }
[[examples]]
text = "PIN: 4821"
refused = "blocked_by_policy"
"""


def test_examples_of_every_kind_are_run(tmp_path: Path) -> None:
    code, rows = run("test", EXAMPLES, tmp_path)
    assert (code, [row["faults"] for row in rows]) == (0, [[], [], []])


def test_an_example_that_does_not_hold_fails_and_says_how(tmp_path: Path) -> None:
    wrong = EXAMPLES.replace("[PHONE#]", "[PHONE]").replace("EMAIL = 1", "EMAIL = 2").replace('"PIN: 4821"', '"no pin"')
    code, rows = run("test", wrong.replace("refused =", "entities = {}\nrefused ="), tmp_path)
    assert code == 1
    assert [row["state"] for row in rows] == ["failed", "passed", "failed"]
    assert rows[0]["faults"] == [
        "entities: EMAIL 1, PHONE 1, expected EMAIL 2, PHONE 1",
        "redacted: mail ***@****.******* or call [PHONE#], expected mail ***@****.******* or call [PHONE]",
    ]
    assert rows[2]["faults"] == ["refused: None, expected blocked_by_policy"]
    assert rows[0]["line"] == 6


def test_a_file_without_examples_is_not_passed(tmp_path: Path) -> None:
    assert run("test", "", tmp_path) == (1, [])
