"""Phenomena: what algebra and numbers together show, by the field's names."""

from symgrad.derivation import Regime, Sign
from symgrad.phenomena.cliffs import CliffRegion, CliffRegions, cliff_regions
from symgrad.phenomena.continuation import Trace, bifurcation_system, trace
from symgrad.phenomena.crossings import BifurcationPoint, bifurcation_points, birth_points, superstable_numbers
from symgrad.phenomena.exact_curves import ExactRegime
from symgrad.phenomena.overlays import PlaneCurve, with_bifurcations
from symgrad.phenomena.regimes import PointRegime, RegimeMap, classify, regime_of_outcome
from symgrad.phenomena.stability import (
    Attractors,
    Region,
    exact_attractors,
    intervals,
    iterated_attractors,
    jury_regions,
    regions,
)
from symgrad.phenomena.tails import Orbit

__all__ = [
    "Attractors",
    "BifurcationPoint",
    "CliffRegion",
    "CliffRegions",
    "ExactRegime",
    "Orbit",
    "PlaneCurve",
    "PointRegime",
    "Regime",
    "RegimeMap",
    "Region",
    "Sign",
    "Trace",
    "bifurcation_points",
    "bifurcation_system",
    "birth_points",
    "classify",
    "cliff_regions",
    "exact_attractors",
    "intervals",
    "iterated_attractors",
    "jury_regions",
    "regime_of_outcome",
    "regions",
    "superstable_numbers",
    "trace",
    "with_bifurcations",
]
