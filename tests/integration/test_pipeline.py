"""One job through all three roles on a real broker: what goes in, what OpenAI gets, what comes back."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from agents import redactor
from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.keyring import load_keyring
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.keys import KeyName, Role
from pipeline.ports import Inbound, Outbound, PartitionState, Stage, TopicNames
from pipeline.sealing import SealContext, open_sealed
from pipeline.settings import Settings, TenantSettings, WrongSettings
from pipeline.submission import UnsafeJobId
from schemas.audit import AuditEvent, AuditRecord
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope, ReplayContent
from schemas.job import Job
from schemas.result import Result, Status
from schemas.topics import TopicId

TEXT = "Write to jane.roe@example.org or call +49 30 901820; card 4111 1111 1111 1111. Thanks, “Jané” 🙂\n"
ORIGINALS = ("jane.roe@example.org", "+49 30 901820", "4111 1111 1111 1111")
TIMEOUT = 30.0


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **fields}


def content(result: Result) -> str:
    text: str = json.loads(bytes(result.response))["choices"][0]["message"]["content"]
    return text


async def read(settings: Settings, topic: TopicId) -> list[bytes]:
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    async with TopicReader(settings, [name], start="beginning") as reader:
        return [record.value async for record in reader.records()]


async def letters(settings: Settings) -> list[DeadLetter]:
    return [msgspec.json.decode(value, type=DeadLetter) for value in await read(settings, "dead_letters")]


async def letter_from(settings: Settings, topic: TopicId, offset: int) -> DeadLetter:
    """The dead letter of one record, once it is there."""
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    for _ in range(100):
        for letter in await letters(settings):
            if letter.origin.topic == name and letter.origin.offset == offset:
                return letter
        await asyncio.sleep(0.1)
    raise AssertionError("no dead letter came")


async def produce(settings: Settings, topic: TopicId, value: bytes | None, key: bytes | None = None) -> int:
    """A record from a plain Kafka client that knows nothing of the project; gives its offset in partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, max_request_size=33_000_000)
    await producer.start()
    try:
        name = TopicNames(settings.kafka.topic_prefix)[topic]
        sent = await producer.send_and_wait(name, value, key=key, partition=0)
    finally:
        await producer.stop()
    offset: int = sent.offset
    return offset


async def test_an_echoed_job_comes_back_byte_for_byte_and_openai_saw_none_of_it(
    client: Client, stub: OpenAIStub
) -> None:
    result = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert result.status is Status.COMPLETED
    assert content(result) == TEXT
    sent = b"".join(request.body for request in stub.requests).decode()
    assert len(stub.requests) == 1
    assert not [original for original in ORIGINALS if original in sent]
    assert result.receipt.issued == result.receipt.returned == 3
    assert result.entities == {"EMAIL": 1, "PHONE": 1, "CREDIT_CARD": 1}


