"""Settings: `veil.toml` overlaid by `VEIL__SECTION__KEY`, decoded once, strict and frozen.

The OpenAI API key comes from `OPENAI_API_KEY` alone, the base URL from
`OPENAI_BASE_URL`. An unknown key is an error that names it.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from pipeline.errors import VeilError
from schemas.base import END, ID_PATTERN, TopicName
from schemas.codes import ErrorCode

ENV_PREFIX = "VEIL__"

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]
Bytes = Annotated[int, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
MIB = 1024 * 1024


class WrongSettings(VeilError):
    """The settings cannot be used; the detail says which key and where it came from."""

    code = ErrorCode.CONFIGURATION


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of `veil.toml`."""


class KafkaSettings(_Section, frozen=True, kw_only=True):
    """The broker, the topics, and how consumer groups behave on it.

    `session_timeout` is how long a crashed worker keeps its partitions; an outage
    of the broker that lasts longer moves them.
    """

    bootstrap_servers: str = "127.0.0.1:9092"
    topic_prefix: Annotated[str, msgspec.Meta(pattern=rf"^[A-Za-z0-9._-]{{0,64}}{END}")] = "llm."
    partitions: Count = 4
    replication: Count = 1
    session_timeout: Seconds = 45.0
    heartbeat_interval: Seconds = 3.0
    request_timeout: Seconds = 60.0
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: str = ""
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""

    def __repr__(self) -> str:
        return f"<KafkaSettings {self.bootstrap_servers} {self.topic_prefix}>"


class KeysSettings(_Section, frozen=True, kw_only=True):
    """`dir` holds a folder a role, or is one role's own folder.

    A key made with `veil keys rotate` seals and signs only `activation_delay` after it was
    made: until then every process that must open with it has to have got it.
    """

    dir: Path = Path("keys")
    activation_delay: Seconds = 60.0


class StateSettings(_Section, frozen=True, kw_only=True):
    """Where a worker may write; nothing raw goes there."""

    dir: Path = Path(".var/state")


class PolicySettings(_Section, frozen=True, kw_only=True):
    """`accept_plain` accepts jobs on `llm.jobs.plain`: raw on the broker until deleted.

    `shadow_file` is a policy that is tried on every job beside `file`, at the cost of a second
    redaction; what it would do otherwise is counted in the audit trail.
    """

    file: Path | None = None
    shadow_file: Path | None = None
    accept_plain: bool = False


class OpenAISettings(_Section, frozen=True, kw_only=True):
    """Calling OpenAI. A base URL that is neither OpenAI's nor loopback must be in `allowed_hosts`.

    `residency` is OpenAI's prefix of a region (`eu`, `us`, `au`, `in`, `jp`): then no other host of OpenAI's is
    called, so that a forgotten base URL cannot send a region's data elsewhere.

    `max_in_flight` bounds the jobs in a completer that are called for or wait for their call.
    After `breaker_failures` failures in a row that say that OpenAI is down, or one that says that the
    key or the quota is void, calls stop but for a probe at least every `breaker_probe`.

    `retention` is what was agreed with OpenAI, for the disclosure records; `veil doctor` compares it with what
    OpenAI says.

    `stream` asks for answers in pieces, which are put together before anything is handed on: then `timeout` is the
    longest silence in an answer and `stream_timeout` the time for all of it. The redactor's setting, for the
    request is signed.

    Of an answer no more than `max_answer_bytes` are read; a record downstream holds one of up to 23 MiB.

    `reuse_identical` answers a job from another job's stored answer where tenant and
    redacted request are the same, within `delivery.job_window` and one partition of
    the redacted topic. A request that samples gets the same sample again: off by default.
    """

    max_in_flight: Count = 500
    timeout: Seconds = 120.0
    stream: bool = False
    stream_timeout: Seconds = 900.0
    max_attempts: Count = 5
    backoff: Seconds = 0.5
    backoff_max: Seconds = 30.0
    breaker_failures: Count = 10
    breaker_probe: Seconds = 30.0
    max_answer_bytes: Bytes = 16 * MIB
    allowed_hosts: tuple[str, ...] = ()
    residency: Annotated[str, msgspec.Meta(pattern=rf"^([a-z]{{2}})?{END}")] = ""
    retention: Literal["default-30-days", "modified", "zdr"] = "default-30-days"
    reuse_identical: bool = False


class DeliverySettings(_Section, frozen=True, kw_only=True):
    """The offset ledger, and how long a finished job is remembered.

    `linger` is the least time between two transactions of a partition. A job id
    submitted again within `job_window` of its completion is answered without a call.

    Of each role in a process: `max_in_flight` records (completer: `openai.max_in_flight`) and
    `max_in_flight_bytes` are worked on at once, a larger record alone. `look_ahead_bytes` more are
    read ahead of their turn, so that a tenant's few jobs need not wait behind another's many.
    """

    max_in_flight: Count = 64
    max_in_flight_bytes: Bytes = 64 * MIB
    look_ahead_bytes: Bytes = 64 * MIB
    linger: Seconds = 0.03
    drain_deadline: Seconds = 20.0
    transaction_timeout: Seconds = 20.0
    job_window: Seconds = 24 * 3600.0


