"""What `veil doctor` looks at: each check says what is, and what to do when it is wrong."""

import os
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
from aiokafka.errors import KafkaError

from agents.plain_jobs import raw_bytes_gone_after
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.kafka import check_topics, open_admin, retention_check_interval_ms
from pipeline.adapters.keyring import load_keyring, role_dir
from pipeline.adapters.openai_llm import DEFAULT_BASE_URL, check_base_url
from pipeline.adapters.openai_retention import read_retention
from pipeline.adapters.reader import TopicReader
from pipeline.adapters.recognizers.running import RunningPlugins
from pipeline.errors import VeilError
from pipeline.keys import HOLDINGS
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.settings import Settings
from schemas.topics import DAY_MS, TOPICS


class Check(msgspec.Struct, frozen=True):
    """One finding of the doctor."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    finding: str


async def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which a newcomer would fix them."""
    checks = [_versions(), _engine(), _policy(settings), *_keys(settings), _openai(settings), _roles_apart()]
    broker = await _guard("broker", lambda: _broker(settings))
    checks.append(broker)
    if broker.verdict != "fail":
        checks.append(await _guard("topics", lambda: _topics(settings)))
        checks.append(await _guard("raw on disk: plain jobs", lambda: _plain_jobs(settings)))
    checks += [await check_retention(settings), _named_places(), _tenancy(settings)]
    return checks


