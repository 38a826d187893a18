"""Put the recognizers together: text in, sorted and disjoint findings out."""

import hashlib
import sys
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from itertools import chain

from pipeline.detection import spoken
from pipeline.detection.conflicts import resolve_conflicts
from pipeline.detection.custom import CustomPattern, PatternRecognizer
from pipeline.detection.decode import encoded_runs, escaped_excerpts
from pipeline.detection.exact import ExactList, ExactRecognizer
from pipeline.detection.families import all_rules
from pipeline.detection.names import ENTITIES as NAMED
from pipeline.detection.names import NamesRecognizer
from pipeline.detection.normalise import normalise
from pipeline.detection.rules import CompiledRule, Rule
from pipeline.detection.scan import Engine, Scanner, default_engine
from pipeline.detection.types import Finding, Recognizer, catalogue
from pipeline.detection.windows import LONGEST_WHOLE, windows
from pipeline.errors import DetectionFailed, VeilError
from pipeline.text import RawText
from schemas.codes import ErrorCode

DEFAULT_THRESHOLD = 0.5
# Found by words that are sensitive only where they are said of somebody.
_SAID_IN_WORDS = frozenset(
    [
        *("NATIONALITY_ETHNICITY", "RELIGION", "POLITICAL_VIEW", "SEXUAL_ORIENTATION", "DIAGNOSIS_MEDICATION"),
        *("JOB_TITLE", "MONEY_AMOUNT", "DATE_TIME", "CITY", "ORGANIZATION"),
    ]
)
# How many encodings may lie inside one another.
_LEVELS = 2
# A recognizer may use a detector of its own; one that uses the detector it is part of would never end.
_DEEPEST = 3
_running = threading.local()
# Their data decide what counts as a valid number or a match.
_DECIDING_LIBRARIES = ("python-stdnum", "phonenumbers", "numpy", "google-re2")


class LoneSurrogate(VeilError):
    """The text holds half of a surrogate pair, which no encoding of ours can carry."""

    code = ErrorCode.LONE_SURROGATE


class UnknownEntity(VeilError):
    """A name that the catalogue does not have was asked for."""

    code = ErrorCode.CONFIGURATION


class RuleRecognizer:
    """All rules of the wanted entities, in one pass."""

    name = "rules"
    reads = False

    def __init__(self, rules: Sequence[Rule], thresholds: Mapping[str, float], engine: Engine) -> None:
        self._rules = [CompiledRule(rule) for rule in rules]
        self._scanner = Scanner([rule.expression for rule in self._rules], engine)
        self.version = engine.version
        self._thresholds = [thresholds.get(rule.entity, DEFAULT_THRESHOLD) for rule in rules]
        self.entities = frozenset(rule.entity for rule in rules)

    def find(self, text: str) -> Iterable[Finding]:
        """Confirm what the scan proposes; a rule skips candidates inside its last finding."""
        rules, thresholds = self._rules, self._thresholds
        done: dict[int, int] = {}
        findings: list[Finding] = []
        for start, end, number in self._scanner.scan(text):
            if start < done.get(number, 0):
                continue
            rule = rules[number]
            for begin, stop, score in rule.find(text, start, end):
                done[number] = stop
                if score >= thresholds[number]:
                    findings.append(Finding(begin, stop, rule.entity, score))
        return findings


class IdentifierRules:
    """The rules as identifiers are searched: a tool named `find_french_doctors` says nothing about anybody."""

    name = "rules"
    reads = False

    def __init__(self, rules: RuleRecognizer) -> None:
        self._rules = rules
        self.entities = rules.entities - _SAID_IN_WORDS

    def find(self, text: str) -> Iterable[Finding]:
        """Give what the rules find, but for kinds that everyday words make."""
        return [finding for finding in self._rules.find(text) if finding.entity not in _SAID_IN_WORDS]


class Detector:
    """Finds every wanted entity; stateless, so threads and tasks share one."""

    def __init__(self, recognizers: Sequence[Recognizer], *, version: str, engine: Engine) -> None:
        self._recognizers = tuple(recognizers)
        self._unread: tuple[Recognizer, ...] = tuple(
            IdentifierRules(recognizer) if isinstance(recognizer, RuleRecognizer) else recognizer
            for recognizer in recognizers
            if not recognizer.reads
        )
        self._spoken = spoken.SpokenNumbers(engine)
        self.engine = engine.name
        self.version = version
        self.entities = frozenset[str]().union(*(recognizer.entities for recognizer in recognizers))

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        """Give sorted, disjoint findings in code points of the text; an identifier is no prose.

        Raises:
            LoneSurrogate: The text cannot be encoded.
            DetectionFailed: A recognizer raised; the text is unchecked.

        """
        if _has_lone_surrogate(text):
            raise LoneSurrogate
        recognizers = self._recognizers if prose else self._unread
        depth = getattr(_running, "depth", 0)
        if depth >= _DEEPEST:
            raise DetectionFailed("a recognizer asks the detector it is part of")
        _running.depth = depth + 1
        try:
            return resolve_conflicts(self._search(text, _LEVELS, recognizers))
        finally:
            _running.depth = depth

    def _search(self, text: str, levels: int, recognizers: Sequence[Recognizer]) -> list[Finding]:
        """Search a text of any length, and so many levels deep what is encoded in it."""
        if len(text) <= LONGEST_WHOLE:
            return self._search_window(text, levels, recognizers)
        return [
            _moved(finding, window.begin + finding.start, window.begin + finding.end)
            for window in windows(text)
            for finding in self._search_window(text[window.begin : window.end], levels, recognizers)
            # One that only reaches into the window's own part was cut by the window before; both are joined.
            if window.begin + finding.start < window.stop and window.begin + finding.end > window.start
        ]

    def _search_window(self, raw: str, levels: int, recognizers: Sequence[Recognizer]) -> list[Finding]:
        plain = normalise(raw)
        findings = _recognized(plain.text, recognizers)
        if levels:
            findings += self._decoded(plain.text, levels - 1, recognizers)
        if plain.offsets is None:
            return findings
        return [_moved(finding, *plain.original(finding.start, finding.end)) for finding in findings]

    def _decoded(self, text: str, levels: int, recognizers: Sequence[Recognizer]) -> list[Finding]:
        findings: list[Finding] = []
        for excerpt in chain(escaped_excerpts(text), self._spoken.excerpts(text)):
            findings += excerpt.moved(self._search(excerpt.view.text, levels, recognizers))
        for run in encoded_runs(text):
            # The run as a whole: a part of it would decode to something else.
            findings += [_moved(finding, run.start, run.end) for finding in self._search(run.text, levels, recognizers)]
        return findings


