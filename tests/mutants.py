"""Valid messages with something wrong: bits flipped, cut, fields swapped, of another kind, twice, or deep."""

import json
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 2**53 + 1, 10**40, 1.5, 1e308, -0.0, "", " ", "\x00", "a\n", "../../etc/passwd",
    "x" * 300, "\u202e", "😀", [], {}, [[]], {"": {}}, {"schema": "job/1"}, "AAAA", "====",
]  # fmt: skip
_NOT_JSON = [
    "NaN",
    "-Infinity",
    "1e999",
    "01",
    '"\\ud800"',
    '"\\x00"',
    "[" * 70 + "]" * 70,
    "[" * 5000,
    "{}{}",
    "/**/1",
]
_MARK = "replaced here 7c1f"


def paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON tree but its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found = []
    for key, value in items:
        found += [(*path, key), *paths(value, (*path, key))]
    return found


def _holder(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


@st.composite
def mutants(draw: st.DrawFn, valid: bytes) -> bytes:
    """Between none and three changes of one message, of its bytes or of what they mean."""
    data = valid
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from([_of_bytes, _of_tree]))
        data = change(draw, data)
    return data


def _of_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    match draw(st.sampled_from(["flip", "cut", "insert", "remove", "double"])):
        case "flip" if data:
            return data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
        case "cut":
            return data[:at]
        case "insert":
            return data[:at] + draw(st.binary(max_size=8)) + data[at:]
        case "remove":
            return data[:at] + data[at + draw(st.integers(1, 30)) :]
    return data + data[at:]


def _of_tree(draw: st.DrawFn, data: bytes) -> bytes:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = paths(tree)
    if not places:
        return data
    path = draw(st.sampled_from(places))
    holder, key = _holder(tree, path), path[-1]
    match draw(st.sampled_from(["value", "no JSON", "remove", "swap", "twice", "more"])):
        case "value":
            holder[key] = draw(st.sampled_from(ODD_VALUES) | st.text(max_size=20))
        case "no JSON":
            holder[key] = _MARK
            return json.dumps(tree).replace(f'"{_MARK}"', draw(st.sampled_from(_NOT_JSON))).encode()
        case "remove":
            del holder[key]
        case "swap":
            other = draw(st.sampled_from(places))
            theirs = _holder(tree, other)[other[-1]]
            holder[key] = json.loads(json.dumps(theirs))
        case "twice" if isinstance(holder, dict):
            again = f"{json.dumps(key)}:{json.dumps(draw(st.sampled_from(ODD_VALUES)))}"
            spelled = f"{json.dumps(key)}: {json.dumps(holder[key])}"
            return json.dumps(tree).replace(spelled, f"{spelled}, {again}", 1).encode(errors="replace")
        case "more" if isinstance(holder, dict):
            holder[draw(st.text(max_size=10))] = draw(st.sampled_from(ODD_VALUES))
    return json.dumps(tree).encode(errors="replace")
