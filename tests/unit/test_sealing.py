"""Seals open with the right key in the right context, and in no other."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sealing import SealBroken, SealContext, fingerprint, length_prefixed, open_sealed, public_bytes, seal

KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
CONTEXT = SealContext(
    purpose="vault", key_id=fingerprint(public_bytes(KEY.public_key())), tenant="t", job_id="j", schema="vault/1"
)


@given(st.binary(max_size=200))
def test_open_inverts_seal(plaintext: bytes) -> None:
    assert open_sealed(seal(plaintext, KEY.public_key(), CONTEXT), KEY, CONTEXT) == plaintext


@pytest.mark.parametrize(
    "change",
    [{"purpose": "job"}, {"key_id": "0" * 16}, {"tenant": "u"}, {"job_id": "k"}, {"schema": "vault/2"}],
    ids=lambda change: next(iter(change)),
)
def test_every_field_of_the_context_is_bound(change: dict[str, str]) -> None:
    sealed = seal(b"x", KEY.public_key(), CONTEXT)
    other = msgspec.structs.replace(CONTEXT, **change)
    with pytest.raises(SealBroken):
        open_sealed(sealed, KEY, other)


def test_another_key_does_not_open() -> None:
    sealed = seal(b"x", KEY.public_key(), CONTEXT)
    with pytest.raises(SealBroken):
        open_sealed(sealed, X25519PrivateKey.from_private_bytes(bytes(32)), CONTEXT)


@given(st.data())
def test_a_changed_byte_does_not_open(data: st.DataObject) -> None:
    sealed = seal(b"some text", KEY.public_key(), CONTEXT)
    position = data.draw(st.integers(0, len(sealed.ciphertext) - 1))
    changed = bytearray(sealed.ciphertext)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        open_sealed(msgspec.structs.replace(sealed, ciphertext=bytes(changed)), KEY, CONTEXT)


def test_a_truncated_seal_is_broken_not_a_crash() -> None:
    sealed = seal(b"some text", KEY.public_key(), CONTEXT)
    for length in (0, 1, 31, 32, 47):
        with pytest.raises(SealBroken):
            open_sealed(msgspec.structs.replace(sealed, ciphertext=sealed.ciphertext[:length]), KEY, CONTEXT)


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_no_two_lists_of_fields_are_bound_alike(one: list[bytes], other: list[bytes]) -> None:
    assert (length_prefixed(*one) == length_prefixed(*other)) == (one == other)
