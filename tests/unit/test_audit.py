"""Chains as they are made: linked in publishing order, signed when due, anchored where nothing is signed."""

import hashlib

import msgspec
import pytest

from agents.progress import WINDOW, decode, decode_chain, encode
from pipeline.audit import HEAD_HEADER, NO_EVENT, Chain, UnreadableChain, is_signed, read_head, sign_head
from pipeline.keys import Role
from pipeline.ports import Outbound
from schemas.audit import AuditCheckpoint, AuditEvent, Decision, Head, Origin
from tests.audit_trails import KEY_IDS, KEYS, NOW, TOPICS, Owner, checkpoints, events, trail
from tests.audit_trails import decode as read

HEAD = Head(chain="t.redactor/t.jobs/0/5", seq=7, sha256="a" * 64)


def test_each_event_names_its_number_and_the_hash_of_the_record_before_it() -> None:
    records = Owner(Role.REDACTOR).publish(3)
    previous = NO_EVENT
    for seq, record in enumerate(records[:3]):
        event = read(record)
        assert isinstance(event, AuditEvent)
        assert event.link is not None
        assert (event.link.seq, event.link.previous) == (seq, previous)
        previous = hashlib.sha256(record.value).hexdigest()


def test_an_event_keeps_its_own_fields_and_goes_where_its_chain_goes() -> None:
    event = AuditEvent(
        at=NOW,
        stage="redactor",
        decision=Decision.REDACTED,
        origin=Origin(topic="t", partition=0, offset=1),
        entities={"EMAIL": 2},
    )
    chain = trail(Role.REDACTOR).open("g/t/0", "", now=NOW)
    given = Outbound(topic=TOPICS["audit"], key=b"job", value=msgspec.json.encode(event))
    (linked, _), _ = trail(Role.REDACTOR).link(chain, [given], now=NOW, sign=False)
    assert linked.key == b"g/t/0"
    assert msgspec.structs.replace(msgspec.json.decode(linked.value, type=AuditEvent), link=None) == event


def test_records_of_other_topics_pass_untouched() -> None:
    chain = trail(Role.REHYDRATOR).open("g/t/0", "", now=NOW)
    given = [
        Outbound(topic=TOPICS["results"], value=b"x", key=b"k"),
        Outbound(topic=TOPICS["dead_letters"], value=b"y"),
    ]
    linked, after = trail(Role.REHYDRATOR).link(chain, given, now=NOW, sign=True)
    assert (linked, after) == (given, chain)


def test_a_chain_goes_on_from_what_was_committed() -> None:
    owner = Owner(Role.REDACTOR)
    owner.publish(5)
    heir = owner.trail.open(owner.name, owner.chain.committed(), now=NOW + 60)
    assert heir == msgspec.structs.replace(owner.chain, signed_at=NOW + 60)


def test_a_chain_of_which_nothing_was_committed_is_another_chain() -> None:
    first, second = (trail(Role.REDACTOR).open("g/t/0", "", now=now) for now in (NOW, NOW + 0.001))
    assert first.name == second.name
    assert first.id != second.id


@pytest.mark.parametrize("committed", ["x", "1.2.3", "1.2.3.zz", f"1.-2.3.{NO_EVENT}"])
def test_what_is_no_chain_is_not_gone_on_with(committed: str) -> None:
    with pytest.raises(UnreadableChain):
        trail(Role.REDACTOR).open("g/t/0", committed, now=NOW)


def test_the_longest_chain_fits_into_offset_metadata_beside_a_full_window() -> None:
    chain = Chain(
        name="g", started=9_999_999_999_999, events=10**18 - 1, signed=10**18 - 1, sha256="f" * 64, signed_at=NOW
    )
    done = {offset for offset in range(WINDOW) if (offset * 2654435761) >> 7 & 1}
    metadata = encode(0, done, chain.committed())
    assert len(metadata) < 4096
    assert (decode(0, metadata), decode_chain(metadata)) == (done, chain.committed())


