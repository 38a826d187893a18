"""Detection: which spans of a text are sensitive, and what each of them is."""

from pipeline.detection.conflicts import resolve_conflicts
from pipeline.detection.detector import Detector, LoneSurrogate, UnknownEntity, build_detector
from pipeline.detection.exact import ExactList
from pipeline.detection.scan import Engine
from pipeline.detection.types import Entity, Finding, Recognizer, catalogue

__all__ = [
    "Detector",
    "Engine",
    "Entity",
    "ExactList",
    "Finding",
    "LoneSurrogate",
    "Recognizer",
    "UnknownEntity",
    "build_detector",
    "catalogue",
    "resolve_conflicts",
]
