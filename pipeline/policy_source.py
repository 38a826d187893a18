"""A policy file as a source of typed values; what is wrong in it is told by line and place, never by value."""

import csv
import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pipeline.errors import VeilError
from pipeline.toml_lines import KeyLines, KeyPath
from schemas.codes import ErrorCode

T = TypeVar("T")

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_TOML_PLACE = re.compile(r"\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)")
_KIND_WORDS = {bool: "true or false", int: "a whole number", str: "a text", list: "a list", dict: "a table"}


class MalformedPolicy(VeilError):
    """The policy file doesn't load; `detail` names the file, the line and the place in it."""

    code = ErrorCode.CONFIGURATION

    def __init__(self, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.line = line


class PolicyPlace(NamedTuple):
    """Where in a policy file: the keys that lead there, and what else tells it apart."""

    path: KeyPath = ()
    label: str = ""

    def at(self, *keys: str | int) -> "PolicyPlace":
        """A place inside this one."""
        return PolicyPlace((*self.path, *keys))

    def labelled(self, label: str) -> "PolicyPlace":
        return PolicyPlace(self.path, f" ({label})")

    def __str__(self) -> str:
        shown = []
        keys = list(self.path)
        while keys:
            first = _shown(keys.pop(0))
            if keys and isinstance(keys[0], int):
                shown.append(f"[[{first}]] #{int(keys.pop(0)) + 1}")
            else:
                shown.append(f"[{first}.{_shown(keys.pop(0))}]" if keys else f"[{first}]")
        return f"{''.join(shown) or 'top level'}{self.label}"


TOP = PolicyPlace()


def _shown(key: object) -> str:
    """A key as a message may show it; an odd one may be a value that stands in the wrong place."""
    return key if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) else "…"


class PolicySource:
    """Where a policy came from; gives typed values and names the place of a wrong one, never the value."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = {path}
        """The policy file and those it names: what has to be watched."""
        self._shared: dict[Hashable, object] = {}
        self._lines = KeyLines("")

    def error(self, message: str, place: PolicyPlace, key: str | None = None) -> MalformedPolicy:
        """The fault of a key, or of a place as a whole."""
        line = self.line(place, key)
        return MalformedPolicy(f"{self.shown(place, key)}: {message}", line)

    def shown(self, place: PolicyPlace, key: str | None = None) -> str:
        """The file, the line and the place."""
        line = self.line(place, key)
        return f"{self.path.name}{f':{line}' if line else ''}: {place}"

    def line(self, place: PolicyPlace, key: str | None = None) -> int | None:
        return self._lines.line(place.path if key is None else (*place.path, key))

    def tree(self) -> dict[str, Any]:
        """The file as TOML gives it."""
        name = self.path.name
        try:
            text = self.path.read_text(encoding="utf-8")
            tree = tomllib.loads(text)
        except OSError as exc:
            raise MalformedPolicy(f"{name}: cannot be read ({type(exc).__name__})") from None
        except UnicodeDecodeError:
            raise MalformedPolicy(f"{name}: is not UTF-8") from None
        except tomllib.TOMLDecodeError as exc:
            # The message may quote the file; only the place in it is kept.
            found = _TOML_PLACE.search(str(exc))
            line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
            column = f" (column {found['column']})" if found and found["line"] else " (at its end)" if found else ""
            raise MalformedPolicy(f"{name}:{line}: is not TOML{column}", line) from None
        self._lines = KeyLines(text)
        return tree

    def values(self, texts: list[str], file: str, column: str, place: PolicyPlace, key: str) -> Iterator[str]:
        """The texts, then those of a file beside this one, read as they are asked for.

        Without a column it is a text a line ("#" starts a comment); with one, the file
        is CSV with a first line that names its columns.
        """
        yield from texts
        if not file:
            return
        fault = ""
        path = self.path.parent / file
        self.files.add(path)
        try:
            with path.open(encoding="utf-8-sig", newline="" if column else None) as lines:
                for text in self._cells(lines, column, place, key) if column else lines:
                    if (text := text.strip()) and not (text.startswith("#") and not column):
                        yield text
        except (OSError, UnicodeDecodeError, csv.Error) as exc:
            fault = type(exc).__name__
        if fault:
            raise self.error(f"{key} cannot be read ({fault})", place, key)

    def _cells(self, lines: Iterable[str], column: str, place: PolicyPlace, key: str) -> Iterator[str]:
        rows = csv.reader(lines)
        header = next(rows, [])
        if column not in header:
            raise self.error(f"{key} has no column of that name", place, key)
        number = header.index(column)
        return (row[number] for row in rows if len(row) > number)

    def shared(self, key: Hashable, build: Callable[[], T]) -> T:
        """What was built under this key before; policies of one file share its lists."""
        if key not in self._shared:
            self._shared[key] = build()
        return cast(T, self._shared[key])

    def only(self, table: Mapping[str, Any], keys: frozenset[str], place: PolicyPlace) -> None:
        for key in table:
            if key not in keys:
                allowed = ", ".join(sorted(keys))
                raise self.error(f"unknown key {_shown(key)} (known: {allowed})", place, key)

    def tables(self, tree: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
        """A table of tables: `[key.NAME]`."""
        value = tree.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
            raise self.error("must be a table of tables", PolicyPlace((key,)))
        return value

    def items(
        self, table: Mapping[str, Any], key: str, place: PolicyPlace
    ) -> Iterator[tuple[PolicyPlace, dict[str, Any]]]:
        """An array of tables: `[[key]]`, each with its place."""
        for number, item in enumerate(self.typed(table, key, list, place) or []):
            inner = place.at(key, number)
            if not isinstance(item, dict):
                raise self.error("must be a table", inner)
            yield inner, item

    def typed(self, table: Mapping[str, Any], key: str, kind: type, place: PolicyPlace) -> Any:
        value = table.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))):
            raise self.error(f"{key} must be {_KIND_WORDS[kind]}", place, key)
        return value

    def flag(self, table: Mapping[str, Any], key: str, default: bool, place: PolicyPlace) -> bool:
        value = self.typed(table, key, bool, place)
        return default if value is None else bool(value)

    def text(self, table: Mapping[str, Any], key: str, default: str, place: PolicyPlace) -> str:
        value = self.typed(table, key, str, place)
        return default if value is None else str(value)

    def texts(self, table: Mapping[str, Any], key: str, place: PolicyPlace) -> list[str]:
        value = self.typed(table, key, list, place) or []
        if not all(isinstance(item, str) and item.strip() for item in value):
            raise self.error(f"{key} must hold non-empty texts only", place, key)
        return list(value)

    def number(self, table: Mapping[str, Any], key: str, default: int, most: int, place: PolicyPlace) -> int:
        value = self.typed(table, key, int, place)
        if value is not None and not 0 <= value <= most:
            raise self.error(f"{key} must be from 0 to {most}", place, key)
        return default if value is None else int(value)

    def score(self, table: Mapping[str, Any], default: float, place: PolicyPlace, key: str = "threshold") -> float:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.error(f"{key} must be a number from 0 to 1", place, key)
        return float(value)
