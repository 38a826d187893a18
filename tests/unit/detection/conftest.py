import pytest

from pipeline.detection import Detector, build_detector
from pipeline.detection.types import catalogue


@pytest.fixture(scope="session")
def detector() -> Detector:
    """The rules for what is redacted by default: a date, which is only allowed, would be found in many a near-miss."""
    return build_detector(
        [name for name, one in catalogue().items() if one.on_by_default and one.default_action != "allow"], names=False
    )


@pytest.fixture(scope="session")
def full_detector() -> Detector:
    """The rules for every entity of the catalogue."""
    return build_detector(list(catalogue()), names=False)
