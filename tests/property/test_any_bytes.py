"""Nothing is lost or sent unchecked: whatever bytes come in, a stage ends in records, and shows none of the bytes."""

import asyncio
import base64
import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import completer, redactor, rehydrator
from agents.metrics import Metrics
from agents.progress import UnreadableProgress
from agents.progress import decode as decode_progress
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.keys import KeyName, KeyUnavailable, Role
from pipeline.logs import configure
from pipeline.ports import Inbound, Outbound, Stage, TopicNames
from pipeline.sealing import SealContext, seal
from pipeline.settings import KeysSettings, LogSettings, OpenAISettings, PolicySettings, Settings, StateSettings
from schemas.audit import AuditEvent, Decision
from schemas.base import Wire
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope
from schemas.export import MESSAGES
from schemas.redacted import VaultContent
from schemas.topics import TopicId
from tests.mutants import mutants
from tests.unit.test_logs import process_state

NOW = 1_790_000_000.0
CANARY = "kestrel 4711 zq"
"""Nothing that detection knows, and no id: where a job is accepted it is sent, where it is refused it is nowhere."""
TOPICS = TopicNames("llm.")
ID = "job-1"
CHAT = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": f"Be brief. {CANARY}"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Write to jane.roe@example.org, card 4012888888881881."}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "book", "arguments": f'{{"note": "{CANARY}"}}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": CANARY},
    ],
    "temperature": 0.5,
    "metadata": {"case": CANARY},
}
JOB = json.dumps(
    {
        "schema": "job/1",
        "job_id": ID,
        "tenant": "acme",
        "conversation": "conv-1",
        "endpoint": "chat.completions",
        "request": CHAT,
        "labels": {"label": CANARY},
    }
).encode()


