"""A policy file as a source of typed values; what is wrong in it is told by place, never by value."""

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from pipeline.errors import VeilError
from schemas.codes import ErrorCode

T = TypeVar("T")

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_TOML_PLACE = re.compile(r"\(at (?:line \d+, column \d+|end of document)\)")
_KIND_WORDS = {bool: "true or false", str: "a text", list: "a list", dict: "a table"}


class MalformedPolicy(VeilError):
    """The policy file doesn't load; `detail` names the file and the place in it."""

    code = ErrorCode.CONFIGURATION


class PolicySource:
    """Where a policy came from; gives typed values and names the place of a wrong one, never the value."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shared: dict[str, object] = {}

    def error(self, message: str) -> MalformedPolicy:
        return MalformedPolicy(f"{self.path.name}: {message}")

    def tree(self) -> dict[str, Any]:
        """The file as TOML gives it."""
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as exc:
            raise self.error(f"cannot be read ({type(exc).__name__})") from None
        except UnicodeDecodeError:
            raise self.error("is not UTF-8") from None
        except tomllib.TOMLDecodeError as exc:
            # The message may quote the file; only the place in it is kept.
            place = _TOML_PLACE.search(str(exc))
            raise self.error(f"is not TOML {place[0] if place else ''}".rstrip()) from None

    def values(self, texts: list[str], file: str, column: str, place: str) -> Iterator[str]:
        """The texts, then those of a file beside this one, read as they are asked for.

        Without a column it is a text a line ("#" starts a comment); with one, the file
        is CSV with a first line that names its columns.
        """
        yield from texts
        if not file:
            return
        fault = ""
        try:
            with (self.path.parent / file).open(encoding="utf-8-sig", newline="" if column else None) as lines:
                for text in self._cells(lines, column, place) if column else lines:
                    if (text := text.strip()) and not (text.startswith("#") and not column):
                        yield text
        except (OSError, UnicodeDecodeError, csv.Error) as exc:
            fault = type(exc).__name__
        if fault:
            raise self.error(f"{place} cannot be read ({fault})")

    def _cells(self, lines: Iterable[str], column: str, place: str) -> Iterator[str]:
        rows = csv.reader(lines)
        header = next(rows, [])
        if column not in header:
            raise self.error(f"{place} has no column of that name")
        number = header.index(column)
        return (row[number] for row in rows if len(row) > number)

    def shared(self, place: str, build: Callable[[], T]) -> T:
        """What was built for this place before; policies of one file share its lists."""
        if place not in self._shared:
            self._shared[place] = build()
        return cast(T, self._shared[place])

    @staticmethod
    def shown(key: object) -> str:
        return str(key) if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) else "…"

    def only(self, table: Mapping[str, Any], keys: frozenset[str], place: str) -> None:
        for key in table:
            if key not in keys:
                allowed = ", ".join(sorted(keys))
                raise self.error(f"{place or 'top level'}: unknown key {self.shown(key)} (known: {allowed})")

    def tables(self, tree: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
        value = tree.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
            raise self.error(f"[{key}] must be a table of tables")
        return value

    def typed(self, table: Mapping[str, Any], key: str, kind: type, place: str) -> Any:
        value = table.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))):
            raise self.error(f"{place or 'top level'}: {key} must be {_KIND_WORDS[kind]}")
        return value

    def flag(self, table: Mapping[str, Any], key: str, default: bool, place: str) -> bool:
        value = self.typed(table, key, bool, place)
        return default if value is None else bool(value)

    def text(self, table: Mapping[str, Any], key: str, default: str, place: str) -> str:
        value = self.typed(table, key, str, place)
        return default if value is None else str(value)

    def texts(self, table: Mapping[str, Any], key: str, place: str) -> list[str]:
        value = self.typed(table, key, list, place) or []
        if not all(isinstance(item, str) and item.strip() for item in value):
            raise self.error(f"{place or 'top level'}: {key} must hold non-empty texts only")
        return list(value)

    def score(self, table: Mapping[str, Any], default: float, place: str, key: str = "threshold") -> float:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.error(f"{place or 'top level'}: {key} must be a number from 0 to 1")
        return float(value)
