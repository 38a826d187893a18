"""Logging by allow-list: a field that is not declared safe is dropped before it is rendered.

Records of other libraries are rendered from their message template, never from
their arguments, and only when the template is a literal of the code that logged
it: a message that was formatted beforehand shows its place alone.
"""

import asyncio
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from pipeline.settings import LogSettings

SAFE_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "role", "job_id", "job_hash", "code", "stage", "detail",
        "topic", "partition", "offset", "group", "count", "total", "attempts", "status",
        "duration_s", "wait_s", "pending", "in_flight", "cut", "port",
        "logger", "template", "place", "exception", "exit_code",
    }
)  # fmt: skip
"""Fields that may be rendered. None of them may ever hold a value of a job."""


_EVENT_NAME = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")


def drop_undeclared(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Drop every field outside `SAFE_FIELDS`, and an event that is not `noun.past_participle`; runs last."""
    safe = {name: event_dict[name] for name in event_dict if name in SAFE_FIELDS}
    if not _EVENT_NAME.fullmatch(str(safe.get("event"))):
        # Somebody has formatted values into it; where they did is found by this line's other fields.
        safe["event"] = "event.unnamed"
    return safe


def render_exception(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Turn `exc_info` into types and frames: no message, no locals, no source lines."""
    exc_info = event_dict.pop("exc_info", None)
    event_dict.pop("stack_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()[1]
    elif isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        event_dict["exception"] = describe(exc_info)
    return event_dict


def describe(exc: BaseException) -> list[str]:
    """An exception and its causes as `Type` lines followed by `file:line function` lines."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(type(current).__name__)
        for frame, line in traceback.walk_tb(current.__traceback__):
            code = frame.f_code
            lines.append(f"  {_short(code.co_filename)}:{line} {code.co_name}")
        if isinstance(current, BaseExceptionGroup):
            lines += [f"  | {line}" for part in current.exceptions for line in describe(part)]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _short(filename: str) -> str:
    """The last two parts of a path: enough to find the line, nothing of the machine."""
    return "/".join(filename.replace("\\", "/").split("/")[-2:])


class _ForeignHandler(logging.Handler):
    """Renders other libraries' records through our chain, without their arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {
            "logger": record.name,
            "place": f"{_short(record.pathname)}:{record.lineno}",
        }
        template = record.msg
        if isinstance(template, str) and _is_literal(template):
            fields["template"] = template
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        # structlog knows the five levels only, and a library may have made up its own.
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        structlog.get_logger().log(level, "library.logged", **fields)

    def handleError(self, record: logging.LogRecord) -> None:
        """The stock method prints the record's arguments to stderr."""


def _is_literal(template: str) -> bool:
    """Whether a frame that led to this record has the template among its constants."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(16):
        if frame is None:
            return False
        if template in (const for const in frame.f_code.co_consts if isinstance(const, str)):
            return True
        frame = frame.f_back
    return False


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set up logging for this process: ours, other libraries', and what nobody caught."""
    out = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render_exception,
            drop_undeclared,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            min(logging.getLevelNamesMapping()[level] for level in (settings.level, settings.library_level))
            if settings.library_level == "DEBUG"
            else logging.getLevelNamesMapping()[settings.level]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_ForeignHandler()]
    root.setLevel(settings.library_level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.lastResort = None
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)
    warnings.simplefilter("ignore", ResourceWarning)
    sys.excepthook = _on_uncaught
    sys.unraisablehook = lambda hook: _log_uncaught(hook.exc_value)
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_value)


def on_loop_exception(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """An asyncio exception handler: type and frames of what no task awaited."""
    _log_uncaught(context.get("exception"))


def _on_uncaught(_: type[BaseException], exc: BaseException, __: TracebackType | None) -> None:
    _log_uncaught(exc)


def _log_uncaught(exc: BaseException | None) -> None:
    structlog.get_logger().error("exception.uncaught", exc_info=exc)