class ClientSettings(_Section, frozen=True, kw_only=True):
    """The producer's side. A job without an outcome is sent again after `resubmit_after` seconds; 0: never."""

    resubmit_after: Annotated[float, msgspec.Meta(ge=0)] = 300.0


class LimitSettings(_Section, frozen=True, kw_only=True):
    """What a job may be at most, and how long a redacted request stays sendable."""

    job_bytes: Bytes = 8 * MIB
    attestation_lifetime: Seconds = 24 * 3600.0


class AuditSettings(_Section, frozen=True, kw_only=True):
    """A chain is signed after so many events, or so many seconds after one of them."""

    checkpoint_events: Count = 1000
    checkpoint_interval: Seconds = 60.0


class LogSettings(_Section, frozen=True, kw_only=True):
    """Our own log level; other libraries' loggers never show payload at any level."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    library_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    format: Literal["json", "console"] = "json"


class HealthSettings(_Section, frozen=True, kw_only=True):
    """Metrics, liveness and readiness over HTTP; port 0 takes a free one and logs it."""

    host: str = "127.0.0.1"
    port: Port = 0


class TenantSettings(_Section, frozen=True, kw_only=True):
    """What one tenant may ask for. `reply_topics`: full topic names that `reply_to` may name."""

    reply_topics: tuple[TopicName, ...] = ()


class Settings(_Section, frozen=True, kw_only=True):
    """Everything that can be set; see each section."""

    kafka: KafkaSettings = KafkaSettings()
    keys: KeysSettings = KeysSettings()
    state: StateSettings = StateSettings()
    policy: PolicySettings = PolicySettings()
    openai: OpenAISettings = OpenAISettings()
    delivery: DeliverySettings = DeliverySettings()
    audit: AuditSettings = AuditSettings()
    client: ClientSettings = ClientSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    health: HealthSettings = HealthSettings()
    tenants: dict[Annotated[str, msgspec.Meta(pattern=ID_PATTERN)], TenantSettings] = {}


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file (default: `veil.toml` here, if there is one) and the environment over it.

    Raises:
        WrongSettings: the file is missing or no TOML, a key is unknown, a value has the wrong type.
    """
    environ = os.environ if environ is None else environ
    tree = _read_toml(path)
    for variable, value in environ.items():
        if variable.startswith(ENV_PREFIX):
            _overlay(tree, variable, value)
    try:
        return msgspec.convert(tree, Settings, strict=False, dec_hook=_decode_path)
    except msgspec.ValidationError as exc:
        raise WrongSettings(_explain(str(exc))) from None


def _decode_path(kind: type, value: Any) -> Any:
    """Msgspec knows no paths."""
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise msgspec.ValidationError(f"Expected `{kind.__name__}`")


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        path = Path("veil.toml")
        if not path.exists():
            return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise WrongSettings(f"settings file {path} cannot be read ({type(exc).__name__})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        # tomllib's message ends with the place and never quotes a value's text.
        place = re.search(r"\(at line \d+, column \d+\)$", str(exc))
        raise WrongSettings(f"settings file {path} is not valid TOML {place[0] if place else ''}".rstrip()) from None


def _overlay(tree: dict[str, Any], variable: str, value: str) -> None:
    *sections, key = variable.removeprefix(ENV_PREFIX).lower().split("__")
    if not sections or not all(sections) or not key:
        raise WrongSettings(f"{variable} is not of the form {ENV_PREFIX}SECTION__KEY")
    node = tree
    for section in sections:
        child = node.setdefault(section, {})
        if not isinstance(child, dict):
            raise WrongSettings(f"{variable}: {section} is not a section")
        node = child
    node[key] = [part.strip() for part in value.split(",")] if key in _LISTS else value


_LISTS = frozenset({"allowed_hosts", "reply_topics"})


def _explain(message: str) -> str:
    """Msgspec's message without the values it may echo: what is wrong, and where."""
    problem, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    if problem.startswith("Object contains unknown field"):
        field = problem.split("`")[1]
        known = Settings.__struct_fields__
        section = getattr(Settings(), place, None) if place in known else None
        options = ", ".join(section.__struct_fields__ if section is not None else known)
        return f"unknown setting {f'{place}.' if place else ''}{field}; known here: {options}"
    if problem.startswith("Invalid enum value"):
        problem = "not one of the allowed values"
    return f"setting {place or '(top level)'}: {problem}"
