"""From a dead letter back to a job: what opens, what becomes a job again, what never can."""

from pathlib import Path

import msgspec
import pytest

from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.detection import Detector, build_detector
from pipeline.keys import KeyDestroyed, KeyName, Keyring, Role, UnknownKey
from pipeline.ports import Inbound, TopicNames
from pipeline.replaying import NoOriginal, NotAJob, open_original, submit_again
from pipeline.sealing import SealBroken, SealContext, open_sealed
from pipeline.stages.boundary import VALUE_MAX_BYTES, Boundary, Case, DeadlinePassed, seal_for_replay
from pipeline.submission import UnsafeJobId, seal_job
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope, ReplayContent, Sealed
from schemas.job import Endpoint, Job
from schemas.redacted import Attestation, JobDigest, RedactedRequest

NOW = 1_790_000_000.0
TOPICS = TopicNames("llm.")


class Refusing:
    """A role's work that takes nothing: every record becomes a dead letter."""

    stage = "redactor"

    async def work(self, inbound: Inbound, case: Case) -> list[object]:
        raise UnknownKey

    def answer_failure(self, case: Case, error: object) -> list[object]:
        return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("replaying")
    init_keys(made, now=NOW - 100)
    return made


@pytest.fixture(scope="module")
def operator(folder: Path) -> Keyring:
    return load_keyring(folder, Role.OPERATOR)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return build_detector(names=False)


def job(**fields: object) -> Job:
    body = {"model": "m", "messages": [{"role": "user", "content": "canary@example.org"}]}
    base = {"job_id": "j1", "endpoint": Endpoint.CHAT_COMPLETIONS, "request": msgspec.Raw(msgspec.json.encode(body))}
    return Job(**{**base, **fields})  # type: ignore[arg-type]


async def letter_of(folder: Path, value: bytes, topic: str = "llm.jobs") -> DeadLetter:
    keys = load_keyring(folder, Role.REDACTOR)
    boundary = Boundary(Refusing(), keyring=keys, topics=TOPICS, clock=lambda: NOW, hash_key=b"k" * 32)  # type: ignore[arg-type]
    inbound = Inbound(topic=topic, partition=0, offset=7, key=b"raw key", value=value, timestamp=NOW)
    records = await boundary.process(inbound)
    return msgspec.json.decode(records[0].value, type=DeadLetter)


def opened(folder: Path, value: bytes) -> bytes:
    envelope = msgspec.json.decode(value, type=Envelope)
    context = SealContext(
        purpose="job", key_id=envelope.sealed.key_id, tenant=envelope.tenant, job_id=envelope.job_id, schema="job/1"
    )
    key = load_keyring(folder, Role.REDACTOR).opening_key(KeyName.JOBS, envelope.sealed.key_id)
    return open_sealed(envelope.sealed, key, context)


@pytest.mark.parametrize(
    "value",
    [b"\xff\xfe\x00", b"{", b"[" * 500, b'{"schema":"job/1","canary":1}', b"\x00" * 4096, "ü\u2028🙂".encode()],
    ids=["not utf-8", "half an object", "deep", "unknown field", "zeros", "text"],
)
async def test_malformed_bytes_open_exactly_and_are_not_a_job(
    folder: Path, operator: Keyring, detector: Detector, value: bytes
) -> None:
    letter = await letter_of(folder, value)
    content = open_original(letter, operator)
    assert (content.topic, content.value, content.key) == ("llm.jobs", value, b"raw key")
    with pytest.raises(NotAJob):
        submit_again(letter, operator, detector=detector, now=NOW)


