"""Names of persons, organisations and places: a small model, trained by `infra/names`."""

from pipeline.detection.names.recognizer import ENTITIES, NamesRecognizer

__all__ = ["ENTITIES", "NamesRecognizer"]
