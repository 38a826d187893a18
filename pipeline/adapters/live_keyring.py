"""A role's keyring as its folder is now: rotated and destroyed keys need no restart.

The folder is listed once a second while the keys are in use, and once more when a key id is
not known; it is read again only when a file has come, gone or changed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pipeline.adapters.keyring import load_keyring, role_dir
from pipeline.keys import KeyName, Keyring, KeyUnavailable, Role, UnknownKey
from pipeline.settings import KeysSettings

log = structlog.get_logger()

T = TypeVar("T")

_LOOK_EVERY = 1.0
"""Seconds between two looks at the folder: 0.3 ms each, for 12 files."""

_LOOK_AGAIN_AFTER = 0.05
"""Seconds: whoever floods a topic with unknown key ids must not make us list files only."""

_Listing = frozenset[tuple[str, int, int]]


class LiveKeyring:
    """`pipeline.keys.Keys` over a folder that may change while the process runs.

    A folder that cannot be read any more, or is only half written, changes nothing: the
    keys read last stay in use, and the log says so.

    Args:
        settings: The folder, and after how long a new key is active.
        role: Whose keys.
        clock: Unix seconds.

    Raises:
        KeyUnavailable: as `load_keyring`, at the start.
    """

    def __init__(self, settings: KeysSettings, role: Role, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._role = role
        self._clock = clock
        self._looked = clock()
        self._listing = _list(role_dir(settings.dir, role))
        self._keyring = load_keyring(settings.dir, role)

    def sealing_key(self, name: KeyName) -> tuple[str, X25519PublicKey]:
        """The active public key of a purpose and its id."""
        return self._now().sealing_key(name, self._made_by())

    def receiving_key(self, name: KeyName) -> X25519PrivateKey:
        """The private half that others are to seal to now."""
        return self._now().receiving_key(name, self._made_by())

    def opening_key(self, name: KeyName, key_id: str) -> X25519PrivateKey:
        """The private key of one epoch."""
        return self._look_again(lambda keyring: keyring.opening_key(name, key_id))

    def signing_key(self, name: KeyName) -> tuple[str, Ed25519PrivateKey]:
        """The active private key of a purpose that signs, and its id."""
        return self._now().signing_key(name, self._made_by())

    def verifying_key(self, name: KeyName, key_id: str) -> Ed25519PublicKey:
        """The public key of one epoch of a purpose that signs."""
        return self._look_again(lambda keyring: keyring.verifying_key(name, key_id))

    def scope_epoch(self) -> tuple[str, bytes]:
        """The active secret that placeholders and record keys are derived with, and its id."""
        return self._now().scope_epoch(self._made_by())

    @property
    def destroyed(self) -> Mapping[str, str]:
        """Ids of the keys that were destroyed, and the day."""
        return self._now().destroyed

    def _made_by(self) -> float:
        return self._clock() - self._settings.activation_delay

    def _now(self) -> Keyring:
        self._look(_LOOK_EVERY)
        return self._keyring

    def _look_again(self, find: Callable[[Keyring], T]) -> T:
        try:
            return find(self._now())
        except UnknownKey:
            self._look(_LOOK_AGAIN_AFTER)
            return find(self._keyring)

    def _look(self, after: float) -> None:
        now = self._clock()
        # A clock that was set back must not stop us from looking.
        if 0 <= now - self._looked < after:
            return
        self._looked = now
        listing = _list(role_dir(self._settings.dir, self._role))
        if listing == self._listing:
            return
        self._listing = listing
        try:
            self._keyring = load_keyring(self._settings.dir, self._role)
        except KeyUnavailable as error:
            log.error("keyring.unreadable", role=self._role.value, detail=error.detail)
        except OSError as exc:
            # A file went while it was read: the listing has changed, so the next look reads again.
            log.error("keyring.unreadable", role=self._role.value, exc_info=exc)
        else:
            log.info("keyring.reloaded", role=self._role.value)


def _list(folder: Path) -> _Listing:
    """Each file's name, time of change and size; a change of its mode counts as well."""
    try:
        found = [(path.name, path.stat()) for path in folder.iterdir()]
    except OSError:
        return frozenset()
    return frozenset((name, stat.st_ctime_ns, stat.st_size) for name, stat in found)
