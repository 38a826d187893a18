"""Where the keys of a TOML file stand: `tomllib` gives values without their lines."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
    (?P<long>\"{3}(?:[^\\]|\\.)*?\"{3,5}|'{3}.*?'{3,5})
    |(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')
    |(?P<comment>\#[^\n]*)
    |(?P<newline>\n)
    |(?P<mark>[\[\]{}=.,])
    |(?P<bare>[^\s\[\]{}=.,\"'\#]+)
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


class KeyLines:
    """The line of each key of a file that `tomllib` has read; items of arrays of tables count from 0."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        self._sizes: dict[KeyPath, int] = {}
        table: KeyPath = ()
        for statement in _statements(text):
            table = self._read(statement, table)

    def __repr__(self) -> str:
        return f"<KeyLines {len(self._lines)}>"

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest key that it is in; None for the file itself."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def _read(self, statement: Sequence[_Token], table: KeyPath) -> KeyPath:
        """Note one statement's keys; gives the table that the next one stands in."""
        marks = 0
        while marks < len(statement) and statement[marks].text == "[":
            marks += 1
        if marks == 0:
            self._note(table, _keys(statement), statement[0].line)
            return table
        keys = _keys(statement[marks:])
        path = self._note((), keys[:-1] if marks == 2 else keys, statement[0].line)
        if marks == 2:
            path = (*path, keys[-1])
            self._lines.setdefault(path, statement[0].line)
            item = self._sizes.get(path, 0)
            self._sizes[path] = item + 1
            path = (*path, item)
            self._lines[path] = statement[0].line
        return path

    def _note(self, path: KeyPath, keys: Sequence[str], line: int) -> KeyPath:
        for key in keys:
            path = (*path, key)
            self._lines.setdefault(path, line)
            if size := self._sizes.get(path):
                # Below an array of tables a name means its last item.
                path = (*path, size - 1)
        return path


def _statements(text: str) -> Iterator[list[_Token]]:
    """Each header and each `key = value`; a value may go over several lines."""
    statement: list[_Token] = []
    depth, line = 0, 1
    for match in _TOKEN.finditer(text):
        token = _Token(str(match.lastgroup), match[0], line)
        line += match[0].count("\n")
        if token.kind == "comment":
            continue
        if token.kind == "newline":
            if statement and depth == 0:
                yield statement
                statement = []
            continue
        depth += (token.text in "[{") - (token.text in "]}") if token.kind == "mark" else 0
        statement.append(token)
    if statement:
        yield statement


def _keys(tokens: Sequence[_Token]) -> list[str]:
    """The parts of a key, up to what ends it."""
    keys: list[str] = []
    for token in tokens:
        if token.kind == "mark" and token.text != ".":
            break
        if token.kind == "text":
            keys.append(tomllib.loads(f"key = {token.text}")["key"])
        elif token.kind == "bare":
            keys.append(token.text)
    return keys
