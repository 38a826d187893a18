"""`make demo`: raw jobs in, what OpenAI was sent, restored answers out, and a search of every byte written."""

from infra.demo.run import Demo, run_demo

__all__ = ["Demo", "run_demo"]
