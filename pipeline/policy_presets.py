"""Presets: what a policy says of every entity of the catalogue, by name (docs/policies.md gives the sources)."""

from collections.abc import Mapping

from pipeline.detection.types import catalogue
from pipeline.policy_rules import Action, EntityRule

_CREDENTIAL = frozenset({"COOKIE_ID"})
"""Credentials that are in another family of the catalogue than `secret`."""

_CHANGES: Mapping[str, Mapping[str, Action]] = {
    "default": {},
    # PCI DSS 4.0.1: sensitive authentication data (3.3) may not be kept at all; the rest of account data is replaced.
    "pci": {
        "CARD_TRACK_DATA": Action.BLOCK,
        "CARD_CVV": Action.BLOCK,
        "PIN": Action.BLOCK,
        "CREDIT_CARD": Action.REDACT,
        "CARD_EXPIRY": Action.REDACT,
        "PERSON": Action.REDACT,
    },
    # 45 CFR 164.514(b)(2)(i): beyond the default, all elements of dates (C) and any other unique code (R).
    "hipaa-safe-harbor": {
        "DATE_TIME": Action.REDACT,
        "HOSTNAME": Action.REDACT,
        "UUID": Action.REDACT,
    },
    # GDPR Art. 4(1) with online identifiers (recital 30), Art. 4(15) and 9(1): health data.
    "gdpr": {
        "DIAGNOSIS_MEDICATION": Action.REDACT,
        "HOSTNAME": Action.REDACT,
        "JOB_TITLE": Action.REDACT,
        "UUID": Action.REDACT,
    },
    "secrets-only": {},
}
PRESETS = tuple(_CHANGES)


def preset_rules(name: str, threshold: float) -> dict[str, EntityRule]:
    """The rules of a preset; an entity without one is not looked for."""
    rules = {
        entity.name: EntityRule(Action(entity.default_action), threshold, entity.reversible)
        for entity in catalogue().values()
        if (name != "secrets-only" or entity.family == "secret" or entity.name in _CREDENTIAL)
        and (entity.on_by_default or entity.name in _CHANGES[name])
    }
    for entity, action in _CHANGES[name].items():
        rules[entity] = EntityRule(action, threshold, rules[entity].reversible)
    return rules
