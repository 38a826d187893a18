"""Every rule there is: one module a family, one table `RULES` in each."""

from pipeline.detection import (
    address,
    banking,
    cards,
    contact,
    crypto,
    device,
    documents,
    health,
    keys,
    named_vendors,
    national_ids_europe,
    national_ids_world,
    person,
    phone,
    secrets,
    vendors,
)
from pipeline.detection.rules import Rule


def all_rules() -> tuple[Rule, ...]:
    """Give the rules of all families; their order decides nothing."""
    modules = (
        *(person, contact, phone, address, cards, banking, crypto, device, documents),
        *(secrets, keys, named_vendors, vendors, health, national_ids_europe, national_ids_world),
    )
    return tuple(rule for module in modules for rule in module.RULES)