class Stages:
    """The three stages with keys of their own, one message after the other."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.settings = Settings(
            keys=KeysSettings(dir=folder / "keys"),
            state=StateSettings(dir=folder / "state"),
            policy=PolicySettings(accept_plain=True),
            openai=OpenAISettings(timeout=5.0, max_attempts=1, backoff=0.001),
        )
        self.log = io.StringIO()

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        init_keys(self.settings.keys.dir, now=NOW)
        self.stub = stub = OpenAIStub(StubConfig(mode="echo", keep_requests=False))
        monkeypatch.setenv("OPENAI_BASE_URL", self._runner.run(stub.start()))
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        self._stack.push_async_callback(stub.stop)
        self.redactor, self.completer, self.rehydrator = (
            self._runner.run(
                self._stack.enter_async_context(module.open_stage(self.settings, TOPICS, lambda: NOW, Metrics()))
            )
            for module in (redactor, completer, rehydrator)
        )

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def process(
        self, stage: Stage, topic: TopicId, value: bytes | None, key: bytes | None = None
    ) -> Sequence[Outbound]:
        self.log.seek(0)
        self.log.truncate()
        inbound = Inbound(topic=TOPICS[topic], partition=0, offset=7, key=key, value=value, timestamp=NOW)
        return self._runner.run(stage.process(inbound))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    opened = Stages(tmp_path_factory.mktemp("stages"))
    with pytest.MonkeyPatch.context() as monkeypatch, process_state():
        configure(LogSettings(level="DEBUG", library_level="DEBUG"), opened.log)
        opened.open(monkeypatch)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def redacted(stages: Stages) -> bytes:
    return stages.process(stages.redactor, "plain", JOB)[0].value


@pytest.fixture(scope="module")
def completion(stages: Stages, redacted: bytes) -> bytes:
    return stages.process(stages.completer, "redacted", redacted)[0].value


def ended(records: Sequence[Outbound]) -> DeadLetter | None:
    """The dead letter that a record ended in, if it did; every end has its audit event."""
    by_topic = {record.topic: record.value for record in records}
    assert len(by_topic) == len(records)
    event = msgspec.json.decode(by_topic[TOPICS["audit"]], type=AuditEvent)
    if TOPICS["dead_letters"] not in by_topic:
        assert len(by_topic.keys() - {TOPICS["finished"]}) == 2
        return None
    letter = msgspec.json.decode(by_topic[TOPICS["dead_letters"]], type=DeadLetter)
    assert letter.code is event.code
    assert letter.code is not ErrorCode.INTERNAL
    assert letter.original is not None
    return letter


def shown(stages: Stages, records: Sequence[Outbound]) -> str:
    """Everything of the records and the log that is not sealed; base64 also decoded."""
    texts = [stages.log.getvalue()]
    for record in records:
        tree = json.loads(record.value)
        for name in ("original", "vault", "replay", "sealed"):
            tree.pop(name, None)
        texts.append(f"{record.key!r} {record.headers!r} {json.dumps(tree, ensure_ascii=False)}")
        texts += [
            base64.b64decode(tree[name]).decode(errors="replace") for name in ("redacted", "body") if tree.get(name)
        ]
    return "\n".join(texts)


# The same examples every time; for a longer search: pytest --hypothesis-profile fuzz tests/property/test_any_bytes.py
many = settings(deadline=None)
if settings.get_current_profile_name() != "fuzz":
    many = settings(many, max_examples=150, derandomize=True)


@many
@given(data=st.data())
def test_a_job_ends_redacted_or_as_a_dead_letter_that_shows_nothing(stages: Stages, data: st.DataObject) -> None:
    value = data.draw(mutants(JOB) | st.binary(max_size=200))
    records = stages.process(stages.redactor, "plain", value, key=CANARY.encode())
    if ended(records) is not None:
        assert CANARY not in shown(stages, records)
    assert "jane.roe@example.org" not in shown(stages, records) or b"jane.roe@example.org" not in value
    assert CANARY not in stages.log.getvalue()


def sealed_job(stages: Stages, inner: bytes) -> bytes:
    key_id, key = load_keyring(stages.settings.keys.dir, Role.CLIENT).sealing_key(KeyName.JOBS)
    context = SealContext(purpose="job", key_id=key_id, tenant="acme", job_id=ID, schema="job/1")
    envelope = Envelope(
        purpose="job",
        job_id=ID,
        content="job/1",
        sealed=seal(inner, key, context),
        binding=context.binding(),
        tenant="acme",
    )
    return msgspec.json.encode(envelope)


@many
@given(data=st.data())
def test_a_sealed_job_does_so_too(stages: Stages, data: st.DataObject) -> None:
    records = stages.process(stages.redactor, "jobs", sealed_job(stages, data.draw(mutants(JOB))))
    if ended(records) is not None:
        assert CANARY not in shown(stages, records)


@pytest.fixture(scope="module")
def envelope(stages: Stages) -> bytes:
    return sealed_job(stages, JOB)


@many
@given(data=st.data())
def test_an_envelope_that_was_changed_opens_as_it_was_sealed_or_not_at_all(
    stages: Stages, envelope: bytes, data: st.DataObject
) -> None:
    records = stages.process(stages.redactor, "jobs", data.draw(mutants(envelope) | st.binary(max_size=200)))
    if ended(records) is None:
        assert json.loads(records[0].value)["job_id"] == ID
    else:
        assert CANARY not in shown(stages, records)


def test_the_completer_answers_a_refusal_exactly_where_its_audit_event_names_the_job(
    stages: Stages, redacted: bytes
) -> None:
    """By that `veil audit verify` tells whether a chain's end must be vouched for."""
    unsigned = json.dumps(json.loads(redacted) | {"policy_version": "another"}).encode()
    for value, answered in ((redacted, True), (unsigned, False), (b"{}", False)):
        stages.stub.config.failures.bad_request.next = 1
        records = {record.topic: record.value for record in stages.process(stages.completer, "redacted", value)}
        stages.stub.config.failures.bad_request.next = 0
        event = msgspec.json.decode(records[TOPICS["audit"]], type=AuditEvent)
        assert event.decision is Decision.REFUSED
        assert (TOPICS["completions"] in records, event.job_id is not None) == (answered, answered)


@many
@given(data=st.data())
def test_a_redacted_request_is_sent_as_it_was_signed_or_ends_as_a_dead_letter(
    stages: Stages, redacted: bytes, data: st.DataObject
) -> None:
    value = data.draw(mutants(redacted) | st.binary(max_size=200))
    records = stages.process(stages.completer, "redacted", value)
    letter = ended(records)
    if letter is None:
        # What is not signed may have been changed (threat model); what was sent has not.
        body, signed = (json.loads(item)["body"] for item in (value, redacted))
        assert body == signed
    elif letter.job_id is None:
        assert CANARY not in shown(stages, records)


@many
@given(data=st.data())
def test_a_completion_is_restored_for_its_requester_or_ends_as_a_dead_letter(
    stages: Stages, completion: bytes, data: st.DataObject
) -> None:
    value = data.draw(mutants(completion) | st.binary(max_size=200))
    records = stages.process(stages.rehydrator, "completions", value)
    ended([record for record in records if record.topic != TOPICS["results"]] if len(records) > 2 else records)
    assert {record.topic for record in records} <= {TOPICS[name] for name in ("results", "audit", "dead_letters")}
    assert CANARY not in shown(stages, records)
    assert "jane.roe@example.org" not in shown(stages, records)


