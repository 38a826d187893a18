"""Nothing that is logged shows a value: not a field, a message, an exception, a library's record."""

import ast
import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

import pytest
import structlog

from infra.canaries import make_canaries
from pipeline.logs import SAFE_FIELDS, configure, describe
from pipeline.settings import LogSettings

CANARY = make_canaries(3)["EMAIL"].value  # no literal anywhere, or it would be its logger's own words
LIBRARIES = ["faust", "faust.topics", "mode", "aiokafka.producer", "openai", "httpx2", "httpcore2", "aiohttp.client"]
ROOT = Path(__file__).resolve().parents[2]
DEBUG = LogSettings(level="DEBUG", library_level="DEBUG")


class Log(io.StringIO):
    """What was written, as lines of JSON."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def line(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@contextlib.contextmanager
def process_state() -> Iterator[None]:
    """`configure` is for a whole process; here its effects end with the test."""
    root = logging.getLogger()
    loggers = [item for item in logging.root.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    kept = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in (root, *loggers)]
    hooks = sys.excepthook, sys.unraisablehook, logging.lastResort, logging.raiseExceptions
    thread_hook = threading.excepthook
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()
        for logger, handlers, level, propagate in kept:
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)
        sys.excepthook, sys.unraisablehook, logging.lastResort, logging.raiseExceptions = hooks
        threading.excepthook = thread_hook


@pytest.fixture
def log() -> Iterator[Log]:
    stream = Log()
    with process_state():
        configure(DEBUG, stream)
        yield stream


def fail(text: str) -> None:
    secret = text  # a local that no rendering may show
    raise ValueError(f"cannot read {secret}")


def caught(make: Callable[[], object]) -> Exception:
    try:
        make()
    except Exception as exc:
        return exc
    raise AssertionError("it did not raise")


def test_a_field_that_is_not_declared_is_dropped(log: Log) -> None:
    structlog.get_logger().warning("job.refused", job_id="j-1", code="unsafe_id", prompt=CANARY, value=CANARY)
    line = log.line()
    assert line.keys() == {"event", "level", "timestamp", "job_id", "code"}
    assert (line["event"], line["job_id"], line["code"]) == ("job.refused", "j-1", "unsafe_id")


def test_every_field_that_may_be_rendered_is_one_that_somebody_logs() -> None:
    logged = {"event", "level", "timestamp"}
    for path in [*ROOT.glob("agents/**/*.py"), *ROOT.glob("pipeline/**/*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        given = [keyword.arg for node in nodes if _is_log_call(node) for keyword in node.keywords]
        logged.update(name for name in given if name is not None)
        if None in given:  # a mapping that this module makes
            logged.update(_keys(nodes))
    assert logged >= SAFE_FIELDS, SAFE_FIELDS - logged


def _is_log_call(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and bool(re.match(r"(structlog\.get_)?log", ast.unparse(node.func)))


def _keys(nodes: list[ast.AST]) -> Iterator[str]:
    """Every text by which a mapping is made or filled."""
    for node in nodes:
        keys = node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def test_a_bound_or_context_field_that_is_not_declared_is_dropped(log: Log) -> None:
    with structlog.contextvars.bound_contextvars(prompt=CANARY, role="redactor"):
        structlog.get_logger().bind(text=CANARY).info("job.refused")
    assert CANARY not in log.getvalue()
    assert log.line()["role"] == "redactor"


EVENTS: dict[str, tuple[str, tuple[object, ...]]] = {
    "an f-string": (f"refused {CANARY}", ()),
    "a value alone": (CANARY, ()),
    "arguments": ("refused %s", (CANARY,)),
    "a value with a dot": (CANARY.replace("@", "."), ()),
}


@pytest.mark.parametrize(("event", "args"), EVENTS.values(), ids=EVENTS.keys())
def test_an_event_that_is_no_name_is_not_shown(log: Log, event: str, args: tuple[object, ...]) -> None:
    structlog.get_logger().error(event, *args, code="internal")
    assert CANARY not in log.getvalue()
    assert log.line()["code"] == "internal"


def chained() -> None:
    try:
        fail(CANARY)
    except ValueError as exc:
        raise RuntimeError(CANARY) from exc


def in_context() -> None:
    try:
        fail(CANARY)
    except ValueError:
        raise KeyError(CANARY)  # noqa: B904 - its context is what is tested


def noted() -> None:
    fault = ValueError(CANARY)
    fault.add_note(CANARY)
    raise fault


def grouped() -> None:
    raise ExceptionGroup(CANARY, [caught(chained), ValueError(CANARY)])


RAISED: dict[str, tuple[Callable[[], object], list[str]]] = {
    "a message": (lambda: fail(CANARY), ["ValueError"]),
    "a chain": (chained, ["RuntimeError", "ValueError"]),
    "a context": (in_context, ["KeyError", "ValueError"]),
    "a note": (noted, ["ValueError"]),
    "a group": (grouped, ["ExceptionGroup", "RuntimeError", "ValueError"]),
    "source that does not compile": (lambda: compile(f"{CANARY} = ", CANARY, "exec"), ["SyntaxError"]),
    "json that echoes": (lambda: json.loads(f'{{"a": "{CANARY}"'), ["JSONDecodeError"]),
}


@pytest.mark.parametrize(("make", "types"), RAISED.values(), ids=RAISED.keys())
def test_an_exception_shows_its_types_and_frames_only(log: Log, make: Callable[[], object], types: list[str]) -> None:
    structlog.get_logger().error("job.crashed", exc_info=caught(make))
    line = log.line()
    assert CANARY not in log.getvalue()
    assert "secret" not in log.getvalue()
    shown = "\n".join(line["exception"])
    assert [name for name in types if name not in shown] == []
    assert f"test_logs.py:{caught.__code__.co_firstlineno + 2} caught" in shown


def test_the_exception_under_way_is_rendered_the_same(log: Log) -> None:
    try:
        fail(CANARY)
    except ValueError:
        structlog.get_logger().exception("job.crashed", stack_info=True)
    assert CANARY not in log.getvalue()
    assert log.line()["exception"][0] == "ValueError"


def test_a_cause_that_leads_back_to_itself_ends() -> None:
    one, two = ValueError(CANARY), ValueError(CANARY)
    one.__cause__, two.__cause__ = two, one
    assert describe(one) == ["ValueError", "ValueError"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_librarys_record_shows_its_template_and_no_argument(log: Log, name: str) -> None:
    logging.getLogger(name).debug("k=%r v=%r", CANARY, {"text": CANARY}, extra={"prompt": CANARY})
    line = log.line()
    assert CANARY not in log.getvalue()
    assert line["template"] == "k=%r v=%r"
    assert line["logger"] == name


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_logger_set_up_before_is_taken_over(name: str) -> None:
    stream = Log()
    with process_state():
        logger = logging.getLogger(name)
        logger.addHandler(logging.StreamHandler(stream))
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        configure(DEBUG, stream)
        logger.error("sent %s", CANARY)
        logging.basicConfig(stream=stream, level=logging.DEBUG)  # as openai does when OPENAI_LOG is set
        logger.error("sent %s", CANARY)
    assert CANARY not in stream.getvalue()
    assert [line["template"] for line in stream.lines()] == ["sent %s"] * 2


class Speaking:
    """A message object, as some libraries log exceptions."""

    def __str__(self) -> str:
        return CANARY

    __repr__ = __str__


MESSAGES: dict[str, object] = {
    "an f-string": f"sent {CANARY}",
    "a value alone": CANARY,
    "an object": Speaking(),
    "an exception": ValueError(CANARY),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_a_message_formatted_beforehand_shows_its_place_only(log: Log, message: object) -> None:
    logging.getLogger("mode").error(message)
    line = log.line()
    assert CANARY not in log.getvalue()
    assert "template" not in line
    assert line["place"].startswith("unit/test_logs.py:")


def test_a_librarys_exception_shows_types_and_frames(log: Log) -> None:
    try:
        fail(CANARY)
    except ValueError:
        logging.getLogger("mode").exception("crashed: %r", CANARY, stack_info=True)
    assert CANARY not in log.getvalue()
    assert log.line()["exception"][0] == "ValueError"


def test_a_record_with_wrong_arguments_prints_nothing_else(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    arguments: tuple[object, ...] = (CANARY,)
    logging.getLogger("faust").warning("%d and %d", *arguments)
    assert CANARY not in log.getvalue() + "".join(capsys.readouterr())


@pytest.mark.parametrize("level", [1, 5, 15, 25, 45, 99])
def test_a_level_that_a_library_made_up_is_logged(log: Log, level: int) -> None:
    logging.getLogger("mode").setLevel(1)
    logging.getLogger("mode").log(level, "at %s", CANARY)
    assert log.line()["template"] == "at %s"


def test_a_warning_does_not_show_its_text(log: Log) -> None:
    warnings.simplefilter("always")
    warnings.warn(CANARY, UserWarning, stacklevel=1)
    assert CANARY not in log.getvalue()
    assert log.line()["logger"] == "py.warnings"


def test_debug_lines_of_libraries_are_off_by_default() -> None:
    stream = Log()
    with process_state():
        configure(LogSettings(), stream)
        logging.getLogger("aiokafka.producer").info("value=%s", CANARY)
        structlog.get_logger().debug("job.seen")
    assert stream.getvalue() == ""


PREAMBLE = """
import asyncio, os, sys, threading, warnings
from pipeline.logs import configure, on_loop_exception
from pipeline.settings import LogSettings
configure(LogSettings(level="DEBUG", library_level="DEBUG"))
value = os.environ["CANARY"]
class Fault(Exception): pass
async def fail(): raise Fault(value)
"""
UNCAUGHT = {
    "the main program": "raise Fault(value)",
    "a chain": "try: int(value)\nexcept ValueError as exc: raise Fault(value) from exc",
    "a thread": "def work(): raise Fault(value)\nt = threading.Thread(target=work); t.start(); t.join()",
    "a finaliser": "class Left:\n  def __del__(self): raise Fault(value)\nleft = Left(); del left",
    "a task that nobody awaits": """
