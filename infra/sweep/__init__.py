"""The canary sweep: search every byte that was kept for values that should not be there."""

from infra.sweep.report import Hit, PlaceCount, SweepReport, render
from infra.sweep.search import sweep
from infra.sweep.self_check import SweepIsBlind, self_check

__all__ = ["Hit", "PlaceCount", "SweepIsBlind", "SweepReport", "render", "self_check", "sweep"]