def build_detector(
    entities: Collection[str] | None = None,
    *,
    exact_lists: Sequence[ExactList] = (),
    patterns: Sequence[CustomPattern] = (),
    thresholds: Mapping[str, float] | None = None,
    names: bool = True,
    recognizers: Sequence[Recognizer] = (),
    engine: Engine | None = None,
) -> Detector:
    """Compile a detector; takes a second, or less with an engine that has a cache, so build one and keep it.

    Args:
        entities: Names from the catalogue; those that are on by default if None.
        exact_lists: Values known beforehand; found whatever `entities` says, under
            any name.
        patterns: Forms of somebody's own, likewise.
        thresholds: Least score per entity, where it isn't the default of 0.5.
        names: Whether the names model looks, too, for persons, organisations, places and addresses.
        recognizers: Further ones.
        engine: What finds the rules' candidates; this machine's default if None.

    """
    known = catalogue()
    engine = engine or default_engine()
    wanted = frozenset(name for name, entity in known.items() if entity.on_by_default)
    if entities is not None:
        wanted = frozenset(entities)
    own = {one.entity for one in patterns}
    for name in wanted | (frozenset(thresholds or ()) - own):
        if name not in known:
            raise UnknownEntity(name)
    rules = [rule for rule in (*all_rules(), *spoken.RULES) if rule.entity in wanted]
    parts: list[Recognizer] = [RuleRecognizer(rules, thresholds or {}, engine)]
    if names and not wanted.isdisjoint(NAMED):
        parts.append(NamesRecognizer(wanted, thresholds or {}))
    if exact_lists:
        parts.append(ExactRecognizer(exact_lists))
    if patterns:
        parts.append(PatternRecognizer(patterns, thresholds or {}, DEFAULT_THRESHOLD))
    parts += recognizers
    return Detector(parts, version=_version(wanted, rules, exact_lists, thresholds or {}, parts), engine=engine)


def _recognized(text: str, recognizers: Sequence[Recognizer]) -> list[Finding]:
    findings: list[Finding] = []
    for recognizer in recognizers:
        failed = False
        try:
            findings += recognizer.find(text)
        except Exception:
            failed = True
        if failed:
            # Outside the handler, so that the cause, whose message or frames may
            # hold the text, is not even the new exception's context.
            raise DetectionFailed(recognizer.name)
    return findings


def _has_lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        # In pieces: the bytes of a whole text would be as large again.
        for place in range(0, len(text), LONGEST_WHOLE):
            text[place : place + LONGEST_WHOLE].encode()
    except UnicodeEncodeError:
        return True
    return False


def _moved(finding: Finding, start: int, end: int) -> Finding:
    return Finding(start, end, finding.entity, finding.score)


def _version(
    wanted: frozenset[str],
    rules: Iterable[Rule],
    exact_lists: Iterable[ExactList],
    thresholds: Mapping[str, float],
    recognizers: Iterable[Recognizer],
) -> str:
    """Name everything that decides, so that equal versions mean equal findings."""
    digest = hashlib.sha256()

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(4, "big") + part)

    add(repr(sorted(wanted)).encode())
    for rule in rules:
        add(rule.fingerprint())
    # The validators are code: their source is part of the rules.
    for package in ("pipeline.detection", "pipeline.detection.names"):
        for source in sorted(files(package).iterdir(), key=lambda entry: entry.name):
            if source.name.endswith((".py", ".json")):
                add(source.name.encode())
                add(source.read_bytes())
    for one in exact_lists:
        add(one.fingerprint())
    add(repr(sorted(thresholds.items())).encode())
    for recognizer in recognizers:
        add(f"{recognizer.name} {getattr(recognizer, 'version', '')}".encode())
    for library in _DECIDING_LIBRARIES:
        add(f"{library} {version(library)}".encode())
    add(f"python {sys.version_info[:2]}".encode())
    return digest.hexdigest()[:16]