async def test_openai_gets_exactly_the_attested_bytes_without_storage(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    (redacted,) = await read(settings, "redacted")
    body = json.loads(redacted)["body"]
    assert base64.b64decode(body) == stub.requests[0].body
    assert json.loads(stub.requests[0].body)["store"] is False


async def test_each_role_leaves_an_audit_event_with_counts_only(client: Client, settings: Settings) -> None:
    job = client.job(chat(TEXT))
    await client.complete(job, timeout=TIMEOUT)
    records = [msgspec.json.decode(value, type=AuditRecord) for value in await read(settings, "audit")]
    events = [record for record in records if isinstance(record, AuditEvent)]
    assert {(event.stage, event.decision.value) for event in events} == {
        ("redactor", "redacted"),
        ("completer", "completed"),
        ("rehydrator", "restored"),
    }
    assert {event.job_id for event in events} == {job.job_id}
    redacted = next(event for event in events if event.stage == "redactor")
    assert redacted.entities == {"EMAIL": 1, "PHONE": 1, "CREDIT_CARD": 1}
    assert redacted.actions == {"redact": 3}


async def test_a_plain_job_is_completed_where_plain_jobs_are_accepted(client: Client, settings: Settings) -> None:
    job = {"schema": "job/1", "job_id": "plain-1", "endpoint": "chat.completions", "request": chat(TEXT)}
    await produce(settings, "plain", json.dumps(job).encode())
    results = [result async for result in first(client.results(follow=True))]
    assert results[0].job_id == "plain-1"
    assert content(results[0]) == TEXT


async def test_a_plain_job_is_a_dead_letter_where_plain_jobs_are_not_accepted(
    settings: Settings, stub: OpenAIStub
) -> None:
    strict = msgspec.structs.replace(settings, policy=msgspec.structs.replace(settings.policy, accept_plain=False))
    refusing = Worker(strict, list(ROLES))
    await refusing.start()
    try:
        offset = await produce(settings, "plain", json.dumps({**GOOD_JOB, "request": chat(TEXT)}).encode())
        letter = await letter_from(settings, "plain", offset)
    finally:
        await refusing.stop()
    assert letter.code is ErrorCode.PLAIN_NOT_ACCEPTED
    assert stub.requests == []


async def first(results: Any) -> Any:
    async for result in results:
        yield result
        return


async def test_processed_plain_records_leave_the_broker(client: Client, settings: Settings) -> None:
    job = {"schema": "job/1", "job_id": "plain-2", "endpoint": "chat.completions", "request": chat(TEXT)}
    await produce(settings, "plain", json.dumps(job).encode())
    for _ in range(100):
        if not await read(settings, "plain"):
            break
        await asyncio.sleep(0.1)
    assert await read(settings, "plain") == []


SEALED_FAULTS: dict[str, tuple[str, ErrorCode]] = {
    "moved to another job": ("job_id", ErrorCode.ENVELOPE_MOVED),
    "moved to another tenant": ("tenant", ErrorCode.ENVELOPE_MOVED),
    "tampered with": ("ciphertext", ErrorCode.SEAL_BROKEN),
    "under another key": ("key_id", ErrorCode.UNKNOWN_KEY),
}


@pytest.mark.parametrize(("what", "code"), SEALED_FAULTS.values(), ids=SEALED_FAULTS.keys())
async def test_a_faulty_envelope_is_a_dead_letter_with_its_own_code(
    client: Client, settings: Settings, what: str, code: ErrorCode
) -> None:
    job = client.job(chat(TEXT))
    envelope = msgspec.json.decode(client._seal(job, msgspec.json.encode(job)), type=Envelope)
    sealed = envelope.sealed
    if what == "ciphertext":
        changed = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
        envelope = msgspec.structs.replace(envelope, sealed=msgspec.structs.replace(sealed, ciphertext=changed))
    elif what == "key_id":
        sealed = msgspec.structs.replace(sealed, key_id="0" * 16)
        context = SealContext(purpose="job", key_id="0" * 16, tenant=job.tenant, job_id=job.job_id, schema="job/1")
        envelope = msgspec.structs.replace(envelope, sealed=sealed, binding=context.binding())
    else:
        envelope = msgspec.structs.replace(envelope, **{what: "other"})
    offset = await produce(settings, "jobs", msgspec.json.encode(envelope))
    letter = await letter_from(settings, "jobs", offset)
    assert letter.code is code
    assert letter.job_id is None


GOOD_JOB: dict[str, Any] = {"schema": "job/1", "job_id": "bad-1", "endpoint": "chat.completions", "request": chat("x")}
BAD_JOBS: dict[str, tuple[bytes | None, ErrorCode]] = {
    "no value": (None, ErrorCode.EMPTY_MESSAGE),
    "empty": (b"", ErrorCode.EMPTY_MESSAGE),
    "malformed json": (b'{"schema": canary-value', ErrorCode.MALFORMED_JSON),
    "invalid utf-8": (b'{"schema":"job/1","canary-value\xff":1}', ErrorCode.INVALID_UTF8),
    "wrong schema": (b'{"schema":"canary-value"}', ErrorCode.WRONG_SCHEMA),
    "unknown field": (json.dumps({**GOOD_JOB, "canary-value": 1}).encode(), ErrorCode.UNKNOWN_FIELD),
    "an id that is an e-mail's": (json.dumps({**GOOD_JOB, "job_id": "canary value"}).encode(), ErrorCode.INVALID_FIELD),
    "an id that is a card": (
        json.dumps({**GOOD_JOB, "job_id": "4012888888881881"}).encode(),
        ErrorCode.UNSAFE_ID,
    ),
    "too large": (
        json.dumps({**GOOD_JOB, "request": chat("canary-value " * 700_000)}).encode(),
        ErrorCode.JOB_TOO_LARGE,
    ),
    "too deep": (
        b'{"schema":"job/1","job_id":"d","endpoint":"chat.completions","request":' + b"[" * 5000 + b"]" * 5000 + b"}",
        ErrorCode.TOO_DEEP,
    ),
    "an image": (
        json.dumps(
            {
                **GOOD_JOB,
                "request": {
                    "model": "m",
                    "messages": [
                        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "canary-value"}}]}
                    ],
                },
            }
        ).encode(),
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
    "an unknown request field": (
        json.dumps({**GOOD_JOB, "request": chat("x", canary="canary-value")}).encode(),
        ErrorCode.UNKNOWN_REQUEST_FIELD,
    ),
    "web search": (
        json.dumps({**GOOD_JOB, "request": chat("x", web_search_options={})}).encode(),
        ErrorCode.FEATURE_REFUSED,
    ),
    "a reply topic of somebody else": (
        json.dumps({**GOOD_JOB, "reply_to": "canary-value"}).encode(),
        ErrorCode.REPLY_TOPIC_NOT_ALLOWED,
    ),
    "a past deadline": (json.dumps({**GOOD_JOB, "deadline": 1}).encode(), ErrorCode.DEADLINE_PASSED),
    "an unknown policy": (json.dumps({**GOOD_JOB, "policy": "nosuch"}).encode(), ErrorCode.UNKNOWN_POLICY),
}


