"""Which broker is taken, and what a person reads when there is none."""

from pathlib import Path

import pytest

from infra.broker import BOOTSTRAP_VARIABLE, BrokerUnavailable, docker_answers, start_broker


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BOOTSTRAP_VARIABLE, raising=False)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_broker_from_the_environment_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BOOTSTRAP_VARIABLE, "127.0.0.1:1")
    with start_broker() as given:
        assert given.bootstrap_servers == "127.0.0.1:1"
        assert given.log_dir is None
        given.stop()
        with pytest.raises(BrokerUnavailable):
            given.kill()


@pytest.mark.usefixtures("nothing_installed")
def test_without_any_the_error_names_the_three_ways() -> None:
    with pytest.raises(BrokerUnavailable) as caught, start_broker():
        pass
    for way in (BOOTSTRAP_VARIABLE, "Docker", "Java 17", "Maven"):
        assert way in str(caught.value)


@pytest.mark.usefixtures("nothing_installed")
def test_a_local_broker_is_never_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BOOTSTRAP_VARIABLE, "127.0.0.1:1")
    with pytest.raises(BrokerUnavailable, match="Java 17"), start_broker(local=True):
        pass


def test_an_engine_that_is_not_there_answers_no_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert not docker_answers()
