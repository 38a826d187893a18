"""Which key each role holds, and the keyring a stage is handed.

A keyring holds epochs: the newest active public key of a purpose seals, any private
key still held opens. A new epoch is distributed first and activated later: it seals
and signs only `activation_delay` after it was made, when every opener has it.
Destroying an epoch's private key makes all that was sealed under it unreadable.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pipeline.errors import VeilError
from schemas.codes import ErrorCode


class KeyName(StrEnum):
    """What a key is for."""

    JOBS = "jobs"
    VAULT = "vault"
    REPLAY = "replay"
    ATTESTATION = "attestation"
    SCOPE = "scope"
    RESULTS = "results"
    REDACTOR_AUDIT = "redactor-audit"
    REHYDRATOR_AUDIT = "rehydrator-audit"


class Role(StrEnum):
    """Who holds a keyring."""

    CLIENT = "client"
    REDACTOR = "redactor"
    COMPLETER = "completer"
    REHYDRATOR = "rehydrator"
    OPERATOR = "operator"


class Holding(msgspec.Struct, frozen=True):
    """The keys of one role: private halves (or secrets), and public halves."""

    private: frozenset[KeyName] = frozenset()
    public: frozenset[KeyName] = frozenset()


HOLDINGS: Mapping[Role, Holding] = {
    Role.CLIENT: Holding(private=frozenset({KeyName.RESULTS}), public=frozenset({KeyName.JOBS})),
    Role.REDACTOR: Holding(
        private=frozenset({KeyName.JOBS, KeyName.ATTESTATION, KeyName.SCOPE, KeyName.REDACTOR_AUDIT}),
        public=frozenset({KeyName.VAULT, KeyName.REPLAY, KeyName.RESULTS}),
    ),
    Role.COMPLETER: Holding(public=frozenset({KeyName.ATTESTATION, KeyName.REPLAY})),
    Role.REHYDRATOR: Holding(
        private=frozenset({KeyName.VAULT, KeyName.REHYDRATOR_AUDIT}), public=frozenset({KeyName.REPLAY})
    ),
    Role.OPERATOR: Holding(
        private=frozenset({KeyName.REPLAY}),
        public=frozenset({KeyName.JOBS, KeyName.REDACTOR_AUDIT, KeyName.REHYDRATOR_AUDIT}),
    ),
}
"""Who opens and signs, and who only seals and verifies (docs/architecture.md, "Trust zones").

Every stage may seal for replay, so that input it cannot read is kept too."""

AUDIT_KEYS: Mapping[Role, KeyName] = {
    Role.REDACTOR: KeyName.REDACTOR_AUDIT,
    Role.REHYDRATOR: KeyName.REHYDRATOR_AUDIT,
}
"""What a role signs its audit chains with: one each, so that neither can sign in the other's name."""

SIGNING_KEYS = frozenset({KeyName.ATTESTATION, *AUDIT_KEYS.values()})
"""Ed25519; the others are X25519, or a secret."""

KILLS: Mapping[KeyName, str] = {
    KeyName.JOBS: "jobs sealed to it that no redactor has opened yet, and stored copies of jobs",
    KeyName.VAULT: "restoring every answer whose vault is sealed to it",
    KeyName.REPLAY: "replaying every dead letter whose original is sealed to it",
    KeyName.ATTESTATION: "sending requests signed with it that the completer has not sent yet",
    KeyName.SCOPE: "linking placeholders of later jobs to those derived with it",
    KeyName.RESULTS: "results sealed to it, read or not",
}
"""What nobody can do any more once an epoch is destroyed. Audit keys are not among them: destroying
one would end nothing but the proof that the trail is whole."""

PrivateKey = X25519PrivateKey | Ed25519PrivateKey | bytes
PublicKey = X25519PublicKey | Ed25519PublicKey


class UnknownKey(VeilError):
    """A key id that this keyring does not hold (lost, not distributed yet, or another deployment's)."""

    code = ErrorCode.UNKNOWN_KEY


class KeyDestroyed(VeilError):
    """A key id whose private half was destroyed with `veil keys shred`; the detail says when."""

    code = ErrorCode.KEY_DESTROYED


class KeyUnavailable(VeilError):
    """This keyring lacks a key that its role needs; nothing can start without it."""

    code = ErrorCode.CONFIGURATION


class PrivateEpoch(msgspec.Struct, frozen=True):
    """One epoch's private half (for `scope`: the secret's bytes); `made` in Unix seconds."""

    key_id: str
    key: PrivateKey
    made: float

    def __repr__(self) -> str:
        return f"<PrivateEpoch {self.key_id}>"


class PublicEpoch(msgspec.Struct, frozen=True):
    """One epoch's public half; `made` in Unix seconds."""

    key_id: str
    key: PublicKey
    made: float