async def main():
    asyncio.get_running_loop().set_exception_handler(on_loop_exception)
    task = asyncio.create_task(fail(), name=value)
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)
asyncio.run(main())""",
    "a task, with the loop's own handler": """
async def main():
    task = asyncio.create_task(fail(), name=value)
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)
asyncio.run(main())""",
    "a callback": """
def call(): raise Fault(value)
async def main():
    asyncio.get_running_loop().set_exception_handler(on_loop_exception)
    asyncio.get_running_loop().call_soon(call)
    await asyncio.sleep(0.01)
asyncio.run(main())""",
    "a generator that will not close": """
async def endless():
    try: yield 1
    finally: raise Fault(value)
async def main():
    asyncio.get_running_loop().set_exception_handler(on_loop_exception)
    given = endless(); await anext(given); del given
    await asyncio.sleep(0.01)
asyncio.run(main())""",
}


@pytest.mark.parametrize("script", UNCAUGHT.values(), ids=UNCAUGHT.keys())
def test_what_nobody_caught_shows_its_type_alone(script: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script],
        env={**os.environ, "CANARY": CANARY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Fault" in ended.stderr
    assert CANARY not in ended.stderr + ended.stdout
    assert [json.loads(line) for line in ended.stderr.splitlines()]


def test_a_warning_in_a_process_does_not_show_its_text() -> None:
    script = PREAMBLE + "warnings.simplefilter('always'); warnings.warn(value)"
    environment = {**os.environ, "CANARY": CANARY}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "py.warnings" in ended.stderr
    assert CANARY not in ended.stderr