async def test_every_kind_of_bad_input_is_a_dead_letter_and_the_worker_goes_on(
    client: Client, settings: Settings, stub: OpenAIStub, capfd: pytest.CaptureFixture[str]
) -> None:
    offsets = {
        name: await produce(settings, "plain", value, key=b"canary-value") for name, (value, _) in BAD_JOBS.items()
    }
    found = {name: (await letter_from(settings, "plain", offset)).code for name, offset in offsets.items()}
    assert found == {name: code for name, (_, code) in BAD_JOBS.items()}
    assert stub.requests == []
    after = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert after.status is Status.COMPLETED
    topics: tuple[TopicId, ...] = ("dead_letters", "audit", "results")
    written = b"".join([value for topic in topics for value in await read(settings, topic)])
    assert b"canary" not in written
    assert "canary" not in "".join(capfd.readouterr())


async def test_a_refused_job_gets_one_sealed_result_and_a_dead_letter_with_the_original_sealed(
    client: Client, settings: Settings
) -> None:
    job = client.job(chat("x", web_search_options={}))
    result = await client.complete(job, timeout=TIMEOUT)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error.code is ErrorCode.FEATURE_REFUSED
    (letter,) = await letters(settings)
    assert letter.job_id == job.job_id
    assert letter.original is not None
    operator = load_keyring(settings.keys.dir, Role.OPERATOR)
    context = SealContext(
        purpose="replay",
        key_id=letter.original.key_id,
        tenant=letter.tenant or "",
        job_id=letter.job_id,
        schema="replay/1",
    )
    key = operator.opening_key(KeyName.REPLAY, letter.original.key_id)
    opened = msgspec.json.decode(open_sealed(letter.original, key, context), type=ReplayContent)
    again = msgspec.json.decode(opened.value, type=Job)
    assert again.job_id == job.job_id
    assert json.loads(bytes(again.request)) == json.loads(bytes(job.request))


