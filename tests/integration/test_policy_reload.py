"""A policy file that is changed while the redactor runs: the next jobs follow it, a broken one changes nothing."""

from pathlib import Path

import msgspec

from infra.openai_stub import OpenAIStub
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import PolicySettings, Settings
from schemas.audit import AuditEvent, AuditRecord
from schemas.codes import ErrorCode
from schemas.result import Result, Status
from tests.integration.deployment import Deployment, eventually

MAIL = "mail jane@example.org"


async def ask(client: Client) -> Result:
    return await client.complete(
        client.job({"model": "m", "messages": [{"role": "user", "content": MAIL}]}), timeout=60
    )


async def test_jobs_follow_a_changed_policy_without_a_restart(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[entities]\nEMAIL = "redact"\n', encoding="utf-8")
    settings = msgspec.structs.replace(settings, policy=PolicySettings(file=file))
    async with Deployment(settings, tmp_path, openai_base_url=stub.base_url) as deployment:
        await deployment.start()
        output = deployment.workers[Role.REDACTOR].output

        async def change(text: str, event: str) -> None:
            before = output.read_text().count(event)
            file.write_text(text, encoding="utf-8")
            await eventually(lambda: output.read_text().count(event) > before, timeout=30, what=event)

        async with Client(settings) as client:
            first = await ask(client)
            await change('[entities]\nEMAIL = "block"\n', "policy.reloaded")
            second = await ask(client)
            await change('[entities]\nEMAIL = "hide"\n', "policy.unreadable")
            third = await ask(client)
            await change('[entities]\nEMAIL = "mask"\n', "policy.reloaded")
            fourth = await ask(client)
        assert set((await deployment.terminate()).values()) == {0}
    assert [result.status for result in (first, second, third, fourth)] == [
        Status.COMPLETED, Status.BLOCKED, Status.BLOCKED, Status.COMPLETED,
    ]  # fmt: skip
    assert second.error is not None
    assert second.error.code is ErrorCode.BLOCKED_BY_POLICY
    assert b"jane@example.org" in bytes(first.response or b"")
    assert b"mail ****@*******.***" in bytes(fourth.response or b"")
    assert await versions_of(settings) == {result.policy_version for result in (first, second, third, fourth)}
    assert third.policy_version == second.policy_version
    assert len({first.policy_version, second.policy_version, fourth.policy_version}) == 3


async def versions_of(settings: Settings) -> set[str | None]:
    """The policy versions in the redactor's audit events."""
    name = TopicNames(settings.kafka.topic_prefix)["audit"]
    async with TopicReader(settings, [name], start="beginning", whole=True) as reader:
        values = [record.value async for record in reader.records()]
    records: list[AuditRecord] = [msgspec.json.decode(value, type=AuditRecord) for value in values]
    return {one.policy_version for one in records if isinstance(one, AuditEvent) and one.stage == "redactor"}
