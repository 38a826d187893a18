"""The three stages with keys of their own and no broker: one record after the other."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from agents import completer, redactor, rehydrator
from agents.metrics import Metrics
from agents.worker import RoleModule
from infra.openai_stub import OpenAIStub
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.keys import KeyName, Role
from pipeline.ports import Inbound, Stage, TopicNames
from pipeline.results import open_result
from pipeline.settings import KeysSettings, OpenAISettings, PolicySettings, Settings
from schemas.envelope import Envelope
from schemas.redacted import RedactedRequest
from schemas.result import Result
from schemas.topics import TopicId

NOW = 1_790_000_000.0
TOPICS = TopicNames("llm.")


class Stages:
    """A deployment under a policy (TOML) that takes plain jobs; `stub` is what its completer calls."""

    stub: OpenAIStub

    def __init__(self, folder: Path, *, policy: str = "", **openai: Any) -> None:
        self.keys = folder / "keys"
        file = folder / "policy.toml"
        file.write_text(policy)
        self.settings = Settings(
            keys=KeysSettings(dir=self.keys),
            policy=PolicySettings(accept_plain=True, file=file),
            openai=OpenAISettings(timeout=5.0, max_attempts=1, backoff=0.001, **openai),
        )
        self._stack = AsyncExitStack()
        self._opened: dict[RoleModule, Stage] = {}

    async def __aenter__(self) -> "Stages":
        if not self.keys.exists():
            init_keys(self.keys, now=NOW)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def redact(self, body: Any, **fields: Any) -> RedactedRequest:
        """A plain job's redacted request."""
        job = {"schema": "job/1", "job_id": "j1", "endpoint": "chat.completions", "request": body, **fields}
        records = await self._do(redactor, "plain", msgspec.json.encode(job))
        return msgspec.json.decode(records["redacted"], type=RedactedRequest)

    async def complete(self, request: RedactedRequest) -> dict[str, bytes]:
        """The completer's records by topic."""
        return await self._do(completer, "redacted", msgspec.json.encode(request))

    async def restore(self, completion: bytes) -> Result:
        """The opened result."""
        records = await self._do(rehydrator, "completions", completion)
        envelope = msgspec.json.decode(records["results"], type=Envelope)
        key = load_keyring(self.keys, Role.CLIENT).opening_key(KeyName.RESULTS, envelope.sealed.key_id)
        return open_result(envelope, key)

    async def _do(self, module: RoleModule, source: TopicId, value: bytes) -> dict[str, bytes]:
        if module not in self._opened:
            opening = module.open_stage(self.settings, TOPICS, lambda: NOW, Metrics())
            self._opened[module] = await self._stack.enter_async_context(opening)
        inbound = Inbound(topic=TOPICS[source], partition=0, offset=7, key=b"k", value=value, timestamp=NOW)
        records = await self._opened[module].process(inbound)
        return {record.topic.removeprefix(TOPICS.prefix): record.value for record in records}