class Keys(Protocol):
    """What a stage asks of its role's keys, whatever epoch is active now."""

    @property
    def destroyed(self) -> Mapping[str, str]: ...
    def sealing_key(self, name: KeyName) -> tuple[str, X25519PublicKey]: ...
    def opening_key(self, name: KeyName, key_id: str) -> X25519PrivateKey: ...
    def signing_key(self, name: KeyName) -> tuple[str, Ed25519PrivateKey]: ...
    def verifying_key(self, name: KeyName, key_id: str) -> Ed25519PublicKey: ...
    def scope_epoch(self) -> tuple[str, bytes]: ...


Epoch = TypeVar("Epoch", PrivateEpoch, PublicEpoch)


class Keyring(msgspec.Struct, frozen=True, kw_only=True):
    """One role's keys, newest epoch first in every list.

    `destroyed`: key id to the day of destruction. `made_by`, where it is asked for, is the
    time (Unix seconds) by which an epoch must have been made to be active; where none was,
    the oldest is.
    """

    private: Mapping[KeyName, Sequence[PrivateEpoch]] = {}
    public: Mapping[KeyName, Sequence[PublicEpoch]] = {}
    destroyed: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"<Keyring private={sorted(self.private)} public={sorted(self.public)}>"

    def sealing_key(self, name: KeyName, made_by: float = math.inf) -> tuple[str, X25519PublicKey]:
        """The active public key of a purpose and its id."""
        epoch = _active(self.public.get(name, ()), made_by)
        if epoch is None or not isinstance(epoch.key, X25519PublicKey):
            raise KeyUnavailable(f"no public {name} key")
        return epoch.key_id, epoch.key

    def receiving_key(self, name: KeyName, made_by: float = math.inf) -> X25519PrivateKey:
        """The private half that others are to seal to now."""
        epoch = _active(self.private.get(name, ()), made_by)
        if epoch is None or not isinstance(epoch.key, X25519PrivateKey):
            raise KeyUnavailable(f"no private {name} key")
        return epoch.key

    def opening_key(self, name: KeyName, key_id: str) -> X25519PrivateKey:
        """The private key of one epoch."""
        for epoch in self.private.get(name, ()):
            if epoch.key_id == key_id and isinstance(epoch.key, X25519PrivateKey):
                return epoch.key
        raise self._missing(name, key_id)

    def signing_key(self, name: KeyName, made_by: float = math.inf) -> tuple[str, Ed25519PrivateKey]:
        """The active private key of a purpose that signs, and its id."""
        epoch = _active(self.private.get(name, ()), made_by)
        if epoch is None or not isinstance(epoch.key, Ed25519PrivateKey):
            raise KeyUnavailable(f"no private {name} key")
        return epoch.key_id, epoch.key

    def verifying_key(self, name: KeyName, key_id: str) -> Ed25519PublicKey:
        """The public key of one epoch of a purpose that signs."""
        for epoch in self.public.get(name, ()):
            if epoch.key_id == key_id and isinstance(epoch.key, Ed25519PublicKey):
                return epoch.key
        raise self._missing(name, key_id)

    def scope_epoch(self, made_by: float = math.inf) -> tuple[str, bytes]:
        """The active secret that placeholders and record keys are derived with, and its id."""
        epoch = _active(self.private.get(KeyName.SCOPE, ()), made_by)
        if epoch is None or not isinstance(epoch.key, bytes):
            raise KeyUnavailable("no scope key")
        return epoch.key_id, epoch.key

    def require(self, role: Role) -> None:
        """Refuse a keyring that lacks a key of its role, or that holds more than its role may.

        Raises:
            KeyUnavailable: a key is missing, or a private key is there that is not the role's.
        """
        holding = HOLDINGS[role]
        for name in sorted(holding.private):
            if not self.private.get(name):
                raise KeyUnavailable(f"the {role} needs the private {name} key{_how_to_add(name)}")
        for name in sorted(holding.public):
            if not self.public.get(name):
                raise KeyUnavailable(f"the {role} needs the public {name} key{_how_to_add(name)}")
        for name in sorted(self.private):
            if name not in holding.private:
                raise KeyUnavailable(f"the {role} must not hold a private key, and a private {name} key is there")

    def _missing(self, name: KeyName, key_id: str) -> VeilError:
        day = self.destroyed.get(key_id)
        return UnknownKey(name) if day is None else KeyDestroyed(f"{name} key destroyed on {day}")


def _active(epochs: Sequence[Epoch], made_by: float) -> Epoch | None:
    return next((epoch for epoch in epochs if epoch.made <= made_by), epochs[-1] if epochs else None)


def _how_to_add(name: KeyName) -> str:
    """Keyrings made before the audit chains lack their keys; any other key that is missing was taken away."""
    if name not in AUDIT_KEYS.values():
        return ""
    return f", which older keyrings lack: `veil keys rotate {' '.join(AUDIT_KEYS.values())}` adds it"
