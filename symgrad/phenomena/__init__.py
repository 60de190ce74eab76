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
        "phenomena.cliffs.edge_states": "EdgeState find_edge_state",
        "phenomena.cliffs.fates": "Fate Fates fates",
        "phenomena.cliffs.laps": "Growth Laps count_laps",
        "phenomena.cliffs.line_values": "OnCurve values_on",
        "phenomena.cliffs.location": "Change Crossing locate",
        "phenomena.cliffs.pull_back": "PulledBack pull_back",
        "phenomena.cliffs.ridges": "Ridge fold_ridge",
        "phenomena.cliffs.walls": "Profile wall_profile",
        "phenomena.cliffs.collapses": "Collapse collapse",
        "phenomena.cliffs.poincare": "Poincare poincare_function",
        "phenomena.descent.paths": "Descent descend",
        "phenomena.descent.diagrams": "DescentDiagram descent_diagram",
        "phenomena.descent.advice": "Advice largest_safe_step smallest_crossing_threshold",
        "phenomena.descent.curvature": "sharpness",
        "phenomena.descent.endings": "PathEnd",
        "phenomena.continuation": "Trace bifurcation_system trace",
        "phenomena.crossings": "BifurcationPoint bifurcation_points birth_points superstable_numbers",
        "phenomena.exact_curves": "ExactRegime",
        "phenomena.newton.orbits": "NewtonOrbit newton_orbit",
        "phenomena.newton.local": "LocalTheory local_theory",
        "phenomena.newton.systems": "SystemFate SystemPath solve_system",
        "phenomena.newton.step_regimes": "step_regime",
        "phenomena.newton.sensitivity": "SensitivityPath sensitivity_path",
        "phenomena.basins.basin_maps": "Basins find_basins",
        "phenomena.basins.parameter_planes": "ParameterPlane parameter_plane",
        "phenomena.basins.refinement": "refine",
        "phenomena.basins.boundaries": "BoundaryDimension boundary_dimension",
        "phenomena.newton.update_regimes": "regime_of_update update_regimes",
        "phenomena.derivative_checks.numeric_derivatives": "check_gradient",
        "phenomena.derivative_checks.results": "DerivativeCheck GradientReport Kink",
        "phenomena.overlays": "PlaneCurve with_bifurcations",
        "phenomena.regimes": "PointRegime RegimeMap classify regime_of_outcome",
        "phenomena.stability": "Attractors Region exact_attractors intervals iterated_attractors jury_regions regions",
        "phenomena.meanfield.correlations": "MeanField mean_field",
        "phenomena.meanfield.criticality": "critical_points",
        "phenomena.meanfield.finite_width": "finite_width",
        "phenomena.meanfield.phase_planes": "PhasePlane phase_plane",
        "phenomena.probes.probing": "probe",
        "phenomena.probes.results": "Probe",
        "phenomena.spectra.lyapunov": "Spectrum lyapunov_spectrum",
        "phenomena.spectra.non_normal": "NonNormalGrowth non_normal_growth",
        "phenomena.spectra.singular_values": "singular_values_of_product",
        "phenomena.tails": "Orbit",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.derivation import Regime as Regime
    from symgrad.derivation import Sign as Sign
    from symgrad.phenomena.basins.basin_maps import Basins as Basins
    from symgrad.phenomena.basins.basin_maps import find_basins as find_basins
    from symgrad.phenomena.basins.boundaries import BoundaryDimension as BoundaryDimension
    from symgrad.phenomena.basins.boundaries import boundary_dimension as boundary_dimension
    from symgrad.phenomena.basins.parameter_planes import ParameterPlane as ParameterPlane
    from symgrad.phenomena.basins.parameter_planes import parameter_plane as parameter_plane
    from symgrad.phenomena.basins.refinement import refine as refine
    from symgrad.phenomena.cliffs.cliff_map import Cliff as Cliff
    from symgrad.phenomena.cliffs.cliff_map import CliffKind as CliffKind
    from symgrad.phenomena.cliffs.cliff_map import CliffMap as CliffMap
    from symgrad.phenomena.cliffs.cliff_map import TracePoint as TracePoint
    from symgrad.phenomena.cliffs.collapses import Collapse as Collapse
    from symgrad.phenomena.cliffs.collapses import collapse as collapse
    from symgrad.phenomena.cliffs.deep_slices import SliceCliffs as SliceCliffs
    from symgrad.phenomena.cliffs.deep_slices import slice_cliffs as slice_cliffs
    from symgrad.phenomena.cliffs.edge_states import EdgeState as EdgeState
    from symgrad.phenomena.cliffs.edge_states import find_edge_state as find_edge_state
    from symgrad.phenomena.cliffs.fates import Fate as Fate
    from symgrad.phenomena.cliffs.fates import Fates as Fates
    from symgrad.phenomena.cliffs.fates import fates as fates
    from symgrad.phenomena.cliffs.finding import find_cliffs as find_cliffs
    from symgrad.phenomena.cliffs.laps import Growth as Growth
    from symgrad.phenomena.cliffs.laps import Laps as Laps
    from symgrad.phenomena.cliffs.laps import count_laps as count_laps
    from symgrad.phenomena.cliffs.line_values import OnCurve as OnCurve
    from symgrad.phenomena.cliffs.line_values import values_on as values_on
    from symgrad.phenomena.cliffs.location import Change as Change
    from symgrad.phenomena.cliffs.location import Crossing as Crossing
    from symgrad.phenomena.cliffs.location import locate as locate
    from symgrad.phenomena.cliffs.poincare import Poincare as Poincare
    from symgrad.phenomena.cliffs.poincare import poincare_function as poincare_function
    from symgrad.phenomena.cliffs.pull_back import PulledBack as PulledBack
    from symgrad.phenomena.cliffs.pull_back import pull_back as pull_back
    from symgrad.phenomena.cliffs.ridges import Ridge as Ridge
    from symgrad.phenomena.cliffs.ridges import fold_ridge as fold_ridge
    from symgrad.phenomena.cliffs.step_field import CliffRegion as CliffRegion
    from symgrad.phenomena.cliffs.step_field import CliffRegions as CliffRegions
    from symgrad.phenomena.cliffs.step_field import cliff_regions as cliff_regions
    from symgrad.phenomena.cliffs.walls import Profile as Profile
    from symgrad.phenomena.cliffs.walls import wall_profile as wall_profile
    from symgrad.phenomena.continuation import Trace as Trace
    from symgrad.phenomena.continuation import bifurcation_system as bifurcation_system
    from symgrad.phenomena.continuation import trace as trace
    from symgrad.phenomena.crossings import BifurcationPoint as BifurcationPoint
    from symgrad.phenomena.crossings import bifurcation_points as bifurcation_points
    from symgrad.phenomena.crossings import birth_points as birth_points
    from symgrad.phenomena.crossings import superstable_numbers as superstable_numbers
    from symgrad.phenomena.derivative_checks.numeric_derivatives import check_gradient as check_gradient
    from symgrad.phenomena.derivative_checks.results import DerivativeCheck as DerivativeCheck
    from symgrad.phenomena.derivative_checks.results import GradientReport as GradientReport
    from symgrad.phenomena.derivative_checks.results import Kink as Kink
    from symgrad.phenomena.descent.advice import Advice as Advice
    from symgrad.phenomena.descent.advice import largest_safe_step as largest_safe_step
    from symgrad.phenomena.descent.advice import smallest_crossing_threshold as smallest_crossing_threshold
    from symgrad.phenomena.descent.curvature import sharpness as sharpness
    from symgrad.phenomena.descent.diagrams import DescentDiagram as DescentDiagram
    from symgrad.phenomena.descent.diagrams import descent_diagram as descent_diagram
    from symgrad.phenomena.descent.endings import PathEnd as PathEnd
    from symgrad.phenomena.descent.paths import Descent as Descent
    from symgrad.phenomena.descent.paths import descend as descend
    from symgrad.phenomena.exact_curves import ExactRegime as ExactRegime
    from symgrad.phenomena.meanfield.correlations import MeanField as MeanField
    from symgrad.phenomena.meanfield.correlations import mean_field as mean_field
    from symgrad.phenomena.meanfield.criticality import critical_points as critical_points
    from symgrad.phenomena.meanfield.finite_width import finite_width as finite_width
    from symgrad.phenomena.meanfield.phase_planes import PhasePlane as PhasePlane
    from symgrad.phenomena.meanfield.phase_planes import phase_plane as phase_plane
    from symgrad.phenomena.newton.local import LocalTheory as LocalTheory
    from symgrad.phenomena.newton.local import local_theory as local_theory
    from symgrad.phenomena.newton.orbits import NewtonOrbit as NewtonOrbit
    from symgrad.phenomena.newton.orbits import newton_orbit as newton_orbit
    from symgrad.phenomena.newton.sensitivity import SensitivityPath as SensitivityPath
    from symgrad.phenomena.newton.sensitivity import sensitivity_path as sensitivity_path
    from symgrad.phenomena.newton.step_regimes import step_regime as step_regime
    from symgrad.phenomena.newton.systems import SystemFate as SystemFate
    from symgrad.phenomena.newton.systems import SystemPath as SystemPath
    from symgrad.phenomena.newton.systems import solve_system as solve_system
    from symgrad.phenomena.newton.update_regimes import regime_of_update as regime_of_update
    from symgrad.phenomena.newton.update_regimes import update_regimes as update_regimes
    from symgrad.phenomena.overlays import PlaneCurve as PlaneCurve
    from symgrad.phenomena.overlays import with_bifurcations as with_bifurcations
    from symgrad.phenomena.probes.probing import probe as probe
    from symgrad.phenomena.probes.results import Probe as Probe
    from symgrad.phenomena.regimes import PointRegime as PointRegime
    from symgrad.phenomena.regimes import RegimeMap as RegimeMap
    from symgrad.phenomena.regimes import classify as classify
    from symgrad.phenomena.regimes import regime_of_outcome as regime_of_outcome
    from symgrad.phenomena.spectra.lyapunov import Spectrum as Spectrum
    from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum as lyapunov_spectrum
    from symgrad.phenomena.spectra.non_normal import NonNormalGrowth as NonNormalGrowth
    from symgrad.phenomena.spectra.non_normal import non_normal_growth as non_normal_growth
    from symgrad.phenomena.spectra.singular_values import singular_values_of_product as singular_values_of_product
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