def test_a_chain_alone_is_committed_too() -> None:
    metadata = encode(7, (), "1.2.3.x")
    assert (decode(7, metadata), decode_chain(metadata)) == (set(), "1.2.3.x")


def test_progress_from_before_the_chains_is_still_read() -> None:
    assert decode_chain("1:eJxjAAAAAQAB") == ""
    assert decode(0, "1:eJxjAAAAAQAB") == set()


def test_the_first_transaction_is_signed_then_every_so_many_events() -> None:
    owner = Owner(Role.REDACTOR, every=10)
    published = [owner.publish(3) for _ in range(8)]
    assert [len(checkpoints(records)) for records in published] == [1, 0, 0, 0, 1, 0, 0, 0]


def test_a_chain_is_signed_when_it_has_not_been_for_the_interval() -> None:
    owner = Owner(Role.REDACTOR)
    owner.publish()
    owner.chain = msgspec.structs.replace(owner.chain, signed_at=NOW - owner.trail.interval)
    assert checkpoints(owner.publish()) == [1]


def test_what_is_signed_already_is_not_signed_again() -> None:
    owner = Owner(Role.REDACTOR)
    owner.publish(2, sign=True)
    assert not owner.trail.is_unsigned(owner.chain)
    assert owner.publish(0, sign=True) == []


def test_a_checkpoint_names_the_last_event_and_verifies_with_its_roles_key() -> None:
    owner = Owner(Role.REHYDRATOR)
    checkpoint = read(owner.publish(4)[-1])
    assert isinstance(checkpoint, AuditCheckpoint)
    assert checkpoint.head == owner.chain.head
    assert checkpoint.key_id == KEY_IDS[Role.REHYDRATOR]
    assert is_signed(checkpoint, KEYS[Role.REHYDRATOR].public_key())
    assert not is_signed(checkpoint, KEYS[Role.REDACTOR].public_key())


@pytest.mark.parametrize(
    "change",
    [
        {"head": msgspec.structs.replace(HEAD, seq=8)},
        {"head": msgspec.structs.replace(HEAD, sha256="b" * 64)},
        {"head": msgspec.structs.replace(HEAD, chain="t.redactor/t.jobs/0/6")},
        {"at": NOW + 1},
        {"key_id": "b" * 16},
        {"signature": b"x" * 64},
        {"signature": b""},
    ],
    ids=["seq", "hash", "chain", "time", "key", "signature", "no signature"],
)
def test_a_checkpoint_with_any_field_changed_does_not_verify(change: dict[str, object]) -> None:
    checkpoint = sign_head(HEAD, KEYS[Role.REDACTOR], key_id="a" * 16, at=NOW)
    assert is_signed(checkpoint, KEYS[Role.REDACTOR].public_key())
    assert not is_signed(msgspec.structs.replace(checkpoint, **change), KEYS[Role.REDACTOR].public_key())


def test_a_role_without_a_key_signs_nothing_and_names_its_head_on_what_it_hands_on() -> None:
    owner = Owner(Role.COMPLETER)
    records = owner.publish(3, sign=True)
    assert (len(events(records)), checkpoints(records)) == (3, [])
    assert not owner.trail.is_unsigned(owner.chain)
    heads = [read_head(record.headers, TOPICS) for record in owner.handed_on]
    assert heads == [owner.chain.head] * 3


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"{}",
        msgspec.json.encode(HEAD),
        msgspec.json.encode(msgspec.structs.replace(HEAD, chain="jane.roe/t.redacted/0/1")),
        b'{"chain":"t.completer/t.redacted/0/1","seq":0,"sha256":"' + b"a" * 64 + b'","note":"x"}',
    ],
    ids=["empty", "bytes", "nothing", "another role", "a name", "another field"],
)
def test_a_header_that_is_no_head_of_a_completers_chain_is_left_out(value: bytes) -> None:
    assert read_head(((HEAD_HEADER, value),), TOPICS) is None
