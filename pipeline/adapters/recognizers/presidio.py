"""Presidio's recognizers as a plug-in: `use = "presidio"`.

Options: `labels` (Presidio's entity → ours, "" drops it), `language` ("en"), `model`
(folder of a spaCy pipeline; without one only Presidio's rules run), `patterns`
(a table entity → list of regular expressions, for rules of one's own).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.adapters.recognizers.labels import finding, labels_of, missing, only
from pipeline.detection.types import Finding, Recognizer

LABELS = {
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
    "ORGANIZATION": "ORGANIZATION",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "US_SSN",
    "IP_ADDRESS": "IPV4",
    "URL": "URL",
    "DATE_TIME": "DATE_TIME",
}


class PresidioRecognizer:
    """One `AnalyzerEngine`; it never fetches a model."""

    name = "presidio"
    reads = True

    def __init__(self, engine: Any, language: str, labels: Mapping[str, str]) -> None:
        self._engine, self._language = engine, language
        found = {name for one in engine.registry.recognizers for name in one.supported_entities}
        self._labels = {label: entity for label, entity in labels.items() if label in found}
        self.entities = frozenset(self._labels.values())

    def find(self, text: str) -> Iterable[Finding]:
        """Give what Presidio's analyzer gives, scores as they are."""
        results = self._engine.analyze(text=text, language=self._language, entities=list(self._labels))
        return [finding(one.start, one.end, self._labels[one.entity_type], one.score) for one in results]


def build(options: Mapping[str, Any]) -> Recognizer:
    """Make it from the options in the policy file."""
    only(options, "language", "model", "patterns")
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ModuleNotFoundError:
        raise missing("presidio") from None
    language = options.get("language", "en")
    nlp = spacy.load(options["model"]) if "model" in options else spacy.blank(language)

    class _Loaded(SpacyNlpEngine):  # type: ignore[misc]
        """An engine around the pipeline above; Presidio's own would look for one to download."""

        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": language, "model_name": nlp.meta["name"]}])
            self.nlp = {language: nlp}

        def load(self) -> None:
            pass

    engine = _Loaded()
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    for entity, patterns in options.get("patterns", {}).items():
        for pattern in patterns:
            re.compile(pattern)
        own = [Pattern(f"{entity} {number}", pattern, 0.85) for number, pattern in enumerate(patterns)]
        registry.add_recognizer(PatternRecognizer(entity, patterns=own, supported_language=language))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    return PresidioRecognizer(
        analyzer, language, labels_of(options, {**LABELS, **{name: name for name in options.get("patterns", {})}})
    )
