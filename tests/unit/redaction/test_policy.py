"""The policy file: what it means, and what a wrong one is told."""

from pathlib import Path

import pytest

from pipeline.policy import Action, MalformedPolicy, Policies, UnknownPolicy, load_policies
from schemas.job import Endpoint

SAMPLE = Path(__file__).parents[3] / "infra" / "demo" / "policy.toml"


def load(tmp_path: Path, text: str) -> Policies:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policies(path)


def test_built_in_policy_follows_the_catalogue() -> None:
    policy = load_policies(None).select("acme", None)
    assert policy.action("EMAIL") is Action.REDACT
    assert policy.action("DATE_TIME") is Action.ALLOW
    assert "JOB_TITLE" not in policy.entities
    assert policy.reversible("EMAIL")
    assert not policy.reversible("PASSWORD")


def test_entity_nobody_knows_is_redacted() -> None:
    assert load_policies(None).select("acme", None).action("SOMETHING_NEW") is Action.REDACT


def test_sample_policy_loads_and_lists_its_names() -> None:
    policies = load_policies(SAMPLE)
    policy = policies.select("acme", None)
    lists = {item.entity: item.values for item in policy.exact_lists}
    assert {"PERSON", "ORGANIZATION", "CITY", "PROJECT_NAME"} == set(lists)
    assert "PROJECT_NAME" in policy.entities
    assert policies.select("acme", "strict").action("US_SSN") is Action.BLOCK
    assert policies.select("acme", "conversation").scope == "conversation"
    assert policies.select("clinic", None).name == "strict"
    assert policies.select("clinic", None).action("DIAGNOSIS_MEDICATION") is Action.REDACT
    assert policy.allows("veilstream")


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(UnknownPolicy):
        load_policies(None).select("acme", "lenient")


def test_tenant_may_be_held_to_its_policies() -> None:
    with pytest.raises(UnknownPolicy):
        load_policies(SAMPLE).select("clinic", "conversation")


def test_tenants_overrides_win_over_the_named_policy(tmp_path: Path) -> None:
    policies = load(tmp_path, '[policies.open.entities]\nEMAIL = "allow"\n[tenants.bank.entities]\nEMAIL = "block"\n')
    assert policies.select("acme", "open").action("EMAIL") is Action.ALLOW
    assert policies.select("bank", "open").action("EMAIL") is Action.BLOCK


def test_version_changes_with_anything_in_the_policy(tmp_path: Path) -> None:
    texts = ["", 'scope = "tenant"', "instruction = false", 'allow = ["x"]', '[entities]\nEMAIL = "block"']
    texts.append('[[custom]]\nentity = "PERSON"\nexact = ["Ann"]')
    texts.append('[[custom]]\nentity = "PERSON"\nexact = ["Bob"]')
    versions = {load(tmp_path, text).select("acme", None).version for text in texts}
    assert len(versions) == len(texts)
    assert load(tmp_path, texts[-1]).select("acme", None).version in versions
    assert all(len(version) == 16 and int(version, 16) >= 0 for version in versions)


def test_exact_file_is_read_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("# people\nAnn Lee\n\n Bob Ray \n", encoding="utf-8")
    policy = load(tmp_path, '[[custom]]\nentity = "PERSON"\nexact_file = "names.txt"').select("acme", None)
    assert tuple(policy.exact_lists[0].values) == ("Ann Lee", "Bob Ray")


def test_embeddings_use_tenant_scope() -> None:
    policy = load_policies(None).select("acme", None)
    assert policy.scope_for(Endpoint.EMBEDDINGS) == "tenant"
    assert policy.scope_for(Endpoint.CHAT_COMPLETIONS) == "job"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scope = !", "policy.toml:1: is not TOML (column 9)"),
        ("colour = 1", "top level: unknown key colour"),
        ('scope = "galaxy"', "scope must be one of job, conversation, tenant"),
        (
            '[entities]\nEMAIL = "hide"',
            "toml:2: [entities.EMAIL]: action must be one of allow, redact, mask, hash, surrogate, block",
        ),
        ('[entities]\nE_MAIL = "redact"', "[entities.E_MAIL]: not in the catalogue"),
        ("[entities.EMAIL]\nthreshold = 2", "[entities.EMAIL]: threshold must be a number from 0 to 1"),
        ("[entities.EMAIL]\nlevel = 2", "[entities.EMAIL]: unknown key level"),
        ("[entities.PASSWORD]\nreversible = true", "[entities.PASSWORD]: this entity goes one way"),
        ('[[custom]]\nentity = "person"\nexact = ["hush-hush"]', "[[custom]] #1: entity must be an UPPER_CASE name"),
        ('[[custom]]\nentity = "PERSON"', "[[custom]] #1 (PERSON): needs pattern, exact or exact_file"),
        (
            '[[custom]]\nentity = "PERSON"\nexact = ["hush-hush", 5]',
            "[[custom]] #1 (PERSON): exact must hold non-empty texts",
        ),
        ('[[custom]]\nentity = "PERSON"\nexact_file = "none"', "exact_file cannot be read (FileNotFoundError)"),
        ("instruction = 1", "instruction must be true or false"),
        ("[hygiene]\nallow_all = true", "[hygiene]: unknown key allow_all"),
        ('[tenants.bank]\npolicy = "none"', "toml:2: [tenants.bank]: names a policy that the file does not have"),
        ('[tenants.bank]\nscope = "galaxy"', "[tenants.bank]: scope must be one of"),
        ('[policies.p.entities]\nEMAIL = "hide"', "toml:2: [policies.p][entities.EMAIL]: action must be"),
    ],
)
def test_wrong_policy_is_told_by_place_and_never_by_value(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        load(tmp_path, text)
    assert caught.value.detail.startswith("policy.toml:")
    assert expected in caught.value.detail
    assert "hush" not in caught.value.detail


def test_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(MalformedPolicy, match=r"none.toml: cannot be read \(FileNotFoundError\)"):
        load_policies(tmp_path / "none.toml")


def test_nothing_of_a_list_is_in_a_repr(tmp_path: Path) -> None:
    policies = load(tmp_path, '[[custom]]\nentity = "PERSON"\nexact = ["Ann Lee"]')
    policy = policies.select("acme", None)
    assert "Ann" not in f"{policies!r} {policy!r} {policy.exact_lists!r}"
