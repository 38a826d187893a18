"""Other detectors' names for things, as entities of the catalogue."""

from collections.abc import Mapping
from typing import Any

from pipeline.adapters.recognizers.wire import MissingExtra
from pipeline.detection.types import Finding


class WrongOptions(Exception):
    """The options of an adapter in the policy file cannot be used."""


def labels_of(options: Mapping[str, Any], default: Mapping[str, str]) -> dict[str, str]:
    """The option `labels`, over the adapter's own table; a label that maps to "" is dropped.

    Raises:
        WrongOptions: It is no table of names.

    """
    given = options.get("labels", {})
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given.values()):
        raise WrongOptions
    return {label: entity for label, entity in {**default, **given}.items() if entity}


def only(options: Mapping[str, Any], *known: str) -> None:
    """Refuse options that the adapter does not have: a misspelt one would silently do nothing."""
    if not options.keys() <= {"labels", *known}:
        raise WrongOptions


def missing(extra: str) -> MissingExtra:
    """What is said when an adapter's library isn't there."""
    return MissingExtra(f"its library is not installed: pip install 'veilstream[{extra}]'")


def finding(start: int, end: int, entity: str, score: float) -> Finding:
    """Models give numbers of numpy's and torch's kinds, and scores a hair above 1."""
    return Finding(int(start), int(end), entity, min(1.0, float(score)))
