"""Policies that follow their file: a good change is taken up, a bad one changes nothing."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from agents.metrics import Metrics
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.live_policies import LivePolicies
from pipeline.policy import Action, MalformedPolicy
from pipeline.text import RawText

HUSH = "hush-hush"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text('preset = "secrets-only"\n', encoding="utf-8")
    return path


@asynccontextmanager
async def live(file: Path | None) -> AsyncIterator[LivePolicies]:
    policies = LivePolicies(file, cached_engine())
    await policies.look()
    yield policies
    policies.close()


def action(policies: LivePolicies, entity: str) -> Action:
    return policies().policies.select("acme", None).action(entity)


def entities(policies: LivePolicies, text: str) -> list[str]:
    loaded = policies()
    detector = loaded.detector_for(loaded.policies.select("acme", None))
    return [finding.entity for finding in detector.detect(RawText(text))]


CASE = 'preset = "secrets-only"\n[[custom]]\nentity = "CASE"\nexact = ["Moonfen"]\n'


async def test_a_changed_policy_is_taken_up_with_its_detector(file: Path) -> None:
    async with live(file) as policies:
        before = policies()
        assert entities(policies, "the Moonfen case") == []
        file.write_text(CASE, encoding="utf-8")
        await policies.look()
        assert entities(policies, "the Moonfen case") == ["CASE"]
        assert before.policies.select("acme", None).version != policies().policies.select("acme", None).version
        assert policies.outcomes == {"loaded": 1}


async def test_a_bad_file_keeps_the_old_policy_and_says_so(file: Path) -> None:
    metrics = Metrics()
    async with live(file) as policies:
        metrics.watch_policies(policies)
        before = policies()
        file.write_text(f'[entities]\nEMAIL = "{HUSH}"\n', encoding="utf-8")
        with capture_logs() as logged:
            await policies.look()
            await policies.look()
        assert policies() is before
        shown = generate_latest(metrics.registry).decode()
        assert "veil_policy_current 0.0" in shown
        assert 'veil_policy_reloads_total{outcome="refused"} 1.0' in shown
        assert [(line["event"], line["log_level"]) for line in logged] == [("policy.unreadable", "error")]
        assert logged[0]["detail"].startswith("policy.toml:2: [entities.EMAIL]: action must be one of")
        assert HUSH not in json.dumps(logged)
        file.write_text('[entities]\nEMAIL = "block"\n', encoding="utf-8")
        await policies.look()
        assert action(policies, "EMAIL") is Action.BLOCK
        assert "veil_policy_current 1.0" in generate_latest(metrics.registry).decode()


@pytest.mark.parametrize("bad", ["remove", "recognize"])
async def test_what_is_put_back_is_current_again(file: Path, bad: str) -> None:
    good = file.read_text(encoding="utf-8")
    async with live(file) as policies:
        before = policies()
        if bad == "remove":
            file.unlink()
        else:
            file.write_text('[entities]\nCUSTOM = "redact"\n', encoding="utf-8")
        await policies.look()
        assert policies.outcomes == {"refused": 1}
        file.write_text(good, encoding="utf-8")
        await policies.look()
        assert policies.current
        assert policies() is before


async def test_a_touched_file_is_not_loaded_again(file: Path) -> None:
    async with live(file) as policies:
        before = policies()
        os.utime(file, (1, 1))
        await policies.look()
        assert policies() is before
        assert policies.current


async def test_a_list_beside_the_policy_is_followed_too(file: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Moonfen\n", encoding="utf-8")
    async with live(file) as policies:
        file.write_text(CASE.replace('exact = ["Moonfen"]', 'exact_file = "names.txt"'), encoding="utf-8")
        await policies.look()
        assert entities(policies, "Moonfen and Glasswing") == ["CASE"]
        names.write_text("Moonfen\nGlasswing\n", encoding="utf-8")
        await policies.look()
        assert entities(policies, "Moonfen and Glasswing") == ["CASE", "CASE"]


async def test_detectors_are_built_beside_the_event_loop(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with live(file) as policies:
        threads: list[threading.Thread] = []
        load = policies._load

        def loading(seen: dict[Path, bytes]) -> object:
            threads.append(threading.current_thread())
            return load(seen)

        monkeypatch.setattr(policies, "_load", loading)
        file.write_text(CASE, encoding="utf-8")
        await policies.look()
        assert threads
        assert threading.main_thread() not in threads


async def test_following_takes_up_a_change_by_itself(file: Path) -> None:
    async with live(file) as policies:
        following = asyncio.create_task(policies.follow())
        file.write_text(CASE, encoding="utf-8")
        async with asyncio.timeout(20):
            while policies.outcomes["loaded"] == 0:
                await asyncio.sleep(0.05)
        following.cancel()
        assert entities(policies, "the Moonfen case") == ["CASE"]


async def test_the_built_in_policy_needs_no_following() -> None:
    async with live(None) as policies:
        await policies.follow()
        assert policies.current


def test_a_file_that_does_not_load_stops_the_start(file: Path) -> None:
    file.write_text("scope = 1", encoding="utf-8")
    with pytest.raises(MalformedPolicy):
        LivePolicies(file, cached_engine())
