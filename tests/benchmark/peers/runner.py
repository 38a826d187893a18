"""One peer over texts: `runner.py PEER < texts.jsonl > findings.jsonl`, run by the peers' Python.

A line in: `{"id", "text"}`. A line out: `{"id", "spans": [[start, end, label]], "seconds"}`
with the peer's own labels and the CPU time of that text; the peer is built, and has
seen one text, before the clock runs. Knows nothing of this project.
"""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

Span = tuple[int, int, str]
Finder = Callable[[str], Iterable[Span]]

# Presidio's own default of 0 reports every number; this is the score of a weak pattern with a context word near it.
PRESIDIO_THRESHOLD = 0.4
# Holds detect-secrets' settings and file until the process ends.
_OPEN = contextlib.ExitStack()
# A recognizer that only wraps a model or a service that this environment does not have.
_NOT_RULES = ("Spacy", "Stanza", "Transformers", "GLiNER", "HuggingFace", "Azure", "LangExtract", "MedicalNER")


def presidio(model: str | None = None) -> Finder:
    """All of Presidio's rules, English context; with a spaCy model also names.

    Overlapping results are resolved as its anonymizer does: what lies within another goes.
    """
    import presidio_analyzer
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    # Its URL recognizer would fetch the list of public suffixes from the network.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())

    @spacy.Language.component("lower_case_lemmas")
    def lower_case_lemmas(doc):  # type: ignore[no-untyped-def]
        # Presidio compares context words with lemmas, and a blank pipeline has none.
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    nlp = spacy.load(model) if model else spacy.blank("en")
    nlp.add_pipe("lower_case_lemmas")
    names = ["PERSON", "ORGANIZATION", "LOCATION", "STREET_ADDRESS"]
    engine = SpacyNlpEngine(
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping={name: name for name in names}, low_score_entity_names=[]
        )
    )
    engine.nlp = {"en": nlp}
    registry = RecognizerRegistry(supported_languages=["en"])
    for name in predefined_recognizers.__all__:
        kind = getattr(predefined_recognizers, name)
        if isinstance(kind, type) and not any(word in name for word in _NOT_RULES):
            registry.add_recognizer(kind(supported_language="en"))
    if model:
        registry.add_recognizer(predefined_recognizers.SpacyRecognizer(supported_entities=names))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    print(f"presidio {len(registry.recognizers)} recognizers", presidio_analyzer.__file__, file=sys.stderr)

    def find(text: str) -> Iterable[Span]:
        results = analyzer.analyze(text, language="en", score_threshold=PRESIDIO_THRESHOLD)
        results.sort(key=lambda r: (r.start - r.end, -r.score))
        kept: list[Span] = []
        for one in results:
            if not any(start <= one.start and one.end <= end for start, end, _ in kept):
                kept.append((one.start, one.end, one.entity_type))
        return kept

    return find


def scrubadub() -> Finder:
    """As it comes."""
    from scrubadub import Scrubber

    scrubber = Scrubber()
    return lambda text: [(filth.beg, filth.end, filth.type) for filth in scrubber.iter_filth(text)]


def datafog() -> Finder:
    """As it comes: its regular expressions, in Python."""
    from datafog import scan

    return lambda text: [(one.start, one.end, one.type) for one in scan(text).entities if one.start >= 0]


def detect_secrets() -> Finder:
    """All plug-ins and filters of its default settings, over a file, as it is used: `scan_line` reports any word."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    _OPEN.enter_context(default_settings())
    folder = _OPEN.enter_context(tempfile.TemporaryDirectory(dir=Path(sys.prefix).parent))

    def find(text: str) -> Iterable[Span]:
        path = Path(folder) / "text.txt"
        path.write_text(text, encoding="utf-8", newline="")
        places = [0]
        for line in text.splitlines(keepends=True):
            places.append(places[-1] + len(line))
        for one in scan_file(str(path)):
            start = text.find(one.secret_value or "", places[min(one.line_number, len(places)) - 1])
            if one.secret_value and start >= 0:
                yield start, start + len(one.secret_value), one.type

    return find


def build(peer: str) -> Finder:
    """The finder of a peer's name."""
    if peer == "presidio_ner":
        return presidio(str(Path(sys.prefix).parent / "ner"))
    return {"presidio": presidio, "scrubadub": scrubadub, "datafog": datafog, "detect_secrets": detect_secrets}[peer]()


def main() -> None:
    find = build(sys.argv[1])
    list(find("Mail jane@example.org or call +1 212 555 0199."))
    with _OPEN:
        for line in sys.stdin:
            record = json.loads(line)
            start = time.process_time()
            spans = list(find(record["text"]))
            seconds = time.process_time() - start
            print(json.dumps({"id": record["id"], "spans": spans, "seconds": seconds}))


if __name__ == "__main__":
    main()
