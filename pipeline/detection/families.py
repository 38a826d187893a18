"""Every rule there is: one module a family, one table `RULES` in each."""

from pipeline.detection import (
    address,
    banking,
    beliefs,
    cards,
    contact,
    crypto,
    dates,
    device,
    documents,
    health,
    keys,
    medicine,
    money,
    named_vendors,
    national_ids_europe,
    national_ids_world,
    occupations,
    organizations,
    people,
    peoples,
    person,
    phone,
    secrets,
    vendors,
)
from pipeline.detection.rules import Rule


def all_rules() -> tuple[Rule, ...]:
    """Give the rules of all families; their order decides nothing."""
    modules = (
        *(person, people, occupations, organizations, peoples, beliefs, dates, contact, phone, address),
        *(cards, banking, money, crypto, device, documents, medicine),
        *(secrets, keys, named_vendors, vendors, health, national_ids_europe, national_ids_world),
    )
    return tuple(rule for module in modules for rule in module.RULES)
