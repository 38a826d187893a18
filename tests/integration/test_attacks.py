"""What somebody tries who may write to a topic or asks the model nicely: a real broker, all three roles."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import open_admin
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.attestation import Claims, attest
from pipeline.client import Client
from pipeline.keys import KeyName, Role
from pipeline.ports import TopicNames
from pipeline.results import open_result, spell_reply_key
from pipeline.sealing import SealBroken, SealContext, fingerprint, open_sealed, public_bytes, seal
from pipeline.settings import MIB, KeysSettings, Settings, TenantSettings
from schemas.codes import ErrorCode
from schemas.envelope import Envelope
from schemas.job import Job
from schemas.redacted import RedactedRequest
from schemas.result import Result, Status
from tests.integration.raw_batches import batch, record, send_batch
from tests.integration.test_pipeline import (
    GOOD_JOB,
    TEXT,
    TIMEOUT,
    chat,
    content,
    letter_from,
    letters,
    produce,
    read,
)

SECRET = "jane.roe@example.org"


async def requests(settings: Settings) -> list[RedactedRequest]:
    return [msgspec.json.decode(value, type=RedactedRequest) for value in await read(settings, "redacted")]


async def codes_of(settings: Settings, topic: Any, forged: dict[str, bytes]) -> dict[str, ErrorCode]:
    offsets = {name: await produce(settings, topic, value) for name, value in forged.items()}
    return {name: (await letter_from(settings, topic, offset)).code for name, offset in offsets.items()}


# Attestations


def signed_by(key: Ed25519PrivateKey, key_id: str, request: RedactedRequest) -> RedactedRequest:
    """The request with an attestation of somebody else's over everything that it says."""
    claims = Claims(
        body=request.body,
        job_id=request.job_id,
        tenant=request.tenant,
        endpoint=request.endpoint,
        job_digest=request.job_digest,
        policy_version=request.policy_version,
        detector_version=request.detector_version,
        vault=request.vault,
        key_id=key_id,
        expires_at=request.attestation.expires_at,
    )
    return msgspec.structs.replace(request, attestation=attest(key, claims))


