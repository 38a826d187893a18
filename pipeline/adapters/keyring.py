"""The keyring on disk: one folder a role, one file a key.

    keys/<role>/<name>.<made>.<key id>.key     private half, 0600, in a folder of 0700
    keys/<role>/<name>.<made>.<key id>.pub     public half

X25519 and Ed25519 keys are PEM (PKCS #8, SubjectPublicKeyInfo: RFC 5958, RFC 5280);
the scope secret is one line of hex. `made` is UTC, so that file names sort by epoch.
"""

import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

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


def role_dir(keys_dir: Path, role: Role) -> Path:
    """A role's own folder: `keys_dir/<role>` where that exists, else `keys_dir` itself."""
    own = keys_dir / role
    return own if own.is_dir() else keys_dir


def load_keyring(keys_dir: Path, role: Role) -> Keyring:
    """Read one role's keys and check them against what the role may hold.

    Raises:
        KeyUnavailable: no folder, an unreadable file, a private key that others can
            read, a key missing, or a private key that is not this role's.
    """
    folder = role_dir(keys_dir, role)
    if not folder.is_dir():
        raise KeyUnavailable(f"no keys folder at {folder}: make one with `veil keys init --dir {keys_dir}`")
    private: dict[KeyName, list[PrivateEpoch]] = {}
    public: dict[KeyName, list[PublicEpoch]] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        if path.suffix not in {".key", ".pub"}:
            _refuse_hidden_key(path)
            continue
        name, key_id = _parse_name(path)
        if path.suffix == ".key":
            if path.stat().st_mode & 0o077:
                raise KeyUnavailable(f"{path} can be read by others: chmod 600 it")
            private.setdefault(name, []).append(PrivateEpoch(key_id, _read_private(path)))
        else:
            public.setdefault(name, []).append(PublicEpoch(key_id, _read_public(path)))
    keyring = Keyring(private=private, public=public)
    keyring.require(role)
    return keyring


def init_keys(keys_dir: Path, *, now: float, rotate: frozenset[KeyName] | None = None) -> list[Path]:
    """Make a key of every purpose (or of `rotate` alone) and hand its halves to the roles.

    Returns the files made. Older epochs stay: they still open what was sealed before.
    """
    made: list[Path] = []
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    _make_folder(keys_dir, 0o755)
    for role, holding in HOLDINGS.items():
        _make_folder(keys_dir / role, 0o700 if holding.private else 0o755)
    for name in KeyName:
        if rotate is not None and name not in rotate:
            continue
        key_id, private, public = _generate(name)
        for role, holding in HOLDINGS.items():
            stem = f"{name}.{stamp}.{key_id}"
            if name in holding.private:
                made.append(_write(keys_dir / role / f"{stem}.key", private, 0o600))
            if name in holding.public and public is not None:
                made.append(_write(keys_dir / role / f"{stem}.pub", public, 0o644))
    return made


def epochs(keys_dir: Path) -> Mapping[str, list[str]]:
    """Which files each role holds, for `veil keys list` and `veil doctor`."""
    return {
        role: sorted(path.name for path in (keys_dir / role).iterdir())
        for role in Role
        if (keys_dir / role).is_dir() and os.access(keys_dir / role, os.R_OK | os.X_OK)
    }


def _generate(name: KeyName) -> tuple[str, bytes, bytes | None]:
    if name is KeyName.SCOPE:
        secret = secrets.token_bytes(32)
        return fingerprint(b"scope" + secret), secret.hex().encode() + b"\n", None
    key = Ed25519PrivateKey.generate() if name in SIGNING_KEYS else X25519PrivateKey.generate()
    public = key.public_key()
    return (
        fingerprint(public.public_bytes(Encoding.Raw, PublicFormat.Raw)),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def _make_folder(path: Path, mode: int) -> None:
    """Whatever the umask: the completer runs as another user and must reach its own folder."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(mode)


def _write(path: Path, content: bytes, mode: int) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.fchmod(descriptor, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path


def _parse_name(path: Path) -> tuple[KeyName, str]:
    parts = path.name.split(".")
    if len(parts) != 4 or parts[0] not in set(KeyName):
        raise KeyUnavailable(f"{path} is not named NAME.MADE.KEYID.key or .pub")
    return KeyName(parts[0]), parts[2]


def _refuse_hidden_key(path: Path) -> None:
    """A private key under another name is still a private key."""
    if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
        raise KeyUnavailable(f"{path} holds a private key under another name; move it out of the keys folder")


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
