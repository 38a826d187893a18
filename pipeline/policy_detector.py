"""The detector that a policy asks for: its entities, lists, patterns, plug-ins and thresholds."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline import redaction
from pipeline.detection import Detector, Engine, ExactList, Recognizer, build_detector, catalogue
from pipeline.detection.checked import CheckedRecognizer
from pipeline.detection.detector import DEFAULT_THRESHOLD
from pipeline.policy import Action, MalformedPolicy, PluginUse, Policies, Policy

Plugins = Callable[[PluginUse], Recognizer]


def no_plugins(use: PluginUse) -> Recognizer:
    """For those who only look at a policy; one that uses plug-ins does not load."""
    raise MalformedPolicy(f"{use.place}: plug-ins run in workers only")


class LoadedPolicies(NamedTuple):
    """The policies of one reading of a file, and the detectors that go with them."""

    policies: Policies
    detector_for: Callable[[Policy], redaction.Detector]


class PolicyDetectors:
    """One detector a policy version; those of a file are built at once, so that a bad one fails at start."""

    def __init__(self, policies: Policies, plugins: Plugins = no_plugins, engine: Engine | None = None) -> None:
        self._engine = engine
        self._detectors: dict[str, Detector] = {}
        self._plugins = plugins
        for policy in policies.all():
            self(policy)

    def __call__(self, policy: Policy) -> Detector:
        """The policy's detector."""
        detector = self._detectors.get(policy.version)
        if detector is None:
            detector = self._detectors[policy.version] = detector_of(policy, self._plugins, self._engine)
        return detector


def detector_of(policy: Policy, plugins: Plugins = no_plugins, engine: Engine | None = None) -> Detector:
    """Build the detector of one policy; an entity whose threshold is 0 keeps detection's own.

    Raises:
        MalformedPolicy: the policy redacts or blocks an entity by name that nothing recognizes, or asks
            for a plug-in that cannot be had.
    """
    known = catalogue()
    own = {one.entity for one in policy.patterns}
    thresholds = {entity: threshold for entity, threshold in policy.thresholds.items() if threshold}
    detector = build_detector(
        policy.entities & known.keys(),
        exact_lists=[ExactList(item.entity, item.values) for item in policy.exact_lists],
        patterns=policy.patterns,
        thresholds={entity: threshold for entity, threshold in thresholds.items() if entity in known.keys() | own},
        recognizers=[_plugged(use, plugins(use), policy, thresholds) for use in policy.plugins],
        engine=engine,
    )
    for name, place in policy.named.items():
        if policy.action(name) is not Action.ALLOW and name not in detector.entities:
            # Fail closed: a policy that asks for what cannot be done is not half obeyed.
            raise MalformedPolicy(f"{place}: policy {policy.name}: no recognizer finds {name}; list its values")
    return detector


def _plugged(use: PluginUse, recognizer: Recognizer, policy: Policy, thresholds: dict[str, float]) -> Recognizer:
    new = recognizer.entities - catalogue().keys() - use.entities
    if new:
        raise MalformedPolicy(f"{use.place}: plug-in {use.name} finds more than its entities say: {len(new)} more")
    return CheckedRecognizer(recognizer, policy.entities, thresholds, DEFAULT_THRESHOLD)
