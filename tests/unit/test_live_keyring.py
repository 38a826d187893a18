"""A keyring that follows its folder: new keys are known at once, used later, and gone when destroyed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.adapters.keyring import add_epoch, init_keys, load_keyring, parse_name
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.shredding import retired_epochs, shred
from pipeline.keys import HOLDINGS, KeyDestroyed, KeyName, KeyUnavailable, Role, UnknownKey
from pipeline.settings import KeysSettings

NOW = 1_790_000_000.0
DELAY = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW + 500

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    init_keys(folder, now=NOW)
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ring(keys: Path, role: Role, clock: Clock) -> LiveKeyring:
    return LiveKeyring(KeysSettings(dir=keys, activation_delay=DELAY), role, clock)


def rotate(keys: Path, at: float, *names: KeyName) -> None:
    init_keys(keys, now=at, rotate=frozenset(names or KeyName))


def test_the_first_key_is_used_at_once(keys: Path, clock: Clock) -> None:
    assert ring(keys, Role.CLIENT, clock).sealing_key(KeyName.JOBS)


def test_a_new_key_opens_before_it_seals(keys: Path, clock: Clock) -> None:
    sealer, opener = ring(keys, Role.CLIENT, clock), ring(keys, Role.REDACTOR, clock)
    old_id, _ = sealer.sealing_key(KeyName.JOBS)
    rotate(keys, clock.now, KeyName.JOBS)
    (new_id,) = {parse_name(path).key_id for path in keys.glob("*/jobs.*")} - {old_id}
    clock.now += DELAY - 1
    assert sealer.sealing_key(KeyName.JOBS)[0] == old_id
    assert opener.opening_key(KeyName.JOBS, new_id)
    clock.now += 1
    assert sealer.sealing_key(KeyName.JOBS)[0] == new_id
    assert opener.opening_key(KeyName.JOBS, old_id)


@pytest.mark.parametrize("name", [KeyName.ATTESTATION, KeyName.REDACTOR_AUDIT, KeyName.SCOPE])
def test_a_new_secret_of_the_redactor_is_used_after_the_delay(keys: Path, clock: Clock, name: KeyName) -> None:
    redactor = ring(keys, Role.REDACTOR, clock)

    def used() -> str:
        return (redactor.scope_epoch() if name is KeyName.SCOPE else redactor.signing_key(name))[0]

    first = used()
    rotate(keys, clock.now)
    clock.now += DELAY - 1
    assert used() == first
    clock.now += 1
    assert used() != first


def test_of_keys_that_are_all_too_new_the_oldest_is_used(keys: Path, clock: Clock) -> None:
    first, _ = ring(keys, Role.CLIENT, clock).sealing_key(KeyName.JOBS)
    rotate(keys, NOW + 1)
    rotate(keys, NOW + 2)
    clock.now = NOW + 3
    assert ring(keys, Role.CLIENT, clock).sealing_key(KeyName.JOBS)[0] == first


def test_an_unknown_key_is_looked_for_once_more(keys: Path, clock: Clock) -> None:
    redactor = ring(keys, Role.REDACTOR, clock)
    old = {parse_name(path).key_id for path in keys.glob("redactor/jobs.*.key")}
    rotate(keys, clock.now, KeyName.JOBS)
    (new_id,) = {parse_name(path).key_id for path in keys.glob("redactor/jobs.*.key")} - old
    clock.now += 0.1
    assert redactor.opening_key(KeyName.JOBS, new_id), "too early for a look of its own accord: the miss made it look"
    with pytest.raises(UnknownKey):
        redactor.opening_key(KeyName.JOBS, "0" * 16)


def test_a_folder_that_no_longer_loads_changes_nothing(keys: Path, clock: Clock) -> None:
    redactor = ring(keys, Role.REDACTOR, clock)
    key_id, _ = redactor.sealing_key(KeyName.VAULT)
    for path in keys.glob("redactor/vault.*"):
        path.unlink()
    clock.now += 5
    assert redactor.sealing_key(KeyName.VAULT)[0] == key_id


def test_a_clock_that_is_set_back_does_not_stop_the_looking(keys: Path, clock: Clock) -> None:
    clock.now = NOW + 1000
    sealer = ring(keys, Role.CLIENT, clock)
    old_id, _ = sealer.sealing_key(KeyName.JOBS)
    rotate(keys, NOW + 10, KeyName.JOBS)
    clock.now = NOW + 100
    assert sealer.sealing_key(KeyName.JOBS)[0] != old_id


def test_a_file_that_holds_another_key_than_its_name_says_is_refused(keys: Path) -> None:
    rotate(keys, NOW + 10, KeyName.JOBS)
    one, other = sorted(keys.glob("redactor/jobs.*.key"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(KeyUnavailable, match="another key than its name says"):
        load_keyring(keys, Role.REDACTOR)


@pytest.mark.parametrize("name", ["jobs.20260101T000000Z.abc.key", "jobs.today.0123456789abcdef.key"])
def test_a_key_file_with_a_name_that_is_none_is_refused(keys: Path, name: str) -> None:
    next(keys.glob("redactor/jobs.*.key")).rename(keys / "redactor" / name)
    with pytest.raises(KeyUnavailable, match="is not named"):
        load_keyring(keys, Role.REDACTOR)


# destroying


def destroy(keys: Path, *names: KeyName, before: float, now: float) -> list[str]:
    found = retired_epochs(keys, frozenset(names or KeyName), before=before, now=now, activation_delay=DELAY)
    for epoch in found:
        shred(epoch, now=now)
    return [epoch.key_id for epoch in found]


def test_a_destroyed_key_says_so_everywhere_and_the_one_in_use_stays(keys: Path, clock: Clock) -> None:
    live = {role: ring(keys, role, clock) for role in HOLDINGS}
    old_id, _ = live[Role.CLIENT].sealing_key(KeyName.JOBS)
    rotate(keys, NOW + 10)
    clock.now = NOW + 1000
    gone = destroy(keys, before=clock.now, now=clock.now)
    assert old_id in gone
    assert len(gone) == len(KeyName)
    assert not [path for key_id in gone for path in keys.glob(f"*/*.{key_id}.*") if path.suffix != ".shredded"]
    with pytest.raises(KeyDestroyed, match="2026-09"):
        live[Role.REDACTOR].opening_key(KeyName.JOBS, old_id)
    for role in HOLDINGS:
        load_keyring(keys, role)
    assert live[Role.CLIENT].sealing_key(KeyName.JOBS)[0] not in gone


def test_a_key_in_use_or_retired_later_is_not_destroyed(keys: Path) -> None:
    assert destroy(keys, before=NOW + 1e6, now=NOW + 1e6) == []
    rotate(keys, NOW + 100)
    assert destroy(keys, before=NOW + 1e6, now=NOW + 100 + DELAY - 1) == [], "the new one is not in use yet"
    assert destroy(keys, before=NOW + 100 + DELAY, now=NOW + 1e6) == [], "retired at that time, not before it"
    assert len(destroy(keys, before=NOW + 101 + DELAY, now=NOW + 1e6)) == len(KeyName)


def test_only_the_named_purposes_are_destroyed(keys: Path) -> None:
    rotate(keys, NOW + 10)
    assert len(destroy(keys, KeyName.VAULT, before=NOW + 1000, now=NOW + 1000)) == 1
    assert {path.name.split(".")[0] for path in keys.glob("*/*.shredded")} == {"vault"}


def test_a_role_that_has_not_got_the_newer_key_keeps_its_older_one(keys: Path) -> None:
    before = {path.name for path in keys.glob("redactor/jobs.*")}
    rotate(keys, NOW + 10, KeyName.JOBS)
    for path in keys.glob("redactor/jobs.*"):
        if path.name not in before:
            path.unlink()
    assert destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 1000) == []


def test_destroying_overwrites_before_it_unlinks(keys: Path, tmp_path: Path) -> None:
    path = next(keys.glob("redactor/jobs.*.key"))
    secret = path.read_bytes()
    os.link(path, tmp_path / "same-file")
    rotate(keys, NOW + 10, KeyName.JOBS)
    destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 1000)
    left = (tmp_path / "same-file").read_bytes()
    assert len(left) == len(secret)
    assert secret[30:60] not in left


def test_a_key_brought_back_beside_its_tombstone_stays_destroyed_and_is_removed_by_the_next_run(keys: Path) -> None:
    path = next(keys.glob("redactor/jobs.*.key"))
    secret = path.read_bytes()
    rotate(keys, NOW + 10, KeyName.JOBS)
    (key_id,) = destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 1000)
    path.touch(mode=0o600)
    path.write_bytes(secret)
    with pytest.raises(KeyDestroyed):
        load_keyring(keys, Role.REDACTOR).opening_key(KeyName.JOBS, key_id)
    assert destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 2000) == [key_id]
    assert not path.exists()


def test_a_run_that_is_killed_while_it_writes_a_tombstone_stops_no_role_and_is_finished_by_the_next(
    keys: Path,
) -> None:
    rotate(keys, NOW + 10, KeyName.JOBS)
    (epoch,) = retired_epochs(keys, {KeyName.JOBS}, before=NOW + 1000, now=NOW + 1000, activation_delay=DELAY)
    # A file may grow to four bytes; the fifth kills the process.
    program = f"""