async def test_a_plain_job_is_sealed_when_it_is_submitted_again(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    data = msgspec.json.encode(job())
    again = submit_again(await letter_of(folder, data, "llm.jobs.plain"), operator, detector=detector, now=NOW)
    assert (again.tenant, again.job_id, again.length) == ("default", "j1", len(data))
    assert b"canary" not in again.value
    assert opened(folder, again.value) == data


async def test_an_envelope_is_submitted_as_it_is_under_a_key_of_ours(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    value = seal_job(job(), msgspec.json.encode(job()), load_keyring(folder, Role.CLIENT))
    again = submit_again(await letter_of(folder, value), operator, detector=detector, now=NOW)
    assert again.value == value
    assert again.key != b"raw key"


async def test_a_later_hops_record_is_the_job_from_its_beginning(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    data = msgspec.json.encode(job())
    nobodys = Sealed(key_id="0" * 16, ciphertext=b"x")
    request = RedactedRequest(
        job_id="j1",
        tenant="default",
        endpoint=Endpoint.CHAT_COMPLETIONS,
        body=b"{}",
        job_digest=JobDigest(key_id="0" * 16, value="0" * 32),
        policy_version="p",
        detector_version="d",
        attestation=Attestation(key_id="0" * 16, expires_at=NOW, signature=b"x"),
        vault=nobodys,
        replay=seal_for_replay(
            ReplayContent(topic="llm.jobs", value=data),
            load_keyring(folder, Role.REDACTOR),
            tenant="default",
            job_id="j1",
        ),
        received_at=NOW,
        redacted_at=NOW,
    )
    letter = await letter_of(folder, msgspec.json.encode(request), "llm.redacted")
    again = submit_again(letter, operator, detector=detector, now=NOW)
    assert opened(folder, again.value) == data
    elsewhere = msgspec.structs.replace(request, job_id="j2")
    letter = await letter_of(folder, msgspec.json.encode(elsewhere), "llm.redacted")
    with pytest.raises(SealBroken):
        submit_again(letter, operator, detector=detector, now=NOW)


async def test_an_envelope_to_a_destroyed_key_is_not_submitted(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    value = seal_job(job(), msgspec.json.encode(job()), load_keyring(folder, Role.CLIENT))
    key_id = msgspec.json.decode(value, type=Envelope).sealed.key_id
    without = msgspec.structs.replace(operator, destroyed={key_id: "2026-09-21"})
    with pytest.raises(KeyDestroyed, match="2026-09-21"):
        submit_again(await letter_of(folder, value), without, detector=detector, now=NOW)


async def test_ids_that_look_like_somebodys_are_not_written_in_the_clear(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    data = msgspec.json.encode(job(job_id="4111111111111111"))
    with pytest.raises(UnsafeJobId):
        submit_again(await letter_of(folder, data, "llm.jobs.plain"), operator, detector=detector, now=NOW)


async def test_a_job_whose_deadline_has_passed_is_not_submitted(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    letter = await letter_of(folder, msgspec.json.encode(job(deadline=NOW)), "llm.jobs.plain")
    with pytest.raises(DeadlinePassed):
        submit_again(letter, operator, detector=detector, now=NOW + 1)


async def test_a_letter_without_its_original_says_where_the_record_lies(
    folder: Path, operator: Keyring, detector: Detector
) -> None:
    letter = await letter_of(folder, b"x" * VALUE_MAX_BYTES)
    with pytest.raises(NoOriginal, match=f"llm.jobs/0/7, SHA-256 {letter.sha256}"):
        submit_again(letter, operator, detector=detector, now=NOW)


async def test_each_fault_of_the_replay_key_has_its_own_code(folder: Path, operator: Keyring, tmp_path: Path) -> None:
    letter = await letter_of(folder, b"{}")
    assert letter.original is not None
    init_keys(tmp_path, now=NOW)
    with pytest.raises(UnknownKey):
        open_original(letter, load_keyring(tmp_path, Role.OPERATOR))
    destroyed = msgspec.structs.replace(operator, private={}, destroyed={letter.original.key_id: "2026-01-02"})
    with pytest.raises(KeyDestroyed) as caught:
        open_original(letter, destroyed)
    assert caught.value.code is ErrorCode.KEY_DESTROYED
    with pytest.raises(SealBroken):
        open_original(msgspec.structs.replace(letter, tenant="another"), operator)
