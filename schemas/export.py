"""JSON Schema for every message and an AsyncAPI 3.0 document, generated from the Structs.

`python -m schemas.export` writes them to `schemas/generated/`; a test keeps them in step.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from schemas.audit import AuditCheckpoint, AuditEvent
from schemas.base import Wire
from schemas.completion import Completion
from schemas.deadletter import DeadLetter, Replayed
from schemas.envelope import Envelope, ReplayContent
from schemas.finished import Finished
from schemas.job import Job
from schemas.redacted import RedactedRequest, VaultContent
from schemas.result import Result
from schemas.topics import TOPICS, TopicId

MESSAGES: dict[str, type[Wire]] = {
    message.__name__: message
    for message in (
        Job,
        Envelope,
        RedactedRequest,
        Completion,
        Finished,
        Result,
        AuditEvent,
        AuditCheckpoint,
        DeadLetter,
        Replayed,
    )
}
SEALED: dict[str, type[msgspec.Struct]] = {"VaultContent": VaultContent, "ReplayContent": ReplayContent}
"""What lies inside a seal: described for whoever opens it, never on the wire as it is."""

FOLDER = Path(__file__).parent / "generated"


def json_schema(message: type[msgspec.Struct]) -> dict[str, Any]:
    """The message's JSON Schema (2020-12), self-contained."""
    (root,), definitions = msgspec.json.schema_components([message], ref_template="#/$defs/{name}")
    name = root["$ref"].rsplit("/", 1)[1]
    body = definitions.pop(name)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "$defs": definitions}


def asyncapi(prefix: str = "llm.") -> dict[str, Any]:
    """The topics as channels and each role's reads and writes as operations (AsyncAPI 3.0.0)."""
    reads: dict[str, tuple[TopicId, ...]] = {
        "redactor": ("jobs", "plain"),
        "completer": ("redacted", "finished"),
        "rehydrator": ("completions",),
    }
    writes: dict[str, tuple[TopicId, ...]] = {
        "redactor": ("redacted", "results", "dead_letters", "audit"),
        "completer": ("completions", "finished", "dead_letters", "audit"),
        "rehydrator": ("results", "dead_letters", "audit"),
    }
    operations: dict[str, Any] = {}
    for action, table in (("receive", reads), ("send", writes)):
        for role, topic_ids in table.items():
            for topic_id in topic_ids:
                carried = " and ".join(TOPICS[topic_id].carries)
                operations[f"{role}.{action}.{topic_id}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic_id}"},
                    "summary": f"The {role} {'reads' if action == 'receive' else 'writes'} {carried}.",
                }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Veilstream",
            "version": "1",
            "description": "LLM jobs are redacted before OpenAI sees them and restored afterwards.",
        },
        "defaultContentType": "application/json",
        "channels": {
            topic.id: {
                "address": topic.name(prefix),
                "description": f"Holds {topic.holds} data; kept {topic.retention_ms // 86_400_000} days.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.carries},
            }
            for topic in TOPICS.values()
        },
        "operations": operations,
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "summary": (message.__doc__ or "").splitlines()[0],
                    "payload": {"$ref": f"./{name}.schema.json"},
                }
                for name, message in MESSAGES.items()
            }
        },
    }


def documents() -> dict[str, str]:
    """Every generated file's name and content."""
    content: dict[str, Any] = {
        f"{name}.schema.json": json_schema(message) for name, message in (MESSAGES | SEALED).items()
    }
    content["asyncapi.json"] = asyncapi()
    return {name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in content.items()}


def main() -> None:
    """Write the documents."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