async def test_openai_refusing_a_request_fails_the_job_with_the_redacted_request_kept(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    stub.config.failures.bad_request.next = 1
    result = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error.code is ErrorCode.OPENAI_REJECTED
    (letter,) = await letters(settings)
    assert letter.redacted == stub.requests[0].body
    assert not [original for original in ORIGINALS if original.encode() in letter.redacted]


@pytest.mark.parametrize("failure", ["rate_limit", "server_error", "unavailable", "cut", "malformed_json"])
async def test_a_passing_fault_of_openai_is_retried(client: Client, stub: OpenAIStub, failure: str) -> None:
    stub.config.retry_after_s = 0.1
    getattr(stub.config.failures, failure).next = 2
    result = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert result.status is Status.COMPLETED
    assert content(result) == TEXT
    assert len(stub.requests) == 3


SWAPS = ("job_id", "tenant", "endpoint", "request_sha256", "vault")


@pytest.mark.parametrize("field", SWAPS)
async def test_a_completion_whose_fields_were_swapped_is_a_dead_letter(
    client: Client, settings: Settings, stub: OpenAIStub, field: str
) -> None:
    """Nothing that decides where raw text goes is read from outside the seal."""
    await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    await client.complete(client.job(chat("another text of b@example.org")), timeout=TIMEOUT)
    one, other = (json.loads(value) for value in await read(settings, "completions"))
    swapped = {**one, field: "responses" if field == "endpoint" else other[field]}
    if field == "tenant":
        swapped[field] = "acme"
    offset = await produce_completion(settings, swapped)
    letter = await letter_from(settings, "completions", offset)
    assert letter.code in {ErrorCode.SEAL_BROKEN, ErrorCode.BINDING_MISMATCH}
    assert len(await read(settings, "results")) == 2


async def produce_completion(settings: Settings, fields: dict[str, Any]) -> int:
    return await produce(settings, "completions", json.dumps(fields).encode())


@pytest.mark.parametrize("field", ["body", "job_id", "endpoint", "vault", "policy_version"])
async def test_a_redacted_request_that_was_changed_is_never_sent(
    client: Client, settings: Settings, stub: OpenAIStub, field: str
) -> None:
    await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    await client.complete(client.job(chat("another text of b@example.org")), timeout=TIMEOUT)
    one, other = (json.loads(value) for value in await read(settings, "redacted"))
    forged = {**one, field: "responses" if field == "endpoint" else other[field]}
    if field == "policy_version":
        forged[field] = "0" * 16
    offset = await produce(settings, "redacted", json.dumps(forged).encode())
    letter = await letter_from(settings, "redacted", offset)
    assert letter.code is ErrorCode.ATTESTATION_INVALID
    assert len(stub.requests) == 2


async def test_a_worker_does_not_start_without_a_tenants_reply_topic(settings: Settings, stub: OpenAIStub) -> None:
    tenants = {"acme": TenantSettings(reply_topics=("acme.results.nosuch",))}
    with pytest.raises(WrongSettings, match=r"acme\.results\.nosuch"):
        await Worker(msgspec.structs.replace(settings, tenants=tenants), list(ROLES)).start()


async def test_a_stage_that_raises_ends_the_worker_and_loses_nothing(settings: Settings, stub: OpenAIStub) -> None:
    class Broken:
        state: PartitionState | None = None

        async def process(self, inbound: Inbound) -> Sequence[Outbound]:
            raise RuntimeError

    class BrokenRedactor:
        SOURCES = redactor.SOURCES

        @asynccontextmanager
        async def open_stage(self, *_: object) -> AsyncIterator[Stage]:
            yield Broken()

    broken = Worker(settings, list(ROLES), {**ROLES, Role.REDACTOR: BrokenRedactor()})
    await broken.start()
    async with Client(settings) as client:
        await client.submit(client.job(chat(TEXT), job_id="job-1"))
        await asyncio.wait_for(broken.crashed.wait(), TIMEOUT)
        await broken.stop()
        whole = Worker(settings, list(ROLES))
        await whole.start()
        results = [result async for result in first(client.results(follow=True))]
        await whole.stop()
    assert [content(result) for result in results] == [TEXT]


async def test_many_jobs_are_checked_before_any_is_sent_and_a_late_one_does_not_stop_the_rest(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    good, unsafe = client.job(chat(TEXT)), client.job(chat(TEXT), job_id="4012888888881881")
    with pytest.raises(UnsafeJobId):
        await anext(client.complete_all([good, unsafe]))
    assert await read(settings, "jobs") == []
    stub.config.failures.hang.marker = "hang here"
    jobs = [client.job(chat("hang here")), good]
    codes = [result.error and result.error.code async for result in client.complete_all(jobs, timeout=8.0)]
    assert codes == [None, ErrorCode.NO_RESULT]


async def test_topics_are_made_as_the_schemas_say(worker: Worker, settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        names = TopicNames(settings.kafka.topic_prefix).all()
        assert set(names) <= set(await admin.list_topics())
    finally:
        await admin.close()
