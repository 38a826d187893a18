"""What a policy file declares of its own: it reaches the detector of those it is for, and of nobody else."""

from pathlib import Path

import pytest

from pipeline.adapters.recognizers.running import RunningPlugins
from pipeline.detection import Finding
from pipeline.policy import Action, MalformedPolicy, PluginUse, Policies, load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.text import RawText


def load(tmp_path: Path, text: str) -> Policies:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policies(path)


def kinds(policies: Policies, tenant: str, text: str, policy: str | None = None) -> list[str]:
    detector = PolicyDetectors(policies)(policies.select(tenant, policy))
    return [
        finding.entity for finding in detector.detect(RawText(text), prose=False)
    ]  # what the names model guesses is not at stake


LEVELS = """
[[custom]]
entity = "EVERYONES"
exact = ["basalt"]
[[policies.finance.custom]]
entity = "FINANCES"
pattern = 'FX-\\d{4}'
[[tenants.one.custom]]
entity = "ONES"
exact = ["cobalt"]
[[tenants.other.custom]]
entity = "OTHERS"
exact_file = "others.csv"
exact_column = "name"
"""


def test_each_level_adds_its_own_and_no_tenant_gets_anothers(tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text('id,name\n1,"zinc, white"\n2,\n3,tin\n', encoding="utf-8")
    policies = load(tmp_path, LEVELS)
    text = "basalt; FX-1234; cobalt; zinc, white; tin"
    assert kinds(policies, "one", text) == ["EVERYONES", "ONES"]
    assert kinds(policies, "other", text) == ["EVERYONES", "OTHERS", "OTHERS"]
    assert kinds(policies, "third", text) == ["EVERYONES"]
    assert kinds(policies, "one", text, "finance") == ["EVERYONES", "FINANCES", "ONES"]
    assert len({policies.select(tenant, None).version for tenant in ("one", "other", "third")}) == 3


def test_policies_of_a_file_share_its_lists(tmp_path: Path) -> None:
    policies = load(tmp_path, '[[custom]]\nentity = "A_B"\nexact = ["x"]\n[policies.p]\n[tenants.t]\n')
    tables = {id(policies.select(*wanted).exact_lists[0].values) for wanted in (("", None), ("", "p"), ("t", None))}
    assert len(tables) == 1


def test_allow_lists_of_all_levels_add_up_for_their_tenant_alone(tmp_path: Path) -> None:
    (tmp_path / "public.txt").write_text("# public addresses\npress@example.org\n", encoding="utf-8")
    policies = load(
        tmp_path,
        'allow = ["Help Desk"]\nallow_file = "public.txt"\n'
        "[tenants.shop]\nallow_patterns = ['(?:info|sales)@shop\\.example']\n",
    )
    texts = ["HELP DESK", "Press@example.org", "sales@shop.example", "xsales@shop.example", "help  desk", "help"]
    assert [policies.select("shop", None).allows(text) for text in texts] == [True, True, True, False, False, False]
    assert [policies.select("else", None).allows(text) for text in texts] == [True, True, False, False, False, False]


def test_a_custom_entity_has_the_action_and_threshold_that_it_is_given(tmp_path: Path) -> None:
    table = '[[custom]]\nentity = "CASE"\npattern = \'C-\\d{4}\'\naction = "block"\nscore = 0.6\n'
    policies = load(tmp_path, table)
    assert policies.select("t", None).action("CASE") is Action.BLOCK
    assert kinds(policies, "t", "C-2031") == ["CASE"]
    assert kinds(load(tmp_path, table + "threshold = 0.7\n"), "t", "C-2031") == []


@pytest.mark.parametrize(
    "changed",
    [
        "pattern = 'C-\\d{5}'",
        "pattern = 'C-\\d{4}'\nchecksum = \"luhn\"",
        "pattern = 'C-\\d{4}'\ncontext = [\"case\"]",
        'exact = ["a"]',
        'exact = ["b"]',
    ],
)
def test_the_versions_change_with_what_is_declared(tmp_path: Path, changed: str) -> None:
    def versions(text: str) -> tuple[str, str]:
        policies = load(tmp_path, '[[custom]]\nentity = "CASE"\n' + text)
        policy = policies.select("t", None)
        return policy.version, PolicyDetectors(policies)(policy).version

    policy, detector = versions("pattern = 'C-\\d{4}'")
    assert versions("pattern = 'C-\\d{4}'") == (policy, detector)
    other_policy, other_detector = versions(changed)
    assert other_policy != policy
    assert other_detector != detector


@pytest.mark.parametrize("key", ["allow_patterns = ['a']", 'allow = ["a"]'])
def test_the_policys_version_changes_with_what_is_allowed(tmp_path: Path, key: str) -> None:
    assert load(tmp_path, key).select("t", None).version != load(tmp_path, "").select("t", None).version


class Fixed:
    """A plug-in that finds two kinds at the start of every text."""

    name = "fixed"
    reads = False
    entities = frozenset({"BADGE", "JOB_TITLE"})

    def find(self, text: str) -> list[Finding]:
        return [Finding(0, 2, "BADGE", 0.7), Finding(3, 5, "JOB_TITLE", 0.7)]


def test_a_plug_in_finds_what_its_policy_wants_of_it(tmp_path: Path) -> None:
    policies = load(
        tmp_path, '[[policies.p.recognizers]]\nuse = "fixed"\nentities = ["BADGE"]\noptions = { depth = 3 }\n'
    )
    uses: list[PluginUse] = []

    def plugins(use: PluginUse) -> Fixed:
        uses.append(use)
        return Fixed()

    detectors = PolicyDetectors(policies, plugins)
    text = RawText("00 11 22")
    assert detectors(policies.select("t", None)).detect(text) == []
    assert detectors(policies.select("t", "p")).detect(text) == [Finding(0, 2, "BADGE", 0.7)]
    assert [(use.name, bytes(use.options), use.time_limit) for use in uses] == [("fixed", b'{"depth":3}', 5.0)]


def test_a_plug_in_that_finds_kinds_nobody_declared_does_not_load(tmp_path: Path) -> None:
    policies = load(tmp_path, '[[recognizers]]\nuse = "fixed"\n')
    with pytest.raises(MalformedPolicy, match=r"policy.toml:1: \[\[recognizers\]\] #1: plug-in fixed finds more"):
        PolicyDetectors(policies, lambda _: Fixed())


def test_a_plug_in_that_is_not_installed_is_told_by_place(tmp_path: Path) -> None:
    policies = load(tmp_path, '[[tenants.t.recognizers]]\nuse = "nobody"\n')
    with pytest.raises(
        MalformedPolicy, match=r"policy.toml:1: \[tenants.t\]\[\[recognizers\]\] #1: plug-in nobody: 0 "
    ):
        PolicyDetectors(policies, RunningPlugins())


CUSTOM = '[[policies.finance.custom]]\nentity = "CASE"\n'
AT = "[policies.finance][[custom]] #1 (CASE): "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CUSTOM + "pattern = 'hush('", AT + "pattern missing ), unterminated subpattern at character 5"),
        (CUSTOM + "pattern = 'hush+'", AT + "pattern repeats without a bound at character 5"),
        (CUSTOM + "pattern = '(?=hush)x'", AT + "pattern uses look-ahead"),
        (CUSTOM + "pattern = 'x'\nchecksum = \"hush\"", AT + "checksum must be one of luhn, verhoeff"),
        (CUSTOM + "pattern = 'x'\ncontext = [\"hush(\"]", AT + "context #1 must be one to five words"),
        (CUSTOM + "pattern = 'x'\ncontext_required = true", AT + "context_required needs context"),
        (CUSTOM + "pattern = 'x'\nscore = 2", AT + "score must be a number from 0 to 1"),
        (CUSTOM + 'exact = ["x"]\nchecksum = "luhn"', AT + "checksum needs a pattern"),
        (CUSTOM + 'exact_column = "hush"', AT + "exact_column needs exact_file"),
        (CUSTOM + 'exact_file = "empty.csv"\nexact_column = "hush"', AT + "exact_file has no column of that name"),
        (CUSTOM + 'exact_file = "empty.csv"', AT + "needs exact or exact_file with at least one text"),
        ("allow_patterns = ['a', 'hush(']", "top level: allow_patterns #2 missing ), unterminated subpattern"),
        ('[tenants.t]\nallow_file = "none"', "[tenants.t]: allow_file cannot be read (FileNotFoundError)"),
        ('[[recognizers]]\nuse = "hush hush"', "[[recognizers]] #1: use must name a plug-in"),
        ('[[recognizers]]\nuse = "x"\ntime_limit = 0', "[[recognizers]] #1: time_limit must be a number of seconds"),
        ('[[recognizers]]\nuse = "x"\nentities = ["hush"]', "[[recognizers]] #1: entities must hold UPPER_CASE names"),
        ('[[recognizers]]\nuse = "x"\noptions = 5', "[[recognizers]] #1: options must be a table"),
    ],
)
def test_a_wrong_declaration_is_told_by_place_and_never_by_value(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "empty.csv").write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(MalformedPolicy) as caught:
        load(tmp_path, text)
    assert expected in caught.value.detail
    assert caught.value.detail.startswith("policy.toml:")
    assert "hush" not in caught.value.detail


def test_nothing_declared_is_in_a_repr(tmp_path: Path) -> None:
    policies = load(
        tmp_path,
        "allow_patterns = ['hush']\nallow = [\"hush-hush\"]\n[[custom]]\nentity = \"CASE\"\npattern = 'hush'\n"
        '[[recognizers]]\nuse = "x"\noptions = { key = "hush" }\n',
    )
    policy = policies.select("t", None)
    assert "hush" not in f"{policies!r} {policy!r} {policy.allow!r} {policy.patterns!r} {policy.plugins!r}"
