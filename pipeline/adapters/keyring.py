"""The keyring on disk: one folder a role, one file a key.

    keys/<role>/<name>.<made>.<key id>.key     private half, 0600, in a folder of 0700
    keys/<role>/<name>.<made>.<key id>.pub     public half
    keys/<role>/<name>.<made>.<key id>.shredded   tombstone: the day on which the key was destroyed

X25519 and Ed25519 keys are PEM (PKCS #8, SubjectPublicKeyInfo: RFC 5958, RFC 5280);
the scope secret is one line of hex. `made` is UTC, so that file names sort by epoch.
A key id is the key's own fingerprint; a file whose content has another is refused.
"""

import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipeline.keys import (
    HOLDINGS,
    SIGNING_KEYS,
    KeyName,
    Keyring,
    KeyUnavailable,
    PrivateEpoch,
    PrivateKey,
    PublicEpoch,
    PublicKey,
    Role,
)
from pipeline.sealing import fingerprint

TOMBSTONE = ".shredded"
_STAMP = "%Y%m%dT%H%M%SZ"
_MADE_AND_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z\.[0-9a-f]{16}")


class FileName(NamedTuple):
    """What a key file's name says; `made` in Unix seconds."""

    name: KeyName
    made: float
    key_id: str


def role_dir(keys_dir: Path, role: Role) -> Path:
    """A role's own folder: `keys_dir/<role>` where that exists, else `keys_dir` itself."""
    own = keys_dir / role
    return own if own.is_dir() else keys_dir


def load_keyring(keys_dir: Path, role: Role) -> Keyring:
    """Read one role's keys and check them against what the role may hold.

    Raises:
        KeyUnavailable: no folder, an unreadable file, a private key that others can
            read, a key missing, a private key that is not this role's, or a file that
            holds another key than its name says.
    """
    folder = role_dir(keys_dir, role)
    if not folder.is_dir():
        raise KeyUnavailable(f"no keys folder at {folder}: make one with `veil keys init --dir {keys_dir}`")
    private: dict[KeyName, list[PrivateEpoch]] = {}
    public: dict[KeyName, list[PublicEpoch]] = {}
    paths = sorted(folder.iterdir(), reverse=True)
    destroyed = {parse_name(path).key_id: _read_tombstone(path) for path in paths if path.suffix == TOMBSTONE}
    for path in paths:
        if path.suffix not in {".key", ".pub"}:
            _refuse_hidden_key(path)
            continue
        name, made, key_id = parse_name(path)
        if path.suffix == ".key" and path.stat().st_mode & 0o077:
            raise KeyUnavailable(f"{path} can be read by others: chmod 600 it")
        if key_id in destroyed:
            # Destroying it was cut off half way, or somebody brought it back from a backup: it stays destroyed.
            continue
        if path.suffix == ".key":
            secret = _read_private(path)
            _check_id(path, key_id, secret)
            private.setdefault(name, []).append(PrivateEpoch(key_id, secret, made))
        else:
            key = _read_public(path)
            _check_id(path, key_id, key)
            public.setdefault(name, []).append(PublicEpoch(key_id, key, made))
    keyring = Keyring(private=private, public=public, destroyed=destroyed)
    keyring.require(role)
    return keyring


def init_keys(keys_dir: Path, *, now: float, rotate: frozenset[KeyName] | None = None) -> list[Path]:
    """Make a key of every purpose (or of `rotate` alone) and hand its halves to the roles.

    Returns the files made. Older epochs stay: they still open what was sealed before.
    """
    made: list[Path] = []
    _make_folder(keys_dir, 0o755)
    for role, holding in HOLDINGS.items():
        _make_folder(keys_dir / role, 0o700 if holding.private else 0o755)
    for name in KeyName:
        if rotate is None or name in rotate:
            made += add_epoch(keys_dir, name, _generate(name), now=now)
    return made


def add_epoch(keys_dir: Path, name: KeyName, key: PrivateKey, *, now: float) -> list[Path]:
    """Hand a new key's halves to the roles that hold them; returns the files made.

    Raises:
        KeyUnavailable: a key of this id is or was here; ids are never used again.
    """
    key_id = key_id_of(key)
    if any(keys_dir.glob(f"*/*.{key_id}.*")):
        raise KeyUnavailable(f"a key with the id {key_id} is or was in {keys_dir}; key ids are never used again")
    stem = f"{name}.{datetime.fromtimestamp(now, UTC).strftime(_STAMP)}.{key_id}"
    made: list[Path] = []
    # Openers first: whoever sees the public half already must find somebody who can open.
    for role, holding in HOLDINGS.items():
        if name in holding.private:
            made.append(_write_key(keys_dir / role / f"{stem}.key", _private_file(key), 0o600))
    for role, holding in HOLDINGS.items():
        if name in holding.public and not isinstance(key, bytes):
            made.append(_write_key(keys_dir / role / f"{stem}.pub", _public_file(key), 0o644))
    return made