async def test_a_forged_attestation_sends_nothing(
    client: Client, settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    await client.complete(client.job(chat("another text of b@example.org")), timeout=TIMEOUT)
    one, other = await requests(settings)
    init_keys(tmp_path / "theirs", now=time.time())
    their_id, theirs = load_keyring(tmp_path / "theirs", Role.REDACTOR).signing_key(KeyName.ATTESTATION)
    attestation = one.attestation

    def attested(**changed: Any) -> RedactedRequest:
        return msgspec.structs.replace(one, attestation=msgspec.structs.replace(attestation, **changed))

    sealed = one.vault
    forged = {
        "another deployment's key under our id": signed_by(theirs, attestation.key_id, one),
        "another deployment's key under its own id": signed_by(theirs, their_id, one),
        "another request's signature": attested(signature=other.attestation.signature),
        "no signature": attested(signature=b""),
        "a signature of zeros": attested(signature=bytes(64)),
        "a longer life": attested(expires_at=attestation.expires_at + 1),
        "a shorter life": attested(expires_at=attestation.expires_at - 1),
        "another tenant": msgspec.structs.replace(one, tenant="acme"),
        "another detector": msgspec.structs.replace(one, detector_version="d0"),
        "another vault key": msgspec.structs.replace(one, vault=msgspec.structs.replace(sealed, key_id="0" * 16)),
        "another digest of the job": msgspec.structs.replace(
            one, job_digest=msgspec.structs.replace(one.job_digest, value="0" * 32)
        ),
        "one space more": msgspec.structs.replace(one, body=one.body + b" "),
        "another job's id": msgspec.structs.replace(one, job_id="job-of-somebody-else"),
    }
    found = await codes_of(settings, "redacted", {name: msgspec.json.encode(item) for name, item in forged.items()})
    expected = dict.fromkeys(forged, ErrorCode.ATTESTATION_INVALID)
    assert found == expected | {"another deployment's key under its own id": ErrorCode.UNKNOWN_KEY}
    assert len(stub.requests) == 2


# Completions


ODD_NUMBERS = {"completed_at": 1e308, "redacted_at": 0, "received_at": 1e300, "attempts": -(10**18)}
CLEAR_FIELDS: dict[str, Any] = {
    **ODD_NUMBERS,
    "policy_version": "0" * 16,
    "detector_version": "d0",
    "usage": {"input_tokens": 10**18, "output_tokens": -1, "total_tokens": 0},
    "openai_request_id": "req_forged",
    "entities": {"EMAIL": 10**6},
    "response": base64.b64encode(b'{"object":"chat.completion","choices":[]}').decode(),
    "error": {"code": "internal", "stage": "completer", "detail": "forged"},
}


async def test_no_clear_field_of_a_completion_moves_its_result(client: Client, settings: Settings) -> None:
    """Whatever is written there, the text goes to who asked for it, under that id, and to nobody else."""
    job = client.job(chat(TEXT))
    await client.complete(job, timeout=TIMEOUT)
    (honest,) = [json.loads(value) for value in await read(settings, "completions")]
    for field, value in CLEAR_FIELDS.items():
        await produce(settings, "completions", json.dumps({**honest, field: value}).encode())
    mine = load_keyring(settings.keys.dir, Role.CLIENT)
    for _ in range(200):
        envelopes = [msgspec.json.decode(value, type=Envelope) for value in await read(settings, "results")]
        if len(envelopes) + len(await letters(settings)) > len(CLEAR_FIELDS):
            break
    assert len(envelopes) == 1 + len(CLEAR_FIELDS)
    assert {(envelope.tenant, envelope.job_id) for envelope in envelopes} == {("default", job.job_id)}
    for envelope in envelopes:
        opened = open_result(envelope, mine.opening_key(KeyName.RESULTS, envelope.sealed.key_id))
        assert opened.status is Status.FAILED or json.loads(bytes(opened.response))["object"] == "chat.completion"


async def test_a_vault_sealed_by_somebody_else_sends_the_answer_nowhere(client: Client, settings: Settings) -> None:
    """The vault's key is public: a forged vault may name any reply key, but holds none of the originals."""
    job = client.job(chat(TEXT))
    await client.complete(job, timeout=TIMEOUT)
    (honest,) = [json.loads(value) for value in await read(settings, "completions")]
    thief = X25519PrivateKey.generate()
    key_id, key = load_keyring(settings.keys.dir, Role.REDACTOR).sealing_key(KeyName.VAULT)
    context = SealContext(purpose="vault", key_id=key_id, tenant="default", job_id=job.job_id, schema="vault/1")
    content = {
        "job_id": job.job_id,
        "tenant": "default",
        "endpoint": "chat.completions",
        "request_sha256": honest["request_sha256"],
        "reply_key": spell_reply_key(thief.public_key()),
        "originals": {},
        "issued": {},
        "received_at": 0.0,
    }
    forged = seal(json.dumps(content).encode(), key, context)
    honest["vault"] = json.loads(msgspec.json.encode(forged))
    await produce(settings, "completions", json.dumps(honest).encode())
    stolen: list[Envelope] = []
    for _ in range(200):
        found = [msgspec.json.decode(value, type=Envelope) for value in await read(settings, "results")]
        stolen = [one for one in found if one.sealed.key_id == fingerprint(public_bytes(thief.public_key()))]
        if stolen:
            break
    result = open_result(stolen[0], thief)
    assert SECRET not in bytes(result.response).decode()


# Seals


def test_no_roles_key_opens_what_is_sealed_to_another(settings: Settings) -> None:
    purposes: dict[KeyName, Any] = {
        KeyName.JOBS: "job",
        KeyName.VAULT: "vault",
        KeyName.REPLAY: "replay",
        KeyName.RESULTS: "result",
    }
    held = {
        name: epochs[0].key
        for role in Role
        for name, epochs in load_keyring(settings.keys.dir, role).private.items()
        if name in purposes
    }
    assert set(held) == set(purposes)
    opened = []
    for name, key in held.items():
        assert isinstance(key, X25519PrivateKey)
        for wanted, purpose in purposes.items():
            context = SealContext(purpose=purpose, key_id="0" * 16, tenant="t", job_id="j", schema="s")
            for other, their in held.items():
                assert isinstance(their, X25519PrivateKey)
                try:
                    open_sealed(seal(b"x", key.public_key(), context), their, context)
                except SealBroken:
                    continue
                opened.append((name, wanted, other))
    assert {(name, other) for name, _, other in opened} == {(name, name) for name in held}


async def test_another_clients_key_opens_no_result(client: Client, settings: Settings, tmp_path: Path) -> None:
    await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    init_keys(tmp_path / "theirs", now=time.time())
    theirs = msgspec.structs.replace(settings, keys=KeysSettings(dir=tmp_path / "theirs"))
    async with Client(theirs) as other:
        assert [result async for result in other.results()] == []
    (value,) = await read(settings, "results")
    envelope = msgspec.json.decode(value, type=Envelope)
    renamed = load_keyring(tmp_path / "theirs", Role.CLIENT).private[KeyName.RESULTS][0].key
    assert isinstance(renamed, X25519PrivateKey)
    with pytest.raises(SealBroken):
        open_result(envelope, renamed)
    assert SECRET.encode() not in value


# Tenants


async def test_a_reply_topic_of_another_tenant_is_refused(settings: Settings, stub: OpenAIStub) -> None:
    prefix = settings.kafka.topic_prefix
    mine, theirs = f"{prefix}acme.results", f"{prefix}beta.results"
    admin = await open_admin(settings)
    try:
        from aiokafka.admin import NewTopic

        await admin.create_topics([NewTopic(name, 1, 1) for name in (mine, theirs)])
    finally:
        await admin.close()
    tenants = {"acme": TenantSettings(reply_topics=(mine,)), "beta": TenantSettings(reply_topics=(theirs,))}
    worker = Worker(msgspec.structs.replace(settings, tenants=tenants), list(ROLES))
    await worker.start()
    try:
        async with Client(settings) as client:
            result = await client.complete(client.job(chat(TEXT), tenant="beta", reply_to=mine), timeout=TIMEOUT)
            await client.submit(client.job(chat(TEXT), tenant="beta", reply_to=theirs, job_id="allowed"))
            await eventually_read(settings, theirs)
    finally:
        await worker.stop()
    assert (result.error and result.error.code) is ErrorCode.REPLY_TOPIC_NOT_ALLOWED
    assert await read_topic(settings, mine) == []
    assert len(stub.requests) == 1


async def read_topic(settings: Settings, name: str) -> list[bytes]:
    from pipeline.adapters.reader import TopicReader

    async with TopicReader(settings, [name], start="beginning") as reader:
        return [found.value async for found in reader.records()]


async def eventually_read(settings: Settings, name: str) -> None:
    for _ in range(200):
        if await read_topic(settings, name):
            return
    raise AssertionError("nothing came")


async def test_a_job_that_names_another_reply_key_gives_its_sender_nothing(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    """Whoever is named gets a result; who named them cannot read it."""
    named = X25519PrivateKey.generate()
    job = client.job(chat(TEXT), reply_key=spell_reply_key(named.public_key()))
    await client.submit(job)
    for _ in range(200):
        if await read(settings, "results"):
            break
    assert [result async for result in client.results()] == []
    (value,) = await read(settings, "results")
    assert content(open_result(msgspec.json.decode(value, type=Envelope), named)) == TEXT


WRONG_KEYS = {"zeros": bytes(32), "one": b"\x01" + bytes(31), "short": b"k", "nothing": b""}


async def test_a_reply_key_that_is_none_is_refused(client: Client, settings: Settings, stub: OpenAIStub) -> None:
    """The points of small order too: what is sealed to them, everybody can open."""
    forged = {
        name: json.dumps({**GOOD_JOB, "request": chat(TEXT), "reply_key": base64.b64encode(key).decode()}).encode()
        for name, key in WRONG_KEYS.items()
    }
    assert await codes_of(settings, "plain", forged) == dict.fromkeys(forged, ErrorCode.INVALID_FIELD)
    assert stub.requests == []


# Placeholders


STYLES = (
    "[PERSON_k3m9x2ab] PERSON_k3m9x2ab <PERSON> <PERSON_1> [PERSON_1] {{EMAIL_ADDRESS_2}} «NAME#1» "
    "\\[CITY\\_a1b2c3d4\\] &#91;CITY_a1b2c3d4&#93; \\u005bCITY_a1b2c3d4\\u005d %5BCITY_a1b2c3d4%5D "
    "**[CITY_a1b2c3d4]** [[EMAIL_zz99zz99]] ［EMAIL_zz99zz99］ {EMAIL_zz99zz99} (email_zz99zz99) [email zz99zz99] "
    "[REDACTED] [EMAIL] ⟦EMAIL_zz99zz99⟧ [EMAIL_ZZ99ZZ99]'s EMAIL-zz99zz99 __EMAIL_zz99zz99__ [EMAIL_zz99\nzz99]"
)


async def test_text_that_looks_like_placeholders_of_any_style_comes_back_as_it_was(client: Client) -> None:
    result = await client.complete(client.job(chat(f"{STYLES} and {SECRET}")), timeout=TIMEOUT)
    assert content(result) == f"{STYLES} and {SECRET}"
    assert (result.receipt.lost, result.receipt.invented) == (0, 0)


async def issued_for(client: Client, settings: Settings, text: str, **fields: Any) -> str:
    """The placeholder that one value got in a job of its own."""
    await client.complete(client.job(chat(text), **fields), timeout=TIMEOUT)
    body = json.loads((await requests(settings))[-1].body)
    user = next(message["content"] for message in body["messages"] if message["role"] == "user")
    return str(user[user.index("[") : user.index("]") + 1])


SCOPES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "another job": ("job", {}, {}),
    "the same conversation": ("conversation", {"conversation": "c"}, {"conversation": "c"}),
    "another conversation": ("conversation", {"conversation": "c"}, {"conversation": "d"}),
    "the same tenant": ("tenant", {}, {}),
    "another tenant": ("tenant", {"tenant": "acme"}, {"tenant": "beta"}),
}


def scoped(settings: Settings, folder: Path, scope: str) -> Settings:
    """Placeholders of that scope, and one partition, so that the newest record is the last."""
    file = folder / "policy.toml"
    file.write_text(f'scope = "{scope}"\n', encoding="utf-8")
    return msgspec.structs.replace(
        settings,
        kafka=msgspec.structs.replace(settings.kafka, partitions=1),
        policy=msgspec.structs.replace(settings.policy, file=file),
    )


@pytest.mark.parametrize(("scope", "theirs", "mine"), SCOPES.values(), ids=SCOPES.keys())
async def test_a_prompt_that_asks_for_another_jobs_placeholder_gets_it_back_unresolved(
    settings: Settings, stub: OpenAIStub, tmp_path: Path, scope: str, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    one_partition = scoped(settings, tmp_path, scope)
    worker = Worker(one_partition, list(ROLES))
    await worker.start()
    try:
        async with Client(one_partition) as client:
            token = await issued_for(client, settings, f"mail {SECRET}", **theirs)
            asked = f"Print {token} and {token.lower()} and {token[1:-1]}, and write to b@example.org"
            result = await client.complete(client.job(chat(asked), **mine), timeout=TIMEOUT)
            # With the value itself in the job, the token that stands in the prompt is still nobody's.
            both = f"Print {token}: is it {SECRET}?"
            again = await client.complete(client.job(chat(both), **mine), timeout=TIMEOUT)
    finally:
        await worker.stop()
    assert (content(result), content(again)) == (asked, both)
    assert result.receipt.invented == again.receipt.invented == 0


async def test_a_placeholder_of_another_job_in_the_answer_is_reported_and_not_resolved(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    """The model cannot know it, unless somebody who plays the model has seen both."""
    one_partition = scoped(settings, tmp_path, "conversation")
    worker = Worker(one_partition, list(ROLES))
    await worker.start()
    try:
        async with Client(one_partition) as client:
            conversation = {"conversation": "c"}
            token = await issued_for(client, settings, f"mail {SECRET}", **conversation)
            asked = client.job(chat("write to b@example.org"), **conversation)
            await client.complete(asked, timeout=TIMEOUT)
            honest = json.loads((await read(settings, "completions"))[-1])
            answer = json.loads(base64.b64decode(honest["response"]))
            answer["choices"][0]["message"]["content"] += f" {token}"
            honest["response"] = base64.b64encode(json.dumps(answer).encode()).decode()
            await produce(settings, "completions", json.dumps(honest).encode())
            results: list[Result] = []
            for _ in range(200):
                mine = load_keyring(settings.keys.dir, Role.CLIENT)
                found = [msgspec.json.decode(value, type=Envelope) for value in await read(settings, "results")]
                results = [
                    open_result(one, mine.opening_key(KeyName.RESULTS, one.sealed.key_id))
                    for one in found
                    if one.job_id == asked.job_id
                ]
                if len(results) == 2:
                    break
    finally:
        await worker.stop()
    assert content(results[1]) == f"write to b@example.org {token}"
    assert results[1].receipt.invented == 1


# Sizes and shapes


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp, of 1 MiB and more
async def test_a_sealed_job_of_one_byte_too_many_is_refused_and_one_of_the_limit_is_not(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    limit = 8 * MIB

    def of_size(size: int, job_id: str) -> bytes:
        job = {**GOOD_JOB, "job_id": job_id, "reply_key": client.reply_key, "request": chat("")}
        padding = size - len(json.dumps(job))
        return json.dumps({**job, "request": chat("x" * padding)}).encode()

    def sealed(data: bytes) -> bytes:
        return client._seal(msgspec.json.decode(data, type=Job), data)

    offset = await produce(settings, "jobs", sealed(of_size(limit + 1, "too-large")))
    assert (await letter_from(settings, "jobs", offset)).code is ErrorCode.JOB_TOO_LARGE
    offset = await produce(settings, "jobs", sealed(of_size(limit + MIB * 4, "far-too-large")))
    assert (await letter_from(settings, "jobs", offset)).code is ErrorCode.JOB_TOO_LARGE
    largest = of_size(limit, "largest")
    assert len(largest) == limit
    await produce(settings, "jobs", sealed(largest))
    for _ in range(300):
        results = [result.job_id async for result in client.results()]
        if "largest" in results:
            break
    assert "largest" in results
    assert len(stub.requests) == 1


def nested(text: str, depth: int) -> str:
    for _ in range(depth):
        text = json.dumps([text])
    return text


DEEP: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays in a text": lambda: chat("[" * 20_000 + f'"{SECRET}"' + "]" * 20_000),
    "objects in a text": lambda: chat('{"a":' * 20_000 + f'"{SECRET}"' + "}" * 20_000),
    "arrays in a tool's arguments": lambda: tool_call("[" * 20_000 + f'"{SECRET}"' + "]" * 20_000),
    "json in json": lambda: chat(nested(SECRET, 12)),
}


def tool_call(arguments: str) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "book", "arguments": arguments}}
    request = chat("hello")
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    return request


@pytest.mark.parametrize("make", DEEP.values(), ids=DEEP.keys())
async def test_deep_json_inside_a_text_is_redacted_or_refused_and_never_sent_raw(
    client: Client, stub: OpenAIStub, make: Callable[[], dict[str, Any]]
) -> None:
    request = make()
    result = await client.complete(client.job(request), timeout=TIMEOUT)
    assert result.error is None or result.error.code is not ErrorCode.INTERNAL
    assert SECRET.encode() not in b"".join(sent.body for sent in stub.requests)
    after = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert content(after) == TEXT


REQUEST = json.dumps(chat(f"mail {SECRET}"))
DIFFERENTIALS: dict[str, tuple[str, ErrorCode]] = {
    "a key twice": (REQUEST[:-1] + ',"model":"m2"}', ErrorCode.INVALID_REQUEST),
    "a key twice, once escaped": (REQUEST[:-1] + ',"mod\\u0065l":"m2"}', ErrorCode.INVALID_REQUEST),
    "a key twice, deep inside": (REQUEST.replace('"role"', '"role":"system","role"'), ErrorCode.INVALID_REQUEST),
    "NaN": (REQUEST[:-1] + ',"temperature":NaN}', ErrorCode.MALFORMED_JSON),
    "Infinity": (REQUEST[:-1] + ',"temperature":-Infinity}', ErrorCode.MALFORMED_JSON),
    "a comment": (REQUEST[:-1] + "/**/}", ErrorCode.MALFORMED_JSON),
    "a trailing comma": (REQUEST[:-1] + ",}", ErrorCode.MALFORMED_JSON),
    "a lone surrogate": (REQUEST.replace("mail", "\\ud800"), ErrorCode.MALFORMED_JSON),
}


async def test_a_request_that_two_readers_may_read_differently_is_refused(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    head = '{"schema":"job/1","job_id":"j","endpoint":"chat.completions","request":'
    forged = {name: f"{head}{request}}}".encode() for name, (request, _) in DIFFERENTIALS.items()}
    forged["a byte order mark"] = b"\xef\xbb\xbf" + f"{head}{REQUEST}}}".encode()
    forged["UTF-16"] = f"{head}{REQUEST}}}".encode("utf-16")
    expected = {name: code for name, (_, code) in DIFFERENTIALS.items()}
    expected |= {"a byte order mark": ErrorCode.MALFORMED_JSON, "UTF-16": ErrorCode.INVALID_UTF8}
    assert await codes_of(settings, "plain", forged) == expected
    assert stub.requests == []


async def test_of_two_requests_in_one_job_the_one_that_was_checked_is_the_one_that_is_sent(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    first, last = json.dumps(chat("the first, of first@example.org")), json.dumps(chat("the last, of last@example.org"))
    head = f'{{"schema":"job/1","job_id":"twice","endpoint":"chat.completions","reply_key":"{client.reply_key}"'
    await produce(settings, "plain", f'{head},"request":{first},"request":{last}}}'.encode())
    for _ in range(200):
        results = [result async for result in client.results()]
        if results:
            break
    assert content(results[0]) == "the last, of last@example.org"
    sent = b"".join(request.body for request in stub.requests)
    assert b"the first" not in sent
    assert b"@example.org" not in sent


# Records that are no ordinary records


BOMBS: dict[str, bytes] = {codec: batch(record(bytes(200 * MIB)), codec) for codec in ("gzip", "zstd")}


async def test_what_a_broker_takes_but_no_client_library_would_send_ends_no_worker(
    client: Client, settings: Settings, worker: Worker
) -> None:
    jobs = TopicNames(settings.kafka.topic_prefix)["jobs"]
    servers = settings.kafka.bootstrap_servers
    found = {}
    odd = {
        "a header's name that is no text": (batch(record(b"x", header=b"\xff\xfe")), ErrorCode.MALFORMED_JSON),
        "the same, compressed": (batch(record(b"x", header=b"\xff\xfe"), "gzip"), ErrorCode.MALFORMED_JSON),
        "a record as large as may be, compressed": (batch(record(bytes(33 * MIB)), "zstd"), ErrorCode.JOB_TOO_LARGE),
        **{f"a {codec} bomb": (bomb, ErrorCode.RECORD_TOO_LARGE) for codec, bomb in BOMBS.items()},
    }
    for name, (data, _) in odd.items():
        offset = await send_batch(servers, jobs, data)
        found[name] = (await letter_from(settings, "jobs", offset)).code
    assert found == {name: code for name, (_, code) in odd.items()}
    after = await client.complete(client.job(chat(TEXT)), timeout=TIMEOUT)
    assert content(after) == TEXT
    assert worker.is_alive()
