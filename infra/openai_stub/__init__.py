"""A real HTTP server that speaks OpenAI's wire format, records what it got, and misbehaves on demand."""

from infra.openai_stub.config import Failures, Mangling, StubConfig, Trigger
from infra.openai_stub.recording import RecordedRequest
from infra.openai_stub.server import OpenAIStub

__all__ = ["Failures", "Mangling", "OpenAIStub", "RecordedRequest", "StubConfig", "Trigger"]
