"""What the demo prints: coloured on a terminal, plain text of the same shape elsewhere."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from infra.demo.views import Row

_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*_[0-9a-z]{8}\]")
_WIDEST = 110
_INDENT = 3
_LABEL_WIDTH = 13
_MOST_LINES = 9
STAGES = 5


class Screen:
    """Wraps by hand, so that plain output has neither broken lines nor trailing blanks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = min(console.width, _WIDEST)
        self.coloured = console.color_system is not None and not console.no_color
        self._number = 0
        self._open_line = False

    def line(self, text: str = "", style: str = "", *, indent: int = 0) -> None:
        """One paragraph."""
        for part in Text(text, style=style).wrap(self._console, self.width - indent) or [Text()]:
            part.rstrip()
            self._print(Text(" " * indent) + part)

    def pair(self, label: str, text: str, style: str = "") -> None:
        """A dim label and what there is to say."""
        self._rows(label, Text(text, style=style), label_style="dim")

    @contextmanager
    def stage(self, doing: str) -> Iterator[None]:
        """Say what is being done, and when it is done, how long it took."""
        self._number += 1
        started = time.monotonic()
        self._console.print(Text(f"{self._number}/{STAGES} {doing} …", style="bold"), end="")
        self._open_line = True
        yield
        self._open_line = False
        self._console.print(Text(f"  {time.monotonic() - started:.1f} s", style="dim"))

    def end_line(self) -> None:
        """Leave a stage's line that an error cut short."""
        if self._open_line:
            self._open_line = False
            self._console.print()

    def heading(self, title: str, outcome: str, *, good: bool) -> None:
        """A job's title and how it ended, on one ruled line."""
        self.line()
        left, right = f"── {title} ", f" {outcome} ──"
        rule = "─" * max(2, self.width - len(left) - len(right))
        self._print(
            Text.assemble((left, "bold"), (rule, "dim"), (right, "bold green" if good else "bold red")),
        )

    def view(self, title: str, rows: Sequence[Row], *, sensitive: Sequence[str], style: str) -> None:
        """One of a job's three views, its sensitive values and its placeholders marked."""
        self._print(Text(f" {title}", style=f"bold {style}"))
        for row in rows:
            self._rows(row.label, self._marked(row.text, sensitive), label_style="dim")

    def _marked(self, text: str, sensitive: Sequence[str]) -> Text:
        shown = Text()
        if not sensitive:
            shown.append(text)
        else:
            values = "|".join(re.escape(value) for value in sorted(sensitive, key=len, reverse=True))
            opening, closing = ("", "") if self.coloured else ("«", "»")
            done = 0
            for match in re.finditer(values, text):
                shown.append(text[done : match.start()])
                shown.append(f"{opening}{match[0]}{closing}", style="black on yellow")
                done = match.end()
            shown.append(text[done:])
        shown.highlight_regex(_PLACEHOLDER, "bold cyan")
        return shown

    def _rows(self, label: str, text: Text, *, label_style: str) -> None:
        lines = [line for line in text.wrap(self._console, self.width - _INDENT - _LABEL_WIDTH) if line.plain.strip()]
        left_out = len(lines) - _MOST_LINES
        if left_out > 1:
            lines = [*lines[:_MOST_LINES], Text(f"… {left_out} more lines", style="dim")]
        for number, line in enumerate(lines):
            line.rstrip()
            start = label if number == 0 else ""
            row = Text.assemble(" " * _INDENT, (start.ljust(_LABEL_WIDTH), label_style), line)
            row.rstrip()
            self._print(row)

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
