"""The command line: one clear line for every fault, the right exit code, never a traceback."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.adapters.keyring import init_keys
from pipeline.keys import KeyName

NO_BROKER = "127.0.0.1:1"
SET_ADDRESS = f"no Kafka broker answers at {NO_BROKER}; set VEIL__KAFKA__BOOTSTRAP_SERVERS, or start one"


def veil(*arguments: str, cwd: Path, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("VEIL__", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "agents", *arguments],
        cwd=cwd,
        input=stdin,
        env=base | {"VEIL__KAFKA__BOOTSTRAP_SERVERS": NO_BROKER} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert veil("keys", "init", cwd=tmp_path).returncode == 0
    return tmp_path


JOB = json.dumps({"endpoint": "chat.completions", "request": {"model": "m", "messages": []}})


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "says"),
    [
        (["worker"], {"VEIL__KAFKA__NOSUCH": "1"}, 2, "unknown setting kafka.nosuch"),
        (["worker", "--config", "none.toml"], {}, 2, "none.toml"),
        (["worker", "--role", "nosuch"], {}, 2, "nosuch"),
        (["worker", "--role", "redactor"], {"VEIL__KEYS__DIR": "none"}, 1, "veil keys init"),
        (["worker", "--role", "redactor"], {}, 1, f"no Kafka broker answers at {NO_BROKER}"),
        (["worker", "--role", "completer"], {}, 2, "OPENAI_API_KEY"),
        (
            ["worker", "--role", "completer"],
            {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "https://elsewhere.example/v1"},
            2,
            "openai.allowed_hosts",
        ),
        (["worker", "--role", "redactor"], {"VEIL__POLICY__FILE": "none.toml"}, 1, "none.toml"),
        (["submit", "jobs.jsonl"], {}, 1, SET_ADDRESS),
        (["submit", "none.jsonl"], {}, 2, "none.jsonl"),
        (["submit", "bad.jsonl"], {}, 2, "line 2"),
        (["submit", "jobs.jsonl", "--out", "x"], {}, 2, "--wait"),
        (["results"], {}, 1, "no Kafka broker answers"),
        (["topics", "create"], {}, 1, "no Kafka broker answers"),
        (["topics", "check"], {}, 1, SET_ADDRESS),
        (["dlq", "list"], {}, 1, "no Kafka broker answers"),
        (["dlq", "replay", "--all"], {}, 1, SET_ADDRESS),
        (["dlq", "replay", "--all"], {"VEIL__KEYS__DIR": "none"}, 1, "veil keys init"),
        (["dlq", "replay"], {}, 2, "say which letters"),
        (["dlq", "purge", "--yes"], {}, 2, "say which letters"),
        (["dlq", "list", "--code", "openai_rejectd"], {}, 2, "did you mean openai_rejected, "),
        (["dlq", "purge", "--code", "xyz"], {}, 2, "'malformed_json', "),
        (["audit", "list", "--code", "unknown-key"], {}, 2, "did you mean unknown_key, "),
        (["dlq", "purge", "--all"], {}, 1, "no Kafka broker answers"),
        (["keys", "shred"], {}, 2, "--before"),
        (["audit", "verify"], {}, 1, SET_ADDRESS),
        (["audit", "list", "--since", "yesterday"], {}, 2, "--since"),
        (["disclosures"], {}, 1, "no Kafka broker answers"),
        (["disclosures", "--until", "yesterday"], {}, 2, "--until"),
        (["keys", "init"], {}, 1, "veil keys rotate"),
        (["detect", "--entities", "NOSUCH"], {}, 2, "NOSUCH"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_fault_is_one_clear_line(
    folder: Path, arguments: list[str], environ: dict[str, str], code: int, says: str
) -> None:
    (folder / "jobs.jsonl").write_text(JOB + "\n", encoding="utf-8")
    (folder / "bad.jsonl").write_text(JOB + '\n{"canary": 1}\n', encoding="utf-8")
    done = veil(*arguments, cwd=folder, **environ)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr
    assert done.stdout == ""


def test_what_shredding_would_destroy_is_data_and_all_else_is_not(folder: Path) -> None:
    shutil.rmtree(folder / "keys")
    init_keys(folder / "keys", now=time.time() - 1000)
    init_keys(folder / "keys", now=time.time() - 500, rotate=frozenset({KeyName.JOBS}))
    done = veil("keys", "shred", "--before", "2100-01-01", "--dry-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    (row,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (row["name"], row["files"], row["sealed"]) == ("jobs", 3, None)
    assert "not counted on the topics: no Kafka broker answers" in done.stderr


def test_the_completer_does_not_start_beside_a_private_key(folder: Path) -> None:
    key = next((folder / "keys" / "redactor").glob("vault.*.pub"))
    key.with_name(key.name).replace(folder / "keys" / "completer" / key.name)
    private = next((folder / "keys" / "rehydrator").glob("vault.*.key"))
    private.replace(folder / "keys" / "completer" / private.name)
    done = veil("worker", "--role", "completer", cwd=folder, OPENAI_API_KEY="x")
    assert done.returncode == 1
    assert "must not hold a private key" in done.stderr


def test_detect_gives_sorted_spans_in_input_order(folder: Path) -> None:
    lines = [{"id": "b", "text": "Mail jane@example.org, call +49 30 901820"}, {"id": "a", "text": "nothing"}]
    done = veil("detect", cwd=folder, stdin="\n".join(map(json.dumps, lines)))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["id"] for item in found] == ["b", "a"]
    assert [(span["label"], span["start"], span["end"]) for span in found[0]["spans"]] == [
        ("EMAIL", 5, 21),
        ("PHONE", 28, 41),
    ]
    assert found[1]["spans"] == []


def test_redact_shows_what_would_be_sent_and_what_would_be_refused(folder: Path) -> None:
    good = {"model": "m", "messages": [{"role": "user", "content": "Mail jane@example.org"}]}
    lines = [
        json.dumps({"endpoint": "chat.completions", "request": good}),
        json.dumps({"endpoint": "chat.completions", "request": {**good, "web_search_options": {}}}),
        json.dumps({"id": "t", "text": "Mail jane@example.org"}),
    ]
    done = veil("redact", cwd=folder, stdin="\n".join(lines))
    assert done.returncode == 1
    one, two, three = (json.loads(line) for line in done.stdout.splitlines())
    assert "jane" not in json.dumps([one, three])
    assert one["entities"] == three["entities"] == {"EMAIL": 1}
    assert two["refused"] == "feature_refused"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "demo",
        "worker",
        "submit",
        "results",
        "detect",
        "redact",
        "topics",
        "keys",
        "keys shred",
        "doctor",
        "dlq",
        "dlq replay",
        "dlq purge",
    ],
)
def test_every_command_explains_itself(folder: Path, command: str) -> None:
    done = veil(*command.split(), "--help", cwd=folder)
    assert done.returncode == 0
    assert "Usage: " in done.stdout


def test_the_doctor_names_every_fault_and_fails(folder: Path) -> None:
    done = veil("doctor", cwd=folder)
    assert done.returncode == 1
    checks = {item["name"]: item for item in map(json.loads, done.stdout.splitlines())}
    assert checks["broker"]["verdict"] == "fail"
    assert checks["keys: completer"]["finding"] == "private: none"
    assert "30 days" in checks["kept by OpenAI"]["finding"]
