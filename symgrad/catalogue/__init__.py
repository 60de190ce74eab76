"""The catalogue: analyses, where they are found, and how their reports are made."""

from symgrad.catalogue.loading import find, load
from symgrad.catalogue.registry import Analysis, analysis, registered
from symgrad.catalogue.running import Result, run_reports
from symgrad.catalogue.scales import SCALES, Scale
from symgrad.catalogue.sources import Entry, describe, entries, home

__all__ = [
    "SCALES",
    "Analysis",
    "Entry",
    "Result",
    "Scale",
    "analysis",
    "describe",
    "entries",
    "find",
    "home",
    "load",
    "registered",
    "run_reports",
]
