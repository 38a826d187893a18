"""JSON paths: what each leads to, and that nothing else is understood."""

from typing import Any

import pytest

from pipeline.json_path import WrongPath, leaves, parse, select

TREE: dict[str, Any] = {
    "messages": [{"role": "user", "content": "a"}, {"content": [{"text": "b"}, {"text": "c"}]}],
    "metadata": {"name": "d", "o'clock": "e", "größe": {"name": "f"}},
    "name": None,
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.messages[0].content", ["a"]),
        ("$.messages[-1].content[*].text", ["b", "c"]),
        ("$['metadata'][\"o'clock\"]", ["e"]),
        ("$.metadata.größe.name", ["f"]),
        ("$..name", ["d", "f", None]),
        ("$..[1].text", ["c"]),
        ("$..content..text", ["b", "c"]),
        ("$.messages[7].content", []),
        ("$.messages.content", []),
        ("$.metadata.name.name", []),
    ],
)
def test_a_path_leads_to_its_values(path: str, values: list[Any]) -> None:
    assert sorted((node.value for node in select(TREE, path)), key=str) == sorted(values, key=str)


def test_all_below_is_each_value_once() -> None:
    nodes = select(TREE, "$..*")
    assert len(nodes) == len({node.at for node in nodes}) == 16
    assert sorted(str(leaf.value) for node in select(TREE, "$.*") for leaf in leaves(node)) == sorted(
        ["user", "a", "b", "c", "d", "e", "f", "None"]
    )


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("", 1), ("messages", 1), ("$", 2), ("$.", 2), ("$messages", 2), ("$.a b", 4), ("$.a[?@.b]", 4),
        ("$.a[0,1]", 4), ("$.a[0:2]", 4), ("$.a[01]", 4), ("$.a['b", 4), ("$...a", 2), ("$.1a", 2), ("$.a]", 4),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_position(path: str, position: int) -> None:
    with pytest.raises(WrongPath) as caught:
        parse(path)
    assert caught.value.position == position


def test_descent_within_descent_gives_each_value_once() -> None:
    tree: Any = "x"
    for _ in range(400):
        tree = {"a": tree}
    assert len(select(tree, "$..a..a..a..a..a")) == 396
