import os
from pathlib import Path

import pytest

from pipeline.adapters.database_cache import DatabaseFolder, cached_engine
from pipeline.detection import build_detector
from pipeline.detection.hyperscan_engine import HyperscanEngine
from pipeline.text import RawText

TEXT = RawText("mail jane.roe@example.org from 192.0.2.1")


class Counting:
    """Remembers in memory, and counts."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.loaded = 0

    def load(self, key: str) -> bytes | None:
        self.loaded += key in self.kept
        return self.kept.get(key)

    def store(self, key: str, database: bytes) -> None:
        self.kept[key] = database


def test_a_second_detector_is_loaded_instead_of_compiled() -> None:
    cache = Counting()
    first = build_detector({"EMAIL", "IPV4"}, engine=HyperscanEngine(cache))
    made = len(cache.kept)
    second = build_detector({"EMAIL", "IPV4"}, engine=HyperscanEngine(cache))
    assert (cache.loaded, len(cache.kept)) == (made, made)
    assert second.detect(TEXT) == first.detect(TEXT) == build_detector({"EMAIL", "IPV4"}).detect(TEXT)


def test_other_rules_are_kept_under_another_key() -> None:
    cache = Counting()
    build_detector({"EMAIL"}, engine=HyperscanEngine(cache))
    made = len(cache.kept)
    build_detector({"IPV4"}, engine=HyperscanEngine(cache))
    assert len(cache.kept) == made + 1


@pytest.mark.parametrize("junk", [b"", b"junk", b"\xdb" * 5000], ids=["empty", "short", "long"])
def test_what_is_no_database_is_compiled_anew_and_replaced(junk: bytes) -> None:
    cache = Counting()
    build_detector({"EMAIL"}, engine=HyperscanEngine(cache))
    good = dict(cache.kept)
    cache.kept = dict.fromkeys(good, junk)
    detector = build_detector({"EMAIL"}, engine=HyperscanEngine(cache))
    assert [finding.entity for finding in detector.detect(TEXT)] == ["EMAIL"]
    assert cache.kept == good


def test_a_folder_gives_back_what_was_stored_to_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "veilstream"
    cache = DatabaseFolder(folder)
    assert cache.load("key") is None
    cache.store("key", b"database")
    assert cache.load("key") == b"database"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    DatabaseFolder(tmp_path / "c").store("key", b"database" * 100)
    return tmp_path / "c" / "key.hsdb"


def test_a_damaged_file_is_not_given(stored: Path) -> None:
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    assert DatabaseFolder(stored.parent).load("key") is None


def test_a_file_cut_off_is_not_given(stored: Path) -> None:
    os.truncate(stored, 20)
    assert DatabaseFolder(stored.parent).load("key") is None


def test_a_file_under_another_key_is_not_given(stored: Path) -> None:
    stored.rename(stored.with_name("other.hsdb"))
    assert DatabaseFolder(stored.parent).load("other") is None


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602])
def test_a_file_open_to_others_is_not_given(stored: Path, mode: int) -> None:
    stored.chmod(mode)
    assert DatabaseFolder(stored.parent).load("key") is None


def test_a_folder_open_to_others_is_neither_read_nor_written(stored: Path) -> None:
    stored.parent.chmod(0o770)
    cache = DatabaseFolder(stored.parent)
    cache.store("second", b"x")
    assert (cache.load("key"), cache.load("second")) == (None, None)
    assert [path.name for path in stored.parent.iterdir()] == ["key.hsdb"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_or_folder_is_not_given(stored: Path) -> None:
    os.chown(stored, 12345, 12345)
    assert DatabaseFolder(stored.parent).load("key") is None
    os.chown(stored, 0, 0)
    assert DatabaseFolder(stored.parent).load("key") is not None
    os.chown(stored.parent, 12345, 12345)
    assert DatabaseFolder(stored.parent).load("key") is None


def test_links_are_not_followed(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(stored.parent)
    assert DatabaseFolder(tmp_path / "linked").load("key") is None
    moved = stored.rename(tmp_path / "elsewhere")
    stored.symlink_to(moved)
    assert DatabaseFolder(stored.parent).load("key") is None


def test_a_place_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    engine = HyperscanEngine(DatabaseFolder(tmp_path / "file" / "c"))
    assert build_detector({"EMAIL"}, engine=engine).detect(TEXT)


def test_old_databases_are_forgotten(tmp_path: Path) -> None:
    cache = DatabaseFolder(tmp_path / "c")
    for number in range(40):
        cache.store(f"key{number}", b"x")
        os.utime(tmp_path / "c" / f"key{number}.hsdb", (number, number))
    left = {path.name for path in (tmp_path / "c").iterdir()}
    assert len(left) == 32
    assert "key39.hsdb" in left
    assert "key0.hsdb" not in left


def test_the_users_cache_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cached_engine.cache_clear()
    build_detector({"EMAIL"}, engine=cached_engine())
    cached_engine.cache_clear()
    assert list((tmp_path / "veilstream").glob("*.hsdb"))