def epochs(keys_dir: Path) -> Mapping[str, list[str]]:
    """Which files each role holds, for `veil keys list`."""
    return {
        role: sorted(path.name for path in (keys_dir / role).iterdir())
        for role in Role
        if (keys_dir / role).is_dir() and os.access(keys_dir / role, os.R_OK | os.X_OK)
    }


def key_id_of(key: PrivateKey | PublicKey) -> str:
    """The fingerprint of the public half, or of the secret where there is none."""
    if isinstance(key, bytes):
        return fingerprint(b"scope" + key)
    public = key.public_key() if isinstance(key, X25519PrivateKey | Ed25519PrivateKey) else key
    return fingerprint(public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _generate(name: KeyName) -> PrivateKey:
    if name is KeyName.SCOPE:
        return secrets.token_bytes(32)
    return Ed25519PrivateKey.generate() if name in SIGNING_KEYS else X25519PrivateKey.generate()


def _private_file(key: PrivateKey) -> bytes:
    if isinstance(key, bytes):
        return key.hex().encode() + b"\n"
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_file(key: X25519PrivateKey | Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def parse_name(path: Path) -> FileName:
    """Take a key file's name apart.

    Raises:
        KeyUnavailable: it is not one.
    """
    parts = path.name.split(".")
    try:
        if len(parts) != 4 or parts[0] not in set(KeyName) or not _MADE_AND_ID.fullmatch(".".join(parts[1:3])):
            raise ValueError
        made = datetime.fromisoformat(parts[1]).timestamp()
    except ValueError:
        raise KeyUnavailable(f"{path} is not named NAME.MADE.KEYID.key, .pub or {TOMBSTONE}") from None
    return FileName(KeyName(parts[0]), made, parts[2])


def _make_folder(path: Path, mode: int) -> None:
    """Whatever the umask: the completer runs as another user and must reach its own folder."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(mode)


def _write_key(path: Path, content: bytes, mode: int) -> Path:
    """Not in the role's own folder until it is whole: half a private key there would be refused."""
    write_whole(path, content, mode, unfinished=path.parent.parent / f".{path.parent.name}.{path.name}")
    return path


def write_whole(path: Path, content: bytes, mode: int, *, unfinished: Path) -> None:
    """Write a file whole or not at all: a worker may look at its folder, and we may be killed, at any moment.

    Args:
        path: What is to be there afterwards, even if the machine loses power.
        content: All of it.
        mode: Whatever the umask.
        unfinished: Where it is written first, on the same file system; what a killed run left there goes.
    """
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.fchmod(descriptor, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk hold which files the folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_hidden_key(path: Path) -> None:
    """A private key under another name is still a private key."""
    if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
        raise KeyUnavailable(f"{path} holds a private key under another name; move it out of the keys folder")


def _check_id(path: Path, key_id: str, key: PrivateKey | PublicKey) -> None:
    if key_id_of(key) != key_id:
        raise KeyUnavailable(f"{path} holds another key than its name says; restore the right one or move it away")


def _read_tombstone(path: Path) -> str:
    try:
        return date.fromisoformat(path.read_text(encoding="utf-8").strip()).isoformat()
    except (OSError, ValueError) as exc:
        raise KeyUnavailable(f"{path} cannot be read as a tombstone ({type(exc).__name__})") from None


def _read_private(path: Path) -> PrivateKey:
    try:
        content = path.read_bytes()
        if path.name.startswith(f"{KeyName.SCOPE}."):
            return bytes.fromhex(content.decode().strip())
        key = load_pem_private_key(content, password=None)
    except (OSError, ValueError) as exc:
        raise KeyUnavailable(f"{path} cannot be read as a private key ({type(exc).__name__})") from None
    if not isinstance(key, X25519PrivateKey | Ed25519PrivateKey):
        raise KeyUnavailable(f"{path} is neither X25519 nor Ed25519")
    return key


def _read_public(path: Path) -> PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise KeyUnavailable(f"{path} cannot be read as a public key ({type(exc).__name__})") from None
    if not isinstance(key, X25519PublicKey | Ed25519PublicKey):
        raise KeyUnavailable(f"{path} is neither X25519 nor Ed25519")
    return key
