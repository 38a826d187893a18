"""Every rule there is: one module a family, one table `RULES` in each."""

from pipeline.detection import (
    address,
    contact,
    crypto,
    device,
    documents,
    health,
    keys,
    national_ids,
    payment,
    person,
    phone,
    secrets,
    vendors,
)
from pipeline.detection.rules import Rule


def all_rules() -> tuple[Rule, ...]:
    """Give the rules of all families; their order decides nothing."""
    modules = (
        *(person, contact, phone, address, payment, crypto, device, documents),
        *(secrets, keys, vendors, health, national_ids),
    )
    return tuple(rule for module in modules for rule in module.RULES)