async def _guard(name: str, check: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await check()
    except VeilError as error:
        return Check(name, "fail", error.detail)
    except (KafkaError, OSError) as exc:
        return Check(name, "fail", type(exc).__name__)


def _versions() -> Check:
    names = ("veilstream", "faust-streaming", "aiokafka", "openai", "cryptography")
    found = ", ".join(f"{name} {version(name)}" for name in names)
    return Check("versions", "ok", f"Python {sys.version.split()[0]}, {found}")


def _engine() -> Check:
    engine = cached_engine()
    if engine.name == "hyperscan":
        return Check("detection engine", "ok", engine.version)
    return Check(
        "detection engine",
        "warn",
        f"{engine.version}: the same findings at a thirtieth of the speed; pip install hyperscan",
    )


def _policy(settings: Settings) -> Check:
    try:
        policies = load_policies(settings.policy.file)
        policy = policies.select("default", None)
        detector = PolicyDetectors(policies, RunningPlugins(), cached_engine())(policy)
    except VeilError as error:
        return Check("policy", "fail", error.detail or error.code)
    where = settings.policy.file or "built in"
    return Check("policy", "ok", f"{where}, version {policy.version}, detector {detector.version}")


def _keys(settings: Settings) -> list[Check]:
    """The roles whose folders can be read from here; a role apart is not expected to read the others."""
    checks = []
    root = settings.keys.dir
    if not root.is_dir():
        return [Check("keys", "fail", f"no keyring at {root}: make one with `veil keys init --dir {root}`")]
    for role in HOLDINGS:
        folder = role_dir(root, role)
        name = f"keys: {role}"
        if folder == root:
            continue
        if not os.access(folder, os.R_OK | os.X_OK):
            checks.append(Check(name, "ok", "not readable from here, as it should be for another role"))
            continue
        try:
            load_keyring(root, role)
        except VeilError as error:
            checks.append(Check(name, "fail", error.detail))
        else:
            private = ", ".join(sorted(HOLDINGS[role].private)) or "none"
            checks.append(Check(name, "ok", f"private: {private}"))
    return checks or [Check("keys", "warn", f"{root} is one role's own folder; it is checked when that role starts")]


def _openai(settings: Settings) -> Check:
    base_url = os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    try:
        check_base_url(base_url, settings.openai)
    except VeilError as error:
        return Check("openai", "fail", error.detail)
    if not os.environ.get("OPENAI_API_KEY"):
        return Check("openai", "warn", f"{base_url}; OPENAI_API_KEY is not set here (only the completer needs it)")
    return Check("openai", "ok", base_url)


def _roles_apart() -> Check:
    return Check(
        "roles apart",
        "warn",
        "with --role all the process that calls OpenAI also holds the keys; in production run each role by itself",
    )


async def _broker(settings: Settings) -> Check:
    admin = await open_admin(settings)
    try:
        brokers = (await admin.describe_cluster())["brokers"]
    finally:
        await admin.close()
    address = f"{settings.kafka.bootstrap_servers} answers, {len(brokers)} broker(s)"
    if len(brokers) < 3 or settings.kafka.replication < 3:
        return Check("broker", "warn", f"{address}; under three replicas a broker's crash can lose records")
    return Check("broker", "ok", address)


async def _topics(settings: Settings) -> Check:
    faults = await check_topics(settings)
    if faults:
        return Check("topics", "fail", "; ".join(faults))
    kept = ", ".join(f"{topic.suffix} {topic.retention_ms // DAY_MS} d ({topic.holds})" for topic in TOPICS.values())
    return Check("topics", "ok", f"kept: {kept}")


async def _plain_jobs(settings: Settings) -> Check:
    """The one exception to "only redacted events are persisted", counted: what lies raw on the broker now."""
    name = "raw on disk: plain jobs"
    topic = TOPICS["plain"]
    full_name = topic.name(settings.kafka.topic_prefix)
    async with TopicReader(settings, [full_name], start="beginning") as reader:
        left = reader.unread
    state = "accepted" if settings.policy.accept_plain else "not accepted (each becomes a dead letter)"
    finding = f"plain jobs are {state}; {left} raw record(s) on {full_name} now. "
    faults = [fault for fault in await check_topics(settings) if fault.startswith(f"{full_name}: ")]
    if faults:
        return Check(name, "fail", f"{finding}How long their bytes stay on disk is not bounded: {'; '.join(faults)}")
    interval = await retention_check_interval_ms(settings)
    bound = raw_bytes_gone_after(interval, int(topic.config["file.delete.delay.ms"]))
    finding += (
        f"Of a processed one no byte is left in the broker's files after {bound:.0f} s at most; "
        f"{interval / 1000:.0f} s of it are the broker's log.retention.check.interval.ms"
    )
    return Check(name, "warn" if settings.policy.accept_plain or left else "ok", finding)


_AGREED = {
    "none": "default-30-days",
    "modified_abuse_monitoring": "modified",
    "zero_data_retention": "zdr",
}
"""OpenAI's names of what `openai.retention` may say, the longest first."""


async def check_retention(settings: Settings) -> Check:
    """What OpenAI keeps: by the settings, and by its own word where an admin key is given."""
    name, said = "kept by OpenAI", settings.openai.retention
    kept = {
        "default-30-days": "redacted requests and answers stay in OpenAI's abuse-monitoring logs for up to 30 days, "
        "store=false or not; only Zero Data Retention or Modified Abuse Monitoring changes that",
        "modified": "Modified Abuse Monitoring: nothing in the logs, prompt caches for up to 24 hours",
        "zdr": "Zero Data Retention: nothing, unless a policy allows an extended prompt cache",
    }[said]
    admin_key = os.environ.get("OPENAI_ADMIN_KEY")
    if not admin_key:
        return Check(name, "warn", f"{kept} (openai.retention; with OPENAI_ADMIN_KEY OpenAI is asked, too)")
    base_url = os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    try:
        told = await read_retention(base_url, admin_key, settings.openai)
    except VeilError as error:
        return Check(name, "warn", f"{kept} (openai.retention; what OpenAI says could not be read: {error.detail})")
    if told not in _AGREED:
        return Check(
            name, "warn", f"{kept} (openai.retention); OpenAI says {told}, which is to be read in the contract"
        )
    agreed = list(_AGREED.values())
    if agreed.index(said) > agreed.index(_AGREED[told]):
        finding = f"OpenAI says {told} of the organisation, openai.retention {said}: more is kept than is recorded"
        return Check(name, "fail", finding)
    if _AGREED[told] != said:
        finding = f"OpenAI says {told} of the organisation, openai.retention {said}: less is kept than is recorded"
        return Check(name, "warn", finding)
    verdict: Literal["ok", "warn"] = "warn" if said == "default-30-days" else "ok"
    return Check(name, verdict, f"{kept}; OpenAI says so of the organisation, a project of it may differ")


def _named_places() -> Check:
    return Check(
        "raw on disk: files",
        "warn",
        f"files written with --out hold restored results (mode 0600); none elsewhere under {Path.cwd()}",
    )


def _tenancy(settings: Settings) -> Check:
    if settings.tenants:
        return Check(
            "tenants",
            "warn",
            "a job's tenant is what its producer says; bind it by a topic ACL, or trust every producer",
        )
    return Check("tenants", "ok", "single tenant: a job's tenant is a label, not a boundary")