@many
@given(data=st.data())
def test_any_answer_of_openai_is_restored_or_malformed(stages: Stages, completion: bytes, data: st.DataObject) -> None:
    tree = json.loads(completion)
    answer = data.draw(mutants(base64.b64decode(tree["response"])) | st.binary(max_size=200))
    tree["response"] = base64.b64encode(answer).decode()
    records = stages.process(stages.rehydrator, "completions", json.dumps(tree).encode())
    letter = next((record for record in records if record.topic == TOPICS["dead_letters"]), None)
    if letter is not None:
        assert msgspec.json.decode(letter.value, type=DeadLetter).code is ErrorCode.OPENAI_MALFORMED_ANSWER
    assert any(record.topic == TOPICS["results"] for record in records)
    assert CANARY not in shown(stages, records)


@many
@given(data=st.data())
def test_any_vault_opens_or_is_a_dead_letter(stages: Stages, completion: bytes, data: st.DataObject) -> None:
    """Its key is public: whoever may write completions may seal one of their own making."""
    tree = json.loads(completion)
    vault = VaultContent(
        job_id=ID,
        tenant="acme",
        endpoint=tree["endpoint"],
        request_sha256=tree["request_sha256"],
        reply_key="A" * 44,
        originals={},
        issued={},
        received_at=NOW,
        labels={"label": CANARY},
    )
    content = data.draw(mutants(msgspec.json.encode(vault)) | st.binary(max_size=50))
    key_id, key = load_keyring(stages.settings.keys.dir, Role.REDACTOR).sealing_key(KeyName.VAULT)
    context = SealContext(purpose="vault", key_id=key_id, tenant="acme", job_id=ID, schema="vault/1")
    tree["vault"] = msgspec.to_builtins(seal(content, key, context))
    records = stages.process(stages.rehydrator, "completions", json.dumps(tree).encode())
    assert ended(records) is not None
    assert CANARY not in shown(stages, records)


WIRE: list[type[Wire]] = list(MESSAGES.values())


@pytest.mark.parametrize("expected", WIRE, ids=lambda expected: expected.__name__)
@many
@given(data=st.data())
def test_a_message_decodes_or_is_refused_without_its_bytes(
    stages: Stages, redacted: bytes, completion: bytes, expected: type[Wire], data: st.DataObject
) -> None:
    records = stages.process(stages.redactor, "plain", b"{")
    letter, audit = records[0].value, records[1].value
    valid = {
        "Job": JOB,
        "RedactedRequest": redacted,
        "Completion": completion,
        "DeadLetter": letter,
        "AuditEvent": audit,
    }
    value = data.draw(mutants(valid.get(expected.__name__, JOB)) | st.binary(max_size=200))
    error = fault(value, expected)
    if error is not None:
        assert CANARY not in f"{error!r} {error.args} {error.detail}"
        assert error.__suppress_context__ or error.__context__ is None


def fault(value: bytes, expected: type[Wire]) -> VeilError | None:
    try:
        decode(value, expected)
    except VeilError as error:
        return error
    return None


@many
@given(
    st.integers(0, 2**62),
    st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: "1:" + base64.b64encode(raw).decode()),
)
def test_any_offset_metadata_is_progress_or_unreadable(base: int, metadata: str) -> None:
    with contextlib.suppress(UnreadableProgress):
        assert all(offset >= base for offset in decode_progress(base, metadata))


file_names = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)
key_names = st.builds(
    lambda parts, ending: ".".join(parts)[:120] + ending,
    st.lists(
        st.sampled_from(["jobs", "vault", "20260101T000000Z", "0" * 16, "..", "", "x", "KEY"]) | file_names, max_size=5
    ),
    st.sampled_from([".key", ".pub", ".KEY", "", ".key.key"]),
)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(name=key_names.filter(lambda name: name.strip(".") != ""), content=st.binary(max_size=80))
def test_a_file_of_any_name_in_the_keys_folder_is_refused_by_name_or_ignored(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    init_keys(folder, now=NOW)
    odd = folder / Role.CLIENT / name
    try:
        odd.write_bytes(content)
    except OSError:
        return  # too long for this file system
    odd.chmod(0o600)
    with contextlib.suppress(KeyUnavailable):
        load_keyring(folder, Role.CLIENT)


def test_the_unchanged_messages_pass(stages: Stages, redacted: bytes, completion: bytes) -> None:
    """The properties above would hold for a pipeline that refuses everything."""
    assert ended(stages.process(stages.redactor, "plain", JOB)) is None
    assert ended(stages.process(stages.completer, "redacted", redacted)) is None
    assert ended(stages.process(stages.rehydrator, "completions", completion)) is None
