"""`python -m infra.openai_stub`: serve until Ctrl-C; the first line on stdout is the base URL."""

import argparse
import asyncio
import signal
from pathlib import Path

import msgspec

from infra.openai_stub.config import StubConfig
from infra.openai_stub.server import OpenAIStub


async def serve(stub: OpenAIStub, host: str, port: int) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    print(await stub.start(host, port), flush=True)
    try:
        await done.wait()
    finally:
        await stub.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.openai_stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--mode", choices=["helpful", "echo", "tool_calls"], default="helpful")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="SECONDS", help="up to so much more")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every request as a JSON line")
    parser.add_argument("--config", default="{}", metavar="JSON", help="anything else, as for PUT /_stub/config")
    parser.add_argument("--seed", type=int, help="make probabilities repeatable")
    options = parser.parse_args()
    flags = {"mode": options.mode, "latency_s": options.latency, "latency_jitter_s": options.jitter}
    try:
        given = msgspec.json.decode(options.config)
        config = StubConfig().updated(flags | given)
    except (msgspec.DecodeError, TypeError) as exc:
        parser.error(f"--config: {exc}")
    asyncio.run(serve(OpenAIStub(config, record=options.record, seed=options.seed), options.host, options.port))


if __name__ == "__main__":
    main()
