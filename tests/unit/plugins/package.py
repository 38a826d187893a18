"""Plug-ins for tests, installed as a package would be: a module and its entry points in a folder of `sys.path`."""

from pathlib import Path

MODULE = '''
import os, re, time, threading
from pipeline.detection import Finding, build_detector
from pipeline.text import RawText

class Base:
    name = "sample"
    entities = frozenset({"BADGE"})
    def __init__(self, options): self.options = options

class Badges(Base):
    def find(self, text):
        pattern = self.options.get("pattern", r"B-[0-9]{4}")
        for found in re.finditer(pattern, text):
            print("standard output is nobody's business", text)
            yield Finding(found.start(), found.end(), "BADGE", 0.9)

class Raises(Base):
    def find(self, text): raise ValueError(text)

class Exits(Base):
    def find(self, text): os._exit(3)

class Sleeps(Base):
    def find(self, text):
        if "slow" in text: time.sleep(60)
        return [Finding(0, 1, "BADGE", 0.9)]

class Backtracks(Base):
    """Keeps Python's lock all the while."""
    def find(self, text): return [Finding(0, 1, "BADGE", 0.9) for _ in re.finditer(r"(x+x+)+y", text)]

class Spans(Base):
    def find(self, text):
        start, end, entity, score = self.options["finding"]
        return [Finding(start, end, entity, score)]

class NoFindings(Base):
    def find(self, text): return ["nothing of the kind"]

class Dumpable(Base):
    """Finds something where its process may be traced or leave a core: PR_GET_DUMPABLE is 3."""
    def find(self, text):
        import ctypes
        return [Finding(0, 1, "BADGE", 0.9)] if ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) else []

class Cyclic(Base):
    """Asks a detector that asks it."""
    def find(self, text): return build_detector((), recognizers=[self]).detect(RawText(text))

class StartsPlugins(Base):
    def __init__(self, options):
        from pipeline.adapters.recognizers.process import ProcessRecognizer
        self.inner = ProcessRecognizer("badges", b"{}", 5.0)

def refuses(options): raise RuntimeError(str(options))
def none(options): return object()
'''

ENTRY_POINTS = """[veilstream.recognizers]
badges = sample_plugins:Badges
raises = sample_plugins:Raises
exits = sample_plugins:Exits
sleeps = sample_plugins:Sleeps
backtracks = sample_plugins:Backtracks
spans = sample_plugins:Spans
no-findings = sample_plugins:NoFindings
dumpable = sample_plugins:Dumpable
cyclic = sample_plugins:Cyclic
starts-plugins = sample_plugins:StartsPlugins
refuses = sample_plugins:refuses
none = sample_plugins:none
absent = no_such_module:build
"""


def install(folder: Path, version: str = "1.0") -> None:
    """Write the package into a folder."""
    (folder / "sample_plugins.py").write_text(MODULE)
    info = folder / f"sample_plugins-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sample-plugins\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