import resource, signal
from pathlib import Path
from pipeline.adapters.shredding import retired_epochs, shred
from pipeline.keys import KeyName
now = {NOW + 1000}
found = retired_epochs(Path({str(keys)!r}), {{KeyName.JOBS}}, before=now, now=now, activation_delay=60)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
shred(found[0], now=now)
"""
    killed = subprocess.run([sys.executable, "-B", "-c", program], check=False, env={"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -signal.SIGXFSZ
    assert [path for path in keys.glob("*/*") if path.stat().st_size == 4], "the tombstone was not half written"
    for role in HOLDINGS:
        load_keyring(keys, role)
    assert destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 1000) == [epoch.key_id]
    with pytest.raises(KeyDestroyed):
        load_keyring(keys, Role.REDACTOR).opening_key(KeyName.JOBS, epoch.key_id)
    assert list(keys.glob("*/.*")) == []


def test_an_id_is_never_used_again(keys: Path) -> None:
    old = load_keyring(keys, Role.REDACTOR).private[KeyName.JOBS][0].key
    with pytest.raises(KeyUnavailable, match="never used again"):
        add_epoch(keys, KeyName.JOBS, old, now=NOW + 5)
    rotate(keys, NOW + 10, KeyName.JOBS)
    destroy(keys, KeyName.JOBS, before=NOW + 1000, now=NOW + 1000)
    with pytest.raises(KeyUnavailable, match="never used again"):
        add_epoch(keys, KeyName.JOBS, old, now=NOW + 2000)
