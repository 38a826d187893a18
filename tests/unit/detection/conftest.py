import pytest

from pipeline.detection import Detector, build_detector


@pytest.fixture(scope="session")
def detector() -> Detector:
    return build_detector(names=False)
