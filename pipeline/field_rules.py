"""Field rules applied to one request: what is dropped and refused before the walk, what is marked for it.

Of `redact` and `allow` the later rule counts, so that a later level of the policy may
say otherwise of a field; `block` and `drop` always count.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.errors import VeilError
from pipeline.json_path import Node, leaves, select
from pipeline.policy_fields import FieldAction, FieldRule
from pipeline.walk import Slot, Use
from schemas.codes import ErrorCode


class FieldBlocked(VeilError):
    """The request has a field that the policy blocks; `detail` is the rule's path."""

    code = ErrorCode.BLOCKED_BY_POLICY


class FieldNotReplaced(VeilError):
    """A field is to be redacted that holds no text of the user's: a number, a word of the API's."""

    code = ErrorCode.FEATURE_REFUSED


class _Mark(NamedTuple):
    node: Node
    value: Any
    rule: FieldRule


@dataclass
class Marks:
    """What the policy's field rules say of the values of one request."""

    dropped: int = 0
    _marks: dict[tuple[int, Any], _Mark] = field(default_factory=dict, repr=False)

    def of(self, slot: Slot) -> FieldRule | None:
        """The rule that counts for a slot."""
        mark = self._marks.get((id(slot.container), slot.key))
        return mark.rule if mark else None

    def check_reached(self, slots: Iterable[Slot]) -> None:
        """See that all that is to be redacted can be: it is a slot that is filled, or the walk has changed it.

        Raises:
            FieldNotReplaced: It would be sent as it is.

        """
        reached = {(id(slot.container), slot.key) for slot in slots if slot.use is not Use.CLEAN}
        for key, (node, value, rule) in self._marks.items():
            if rule.action is FieldAction.REDACT and key not in reached and value not in (None, ""):
                there = not isinstance(node.container, dict) or node.key in node.container
                if there and node.value == value:
                    raise FieldNotReplaced(rule.path)


def apply_field_rules(tree: Any, rules: Iterable[FieldRule]) -> Marks:
    """Drop what the rules drop, and mark what they allow or redact.

    Raises:
        FieldBlocked: A field that a rule blocks is there and not null.

    """
    marked: dict[tuple[int, Any], _Mark] = {}
    dropped: dict[tuple[int, Any], Node] = {}
    for rule in rules:
        for node in select(tree, rule.path):
            match rule.action:
                case FieldAction.BLOCK:
                    if node.value is not None:
                        raise FieldBlocked(rule.path)
                case FieldAction.DROP:
                    dropped[node.at] = node
                case _:
                    marked |= {leaf.at: _Mark(leaf, leaf.value, rule) for leaf in leaves(node)}
    if not dropped:
        return Marks(0, marked)
    gone: dict[int, list[int]] = {}
    for node in sorted(dropped.values(), key=lambda node: node.key if isinstance(node.key, int) else 0, reverse=True):
        del node.container[node.key]
        if isinstance(node.key, int):
            gone.setdefault(id(node.container), []).insert(0, node.key)
    kept = [_moved(mark, gone) for at, mark in marked.items() if at not in dropped]
    return Marks(len(dropped), {mark.node.at: mark for mark in kept})


def _moved(mark: _Mark, gone: dict[int, list[int]]) -> _Mark:
    """A mark where its value is once earlier items of its list are gone."""
    node = mark.node
    if isinstance(node.key, int) and (before := gone.get(id(node.container))):
        node = Node(node.container, node.key - bisect_left(before, node.key))
    return _Mark(node, mark.value, mark.rule)
