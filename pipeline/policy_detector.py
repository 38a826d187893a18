"""The detector that a policy asks for: its entities, exact lists and thresholds."""

from pipeline.detection import Detector, ExactList, build_detector, catalogue
from pipeline.policy import Policies, Policy


class PolicyDetectors:
    """One detector a policy version; those of a file are built at once, so that a bad one fails at start."""

    def __init__(self, policies: Policies) -> None:
        self._detectors: dict[str, Detector] = {}
        for policy in policies.all():
            self(policy)

    def __call__(self, policy: Policy) -> Detector:
        """The policy's detector."""
        detector = self._detectors.get(policy.version)
        if detector is None:
            detector = self._detectors[policy.version] = detector_of(policy)
        return detector


def detector_of(policy: Policy) -> Detector:
    """Build the detector of one policy; an entity whose threshold is 0 keeps detection's own."""
    known = catalogue()
    return build_detector(
        policy.entities & known.keys(),
        exact_lists=[ExactList(item.entity, item.values) for item in policy.exact_lists],
        thresholds={
            entity: threshold for entity, threshold in policy.thresholds.items() if threshold and entity in known
        },
    )
