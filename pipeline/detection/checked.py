"""Findings of a recognizer that is not ours: believed only if they can be true."""

from collections.abc import Collection, Iterable, Mapping

from pipeline.detection.types import Finding, Recognizer


class ImpossibleFinding(Exception):
    """A recognizer gave a finding outside the text, of an entity it did not declare, or without a score."""


class CheckedRecognizer:
    """Passes on the findings that a policy wants; one that cannot be true fails the text."""

    def __init__(
        self, recognizer: Recognizer, wanted: Collection[str], thresholds: Mapping[str, float], default: float
    ) -> None:
        self._recognizer = recognizer
        self._declared = recognizer.entities
        self._thresholds = {entity: thresholds.get(entity) or default for entity in recognizer.entities & {*wanted}}
        self.name = recognizer.name
        self.reads = recognizer.reads
        self.version = str(getattr(recognizer, "version", ""))
        self.entities = frozenset(self._thresholds)

    def find(self, text: str) -> Iterable[Finding]:
        """Give what reaches its threshold.

        Raises:
            ImpossibleFinding: What was found cannot be; nothing of it is believed.

        """
        length = len(text)
        kept = []
        for finding in self._recognizer.find(text):
            if not (
                0 <= finding.start < finding.end <= length
                and finding.entity in self._declared
                and 0 <= finding.score <= 1  # also false for NaN
            ):
                raise ImpossibleFinding
            if finding.score >= self._thresholds.get(finding.entity, 2.0):
                kept.append(finding)
        return kept
