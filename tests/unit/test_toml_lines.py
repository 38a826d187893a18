"""Where a TOML file's keys stand."""

import tomllib

import pytest

from pipeline.toml_lines import KeyLines, KeyPath

TEXT = '''# a comment with [a] = "header"
scope = "job"  # [x]
long = """
[not.a.header]
fake = 1
""\\"" """
raw = \'\'\'
[neither]\'\'\'
many = [
  "a", # ] = [
  { b = 1 },
]

[entities]
EMAIL = "mask"
"a.b".c = { action = "x", "]" = 2 }
[ policies . 'p q' . entities ]
PHONE = 1.5

[[custom]]
entity = "A"
[[custom]]
entity = "B"
  [custom.more]
  deep = [[1, 2],
    [3]]
[[tenants.t.custom]]
entity = "C"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), None), (("scope",), 2), (("long",), 3), (("raw",), 7), (("many",), 9), (("many", "b"), 9),
        (("entities",), 14), (("entities", "EMAIL"), 15), (("entities", "a.b", "c"), 16),
        (("entities", "a.b", "c", "action"), 16), (("policies", "p q"), 17),
        (("policies", "p q", "entities", "PHONE"), 18),
        (("custom", 0), 20), (("custom", 0, "entity"), 21), (("custom", 1, "entity"), 23),
        (("custom", 1, "pattern"), 22),
        (("custom", 1, "more", "deep"), 25), (("tenants", "t", "custom", 0, "entity"), 28), (("tenants", "t"), 27),
        (("nowhere",), None), (("fake",), None), (("neither",), None), (("not",), None),
    ],
)  # fmt: skip
def test_a_keys_line(path: KeyPath, line: int | None) -> None:
    tomllib.loads(TEXT)
    assert KeyLines(TEXT).line(path) == line
