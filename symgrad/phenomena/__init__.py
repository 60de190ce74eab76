"""Phenomena: what algebra and numbers together show, by the field's names."""

from symgrad.derivation import Regime, Sign
from symgrad.phenomena.cliffs import CliffRegion, CliffRegions, cliff_regions
from symgrad.phenomena.exact_curves import ExactRegime
from symgrad.phenomena.regimes import PointRegime, RegimeMap, classify, regime_of_outcome
from symgrad.phenomena.tails import Orbit

__all__ = [
    "CliffRegion",
    "CliffRegions",
    "ExactRegime",
    "Orbit",
    "PointRegime",
    "Regime",
    "RegimeMap",
    "Sign",
    "classify",
    "cliff_regions",
    "regime_of_outcome",
]
