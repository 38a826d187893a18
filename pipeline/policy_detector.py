"""The detector that a policy asks for: its entities, exact lists and thresholds."""

from pipeline.detection import Detector, Engine, ExactList, build_detector, catalogue
from pipeline.policy import Action, MalformedPolicy, Policies, Policy


class PolicyDetectors:
    """One detector a policy version; those of a file are built at once, so that a bad one fails at start."""

    def __init__(self, policies: Policies, engine: Engine | None = None) -> None:
        self._engine = engine
        self._detectors: dict[str, Detector] = {}
        for policy in policies.all():
            self(policy)

    def __call__(self, policy: Policy) -> Detector:
        """The policy's detector."""
        detector = self._detectors.get(policy.version)
        if detector is None:
            detector = self._detectors[policy.version] = detector_of(policy, self._engine)
        return detector


def detector_of(policy: Policy, engine: Engine | None = None) -> Detector:
    """Build the detector of one policy; an entity whose threshold is 0 keeps detection's own.

    Raises:
        MalformedPolicy: the policy redacts or blocks an entity by name that nothing recognizes.
    """
    known = catalogue()
    detector = build_detector(
        policy.entities & known.keys(),
        exact_lists=[ExactList(item.entity, item.values) for item in policy.exact_lists],
        thresholds={
            entity: threshold for entity, threshold in policy.thresholds.items() if threshold and entity in known
        },
        engine=engine,
    )
    unseen = {name for name in policy.named if policy.action(name) is not Action.ALLOW} - detector.entities
    if unseen:
        # Fail closed: a policy that asks for what cannot be done is not half obeyed.
        raise MalformedPolicy(f"policy {policy.name}: no recognizer finds {', '.join(sorted(unseen))}; list its values")
    return detector


def unseen_by_default(detector: Detector) -> list[str]:
    """Kinds that are on by default and that nothing in this detector recognizes."""
    return [
        name
        for name, entity in catalogue().items()
        if entity.on_by_default
        and entity.default_action != Action.ALLOW
        and name not in detector.entities
        and name != "CUSTOM"
    ]
