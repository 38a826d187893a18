"""Presets: what each says of the catalogue, and how the levels of a file stand over them."""

from pathlib import Path

import pytest

from pipeline.detection.types import catalogue
from pipeline.policy import Action, MalformedPolicy, Policies, Policy, load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.policy_presets import PRESETS
from pipeline.text import RawText

# 45 CFR 164.514(b)(2)(i), each identifier with kinds that stand for it; (Q), photographs, is refused by content type.
SAFE_HARBOR = {
    "A names": "PERSON ORGANIZATION USERNAME",
    "B geographic": "STREET_ADDRESS CITY LOCATION POSTCODE GEO_COORDINATE",
    "C dates and ages": "DATE_OF_BIRTH DATE_TIME AGE",
    "D telephone": "PHONE",
    "E fax": "FAX",
    "F e-mail": "EMAIL",
    "G social security": "US_SSN",
    "H medical record": "MEDICAL_RECORD_NUMBER UK_NHS",
    "I health plan": "HEALTH_PLAN_ID US_MBI AU_MEDICARE CA_HEALTH_NUMBER",
    "J account": "BANK_ACCOUNT IBAN CREDIT_CARD ABA_ROUTING CRYPTO_WALLET",
    "K certificate and licence": "DRIVER_LICENSE US_DEA US_NPI PASSPORT",
    "L vehicle": "VIN LICENSE_PLATE",
    "M device": "DEVICE_ID IMEI MAC_ADDRESS",
    "N URL": "URL HOSTNAME",
    "O IP address": "IPV4 IPV6",
    "P biometric": "BIOMETRIC_ID",
    "R other": "UUID SOCIAL_HANDLE",
}


def load(tmp_path: Path, text: str) -> Policies:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policies(path)


def preset(tmp_path: Path, name: str) -> Policy:
    return load(tmp_path, f'preset = "{name}"').select("acme", None)


def test_the_default_preset_is_the_built_in_policy(tmp_path: Path) -> None:
    assert preset(tmp_path, "default").version == load_policies(None).select("acme", None).version


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads_with_its_detector(tmp_path: Path, name: str) -> None:
    policies = load(tmp_path, f'preset = "{name}"')
    policy = policies.select("acme", None)
    assert policy.entities <= catalogue().keys()
    assert PolicyDetectors(policies)(policy)
    for entity, rule in policy.rules.items():
        assert rule.reversible <= catalogue()[entity].reversible


@pytest.mark.parametrize("kinds", SAFE_HARBOR.values(), ids=SAFE_HARBOR)
def test_safe_harbor_replaces_each_identifier(tmp_path: Path, kinds: str) -> None:
    policy = preset(tmp_path, "hipaa-safe-harbor")
    assert {policy.action(kind) for kind in kinds.split()} == {Action.REDACT}
    assert set(kinds.split()) <= policy.entities


def test_pci_sends_no_authentication_data(tmp_path: Path) -> None:
    policy = preset(tmp_path, "pci")
    for kind in ("CARD_CVV", "PIN", "CARD_TRACK_DATA"):
        assert policy.action(kind) is Action.BLOCK
        assert not policy.reversible(kind)
    assert {policy.action(kind) for kind in ("CREDIT_CARD", "CARD_EXPIRY", "PERSON")} == {Action.REDACT}


def test_gdpr_replaces_personal_data_and_special_categories(tmp_path: Path) -> None:
    policy = preset(tmp_path, "gdpr")
    special = "NATIONALITY_ETHNICITY RELIGION POLITICAL_VIEW SEXUAL_ORIENTATION BIOMETRIC_ID DIAGNOSIS_MEDICATION"
    personal = "PERSON EMAIL PHONE STREET_ADDRESS GEO_COORDINATE IPV4 UUID HOSTNAME JOB_TITLE DE_STEUER_ID"
    assert {policy.action(kind) for kind in f"{special} {personal}".split()} == {Action.REDACT}


def test_secrets_only_looks_for_nothing_else(tmp_path: Path) -> None:
    policies = load(tmp_path, 'preset = "secrets-only"')
    policy = policies.select("acme", None)
    families = {catalogue()[entity].family for entity in policy.entities - {"COOKIE_ID"}}
    assert families == {"secret"}
    found = PolicyDetectors(policies)(policy).detect(RawText("ann@example.org has the password: hunter2Blue!"))
    assert [finding.entity for finding in found] == ["PASSWORD"]


def test_a_levels_own_entities_stand_over_its_preset(tmp_path: Path) -> None:
    policies = load(tmp_path, '[policies.p]\npreset = "pci"\n[policies.p.entities]\nPIN = "redact"\n')
    assert policies.select("acme", "p").action("PIN") is Action.REDACT
    assert policies.select("acme", "p").action("CARD_CVV") is Action.BLOCK


def test_a_preset_starts_anew_but_keeps_what_the_file_declares(tmp_path: Path) -> None:
    text = '[entities]\nEMAIL = "allow"\n[[custom]]\nentity = "CASE"\nexact = ["Moonfen"]\naction = "block"\n'
    policies = load(tmp_path, text + '[tenants.t]\npreset = "gdpr"\n[tenants.s]\npreset = "secrets-only"\n')
    assert policies.select("t", None).action("EMAIL") is Action.REDACT
    for tenant in ("t", "s"):
        assert policies.select(tenant, None).action("CASE") is Action.BLOCK
        assert PolicyDetectors(policies)(policies.select(tenant, None)).detect(RawText("a Moonfen case"))


def test_an_unknown_preset_is_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(MalformedPolicy, match=r"policy.toml:2: \[tenants.t\]: preset must be one of default, pci, hip"):
        load(tmp_path, '[tenants.t]\npreset = "sox"')


def test_where_something_stands_is_no_part_of_the_version(tmp_path: Path) -> None:
    text = '[entities]\nEMAIL = "mask"\n[[recognizers]]\nuse = "x"\n'
    assert len({load(tmp_path, lead + text).select("acme", None).version for lead in ("", "\n# more\n\n")}) == 1


def test_what_a_mask_shows_is_part_of_the_version(tmp_path: Path) -> None:
    tables = ["", ", show_last = 2", ", show_first = 2"]
    texts = [f'[entities]\nCREDIT_CARD = {{ action = "mask"{table} }}' for table in tables]
    assert len({load(tmp_path, text).select("acme", None).version for text in texts}) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[entities]\nPIN = { action = "mask", show_last = 2 }', "[entities.PIN]: nothing of this entity may be shown"),
        ('[entities]\nCREDIT_CARD = { action = "mask", show_last = 5 }', "show_last must be from 0 to 4"),
        ('[entities]\nEMAIL = { action = "mask", show_first = true }', "show_first must be a whole number"),
        ('[entities]\nEMAIL = { action = "hash", show_first = 1 }', "show_first goes with action mask only"),
    ],
)
def test_what_may_not_be_shown_is_told_by_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        load(tmp_path, text)
    assert caught.value.detail.startswith("policy.toml:2: [entities.")
    assert expected in caught.value.detail
