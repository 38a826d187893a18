"""JSON paths, of RFC 9535: names, indexes, `*` and descendants; no filters, slices or lists of selectors."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

_SEGMENT = re.compile(
    r"""
    (?P<deep>\.\.)? (?:
        \[ [ ]* (?: \* | (?P<index>0|-?[1-9][0-9]{0,8}) | '(?P<quoted>[^'\\]*)' | "(?P<double>[^"\\]*)" ) [ ]* \]
        | (?(deep)|\.) (?: \* | (?P<name>[^\W\d][\w]*) )
    )
    """,
    re.VERBOSE,
)


class WrongPath(ValueError):
    """Not a path of this kind; `position` is the character, from 1, at which it stops being one."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class Step(NamedTuple):
    """One segment: a name, an index, or None for all; `deep`: at any depth below."""

    key: str | int | None
    deep: bool


class Node(NamedTuple):
    """A value of a tree by where it stands: `container[key]`."""

    container: Any
    key: str | int

    @property
    def at(self) -> tuple[int, str | int]:
        """What tells this place from all others while the tree lives."""
        return id(self.container), self.key

    @property
    def value(self) -> Any:
        return self.container[self.key]


@cache
def parse(path: str) -> tuple[Step, ...]:
    """Read a path.

    Raises:
        WrongPath: It is not one, or asks for what isn't supported.

    """
    if not path.startswith("$"):
        raise WrongPath(1)
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _SEGMENT.match(path, at)
        if found is None:
            raise WrongPath(at + 1)
        steps.append(Step(_key(found), found["deep"] is not None))
        at = found.end()
    if not steps:
        # The whole body has nothing that it stands in.
        raise WrongPath(len(path) + 1)
    return tuple(steps)


def select(tree: Any, path: str) -> list[Node]:
    """The nodes of a tree that a path leads to, each once."""
    nodes = [Node([tree], 0)]
    for step in parse(path):
        starts = _below(nodes) if step.deep else nodes
        nodes = list({child.at: child for start in starts for child in _pick(start, step)}.values())
    return nodes


def leaves(node: Node) -> Iterator[Node]:
    """A node's values that are neither lists nor objects."""
    return (each for each in _below([node]) if not isinstance(each.value, dict | list))


def _key(found: re.Match[str]) -> str | int | None:
    if found["index"] is not None:
        return int(found["index"])
    names = (found["quoted"], found["double"], found["name"])
    return next((name for name in names if name is not None), None)


def _below(nodes: Iterable[Node]) -> Iterator[Node]:
    """Nodes and everything in them, each once."""
    pending = list(nodes)
    seen: set[tuple[int, str | int]] = set()
    while pending:
        current = pending.pop()
        if current.at not in seen:
            seen.add(current.at)
            yield current
            pending += _children(current)


def _children(node: Node) -> list[Node]:
    value = node.value
    if isinstance(value, dict):
        return [Node(value, key) for key in value]
    if isinstance(value, list):
        return [Node(value, index) for index in range(len(value))]
    return []


def _pick(node: Node, step: Step) -> list[Node]:
    value = node.value
    match step.key:
        case None:
            return _children(node)
        case str() if isinstance(value, dict) and step.key in value:
            return [Node(value, step.key)]
        case int() if isinstance(value, list) and -len(value) <= step.key < len(value):
            return [Node(value, step.key % len(value))]
        case _:
            return []
