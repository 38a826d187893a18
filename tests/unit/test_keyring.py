"""The keyring on disk: who holds what, with which modes, and what is refused."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from pipeline.adapters.keyring import epochs, init_keys, load_keyring
from pipeline.keys import AUDIT_KEYS, HOLDINGS, KeyName, KeyUnavailable, Role, UnknownKey
from pipeline.sealing import SealContext, open_sealed, seal

NOW = 1_790_000_000.0


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    init_keys(folder, now=NOW)
    return folder


def test_each_role_loads_what_it_holds(keys: Path) -> None:
    for role, holding in HOLDINGS.items():
        keyring = load_keyring(keys, role)
        assert set(keyring.private) == holding.private
        assert set(keyring.public) == holding.public


def test_a_roles_own_folder_may_be_given_as_the_keyring(keys: Path) -> None:
    assert set(load_keyring(keys / "completer", Role.COMPLETER).public) == HOLDINGS[Role.COMPLETER].public


def test_the_completer_holds_no_private_key(keys: Path) -> None:
    assert not HOLDINGS[Role.COMPLETER].private
    assert not list((keys / "completer").glob("*.key"))
    assert not [path for path in (keys / "completer").iterdir() if b"PRIVATE" in path.read_bytes()]


def test_private_keys_are_for_their_owner_alone(keys: Path) -> None:
    private = list(keys.glob("*/*.key"))
    assert private
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_private_key_that_others_can_read_is_refused(keys: Path) -> None:
    path = next((keys / "redactor").glob("jobs.*.key"))
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        load_keyring(keys, Role.REDACTOR)


@pytest.mark.parametrize(
    "name", ["jobs", "vault", "scope", "attestation", "replay", "results", "redactor-audit", "rehydrator-audit"]
)
def test_the_completer_refuses_any_private_key_in_its_folder(keys: Path, name: str) -> None:
    found = next(keys.glob(f"*/{name}.*.key"))
    shutil.copy2(found, keys / "completer" / found.name)
    with pytest.raises(KeyUnavailable, match="must not hold"):
        load_keyring(keys, Role.COMPLETER)


def test_the_completer_refuses_a_private_key_under_another_name(keys: Path) -> None:
    found = next((keys / "redactor").glob("jobs.*.key"))
    shutil.copy2(found, keys / "completer" / "notes.txt")
    with pytest.raises(KeyUnavailable, match="another name"):
        load_keyring(keys, Role.COMPLETER)


@pytest.mark.parametrize("role", list(Role))
def test_a_missing_key_is_named(keys: Path, role: Role) -> None:
    victim = next((keys / role).iterdir())
    victim.unlink()
    with pytest.raises(KeyUnavailable, match=victim.name.split(".", maxsplit=1)[0]):
        load_keyring(keys, role)


@pytest.mark.parametrize("role", [Role.REDACTOR, Role.REHYDRATOR, Role.OPERATOR])
def test_a_keyring_from_before_the_audit_chains_tells_how_to_add_their_keys(keys: Path, role: Role) -> None:
    for path in keys.glob("*/*-audit.*"):
        path.unlink()
    with pytest.raises(KeyUnavailable, match="`veil keys rotate redactor-audit rehydrator-audit` adds it"):
        load_keyring(keys, role)
    init_keys(keys, now=NOW + 60, rotate=frozenset(AUDIT_KEYS.values()))
    load_keyring(keys, role)


def test_each_role_signs_its_audit_chains_with_a_key_of_its_own(keys: Path) -> None:
    operator = load_keyring(keys, Role.OPERATOR)
    ids = {role: load_keyring(keys, role).signing_key(name)[0] for role, name in AUDIT_KEYS.items()}
    assert len(set(ids.values())) == len(AUDIT_KEYS)
    for role, name in AUDIT_KEYS.items():
        assert operator.verifying_key(name, ids[role])


def test_no_folder_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="veil keys init"):
        load_keyring(tmp_path / "none", Role.CLIENT)


def test_a_damaged_key_is_named_without_its_bytes(keys: Path) -> None:
    path = next((keys / "redactor").glob("jobs.*.key"))
    path.write_text("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n", encoding="utf-8")
    with pytest.raises(KeyUnavailable, match="cannot be read") as caught:
        load_keyring(keys, Role.REDACTOR)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_after_rotation_the_newest_seals_and_the_old_still_opens(keys: Path) -> None:
    old_id, old = load_keyring(keys, Role.CLIENT).sealing_key(KeyName.JOBS)
    context = SealContext(purpose="job", key_id=old_id, tenant="t", job_id="j", schema="job/1")
    sealed = seal(b"x", old, context)
    init_keys(keys, now=NOW + 60, rotate=frozenset({KeyName.JOBS}))
    new_id, _ = load_keyring(keys, Role.CLIENT).sealing_key(KeyName.JOBS)
    assert new_id != old_id
    opener = load_keyring(keys, Role.REDACTOR)
    assert open_sealed(sealed, opener.opening_key(KeyName.JOBS, old_id), context) == b"x"
    assert opener.opening_key(KeyName.JOBS, new_id)


def test_an_unknown_epoch_has_its_own_error(keys: Path) -> None:
    with pytest.raises(UnknownKey):
        load_keyring(keys, Role.REDACTOR).opening_key(KeyName.JOBS, "0" * 16)


def test_listing_names_files_only(keys: Path) -> None:
    held = epochs(keys)
    assert set(held) == set(Role)
    assert all(name.endswith((".key", ".pub")) for names in held.values() for name in names)


def test_keys_are_not_overwritten(keys: Path) -> None:
    before = {path: path.read_bytes() for path in keys.glob("*/*")}
    init_keys(keys, now=NOW)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_cannot_open_a_folder_with_private_keys(keys: Path) -> None:
    for parent in (keys.parent, *keys.parent.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        readable = [role for role in Role if os.access(keys / role, os.R_OK)]
        opens = [role for role in Role if _opens(keys / role)]
        os._exit(0 if readable == opens == [Role.COMPLETER] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _opens(folder: Path) -> bool:
    try:
        list(folder.iterdir())
    except PermissionError:
        return False
    return True
