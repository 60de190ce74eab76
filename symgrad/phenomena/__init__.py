"""Phenomena: what algebra and numbers together show, by the field's names; each is imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

MODULE_OF = {
    name: module
    for module, names in {
        "derivation": "Regime Sign",
        "phenomena.cliffs.cliff_map": "Cliff CliffKind CliffMap TracePoint",
        "phenomena.cliffs.deep_slices": "SliceCliffs slice_cliffs",
        "phenomena.cliffs.finding": "find_cliffs",
        "phenomena.cliffs.step_field": "CliffRegion CliffRegions cliff_regions",
        "phenomena.continuation": "Trace bifurcation_system trace",
        "phenomena.crossings": "BifurcationPoint bifurcation_points birth_points superstable_numbers",
        "phenomena.exact_curves": "ExactRegime",
        "phenomena.overlays": "PlaneCurve with_bifurcations",
        "phenomena.regimes": "PointRegime RegimeMap classify regime_of_outcome",
        "phenomena.stability": "Attractors Region exact_attractors intervals iterated_attractors jury_regions regions",
        "phenomena.tails": "Orbit",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.derivation import Regime as Regime
    from symgrad.derivation import Sign as Sign
    from symgrad.phenomena.cliffs.cliff_map import Cliff as Cliff
    from symgrad.phenomena.cliffs.cliff_map import CliffKind as CliffKind
    from symgrad.phenomena.cliffs.cliff_map import CliffMap as CliffMap
    from symgrad.phenomena.cliffs.cliff_map import TracePoint as TracePoint
    from symgrad.phenomena.cliffs.deep_slices import SliceCliffs as SliceCliffs
    from symgrad.phenomena.cliffs.deep_slices import slice_cliffs as slice_cliffs
    from symgrad.phenomena.cliffs.finding import find_cliffs as find_cliffs
    from symgrad.phenomena.cliffs.step_field import CliffRegion as CliffRegion
    from symgrad.phenomena.cliffs.step_field import CliffRegions as CliffRegions
    from symgrad.phenomena.cliffs.step_field import cliff_regions as cliff_regions
    from symgrad.phenomena.continuation import Trace as Trace
    from symgrad.phenomena.continuation import bifurcation_system as bifurcation_system
    from symgrad.phenomena.continuation import trace as trace
    from symgrad.phenomena.crossings import BifurcationPoint as BifurcationPoint
    from symgrad.phenomena.crossings import bifurcation_points as bifurcation_points
    from symgrad.phenomena.crossings import birth_points as birth_points
    from symgrad.phenomena.crossings import superstable_numbers as superstable_numbers
    from symgrad.phenomena.exact_curves import ExactRegime as ExactRegime
    from symgrad.phenomena.overlays import PlaneCurve as PlaneCurve
    from symgrad.phenomena.overlays import with_bifurcations as with_bifurcations
    from symgrad.phenomena.regimes import PointRegime as PointRegime
    from symgrad.phenomena.regimes import RegimeMap as RegimeMap
    from symgrad.phenomena.regimes import classify as classify
    from symgrad.phenomena.regimes import regime_of_outcome as regime_of_outcome
    from symgrad.phenomena.stability import Attractors as Attractors
    from symgrad.phenomena.stability import Region as Region
    from symgrad.phenomena.stability import exact_attractors as exact_attractors
    from symgrad.phenomena.stability import intervals as intervals
    from symgrad.phenomena.stability import iterated_attractors as iterated_attractors
    from symgrad.phenomena.stability import jury_regions as jury_regions
    from symgrad.phenomena.stability import regions as regions
    from symgrad.phenomena.tails import Orbit as Orbit

__all__ = [*MODULE_OF]


def __getattr__(name: str) -> object:
    """Import a name from its module on first use."""
    if name not in MODULE_OF:
        raise AttributeError(f"symgrad.phenomena has no {name!r}")
    value = getattr(import_module(f"symgrad.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
