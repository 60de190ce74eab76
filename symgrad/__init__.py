"""Exact chain products and gradients of deep compositions, and what becomes of them with depth.

Every public name is here and is imported from its room on first use, so ``import symgrad`` costs nothing.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost each start 6 ms
__version__ = "0.1.0"

ROOM_OF = {
    name: room
    for room, names in {
        "errors": "InputError RegistryError",
        "evidence": "Verdict Evidence",
        "maps": "Map Composition stack apply_slice activation ACTIVATIONS expression differentiate "
        "identity tanh sigmoid relu leaky_relu elu selu softplus softsign gelu silu mish erf sin atan exp",
        "maps.cells": "cell Cell CELLS",
        "derivation": "chain_product ChainProduct gradient Gradient is_zero newton gradient_step clipped_step "
        "closed_form ClosedForm "
        "newton_of_composition momentum_step UpdateMap exact_regimes find_bifurcations product_limit ProductLimit "
        "cliff_curves CliffCurve deep_product DeepProduct two_number_map "
        "update update_rule Update UPDATE_RULES newton_of_loss",
        "kernels": "to_kernel Kernel Outcome SignedLog Path composition_newton_step loss_newton_step",
        "certify": "pave gradient_supremum contraction ball_gradient "
        "best_certificate kantorovich smale_alpha interval_newton",
        "claims": "Claim check",
        "sweeps": "Axis sweep Sweep",
        "phenomena": "classify Regime RegimeMap cliff_regions find_cliffs Cliff CliffMap values_on wall_profile "
        "fold_ridge fates locate count_laps pull_back find_edge_state descend Descent descent_diagram "
        "largest_safe_step smallest_crossing_threshold find_basins Basins parameter_plane newton_orbit NewtonOrbit "
        "local_theory LocalTheory solve_system step_regime check_gradient GradientReport "
        "lyapunov_spectrum Spectrum singular_values_of_product non_normal_growth mean_field MeanField critical_points "
        "phase_plane PhasePlane finite_width probe Probe",
        "report": "Report Text Formula Table Figure",
        "catalogue": "analysis Scale",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.catalogue import Scale as Scale
    from symgrad.catalogue import analysis as analysis
    from symgrad.certify import ball_gradient as ball_gradient
    from symgrad.certify import best_certificate as best_certificate
    from symgrad.certify import contraction as contraction
    from symgrad.certify import gradient_supremum as gradient_supremum
    from symgrad.certify import interval_newton as interval_newton
    from symgrad.certify import kantorovich as kantorovich
    from symgrad.certify import pave as pave
    from symgrad.certify import smale_alpha as smale_alpha
    from symgrad.claims import Claim as Claim
    from symgrad.claims import check as check
    from symgrad.derivation import UPDATE_RULES as UPDATE_RULES
    from symgrad.derivation import ChainProduct as ChainProduct
    from symgrad.derivation import CliffCurve as CliffCurve
    from symgrad.derivation import ClosedForm as ClosedForm
    from symgrad.derivation import DeepProduct as DeepProduct
    from symgrad.derivation import Gradient as Gradient
    from symgrad.derivation import ProductLimit as ProductLimit
    from symgrad.derivation import Update as Update
    from symgrad.derivation import UpdateMap as UpdateMap
    from symgrad.derivation import chain_product as chain_product
    from symgrad.derivation import cliff_curves as cliff_curves
    from symgrad.derivation import clipped_step as clipped_step
    from symgrad.derivation import closed_form as closed_form
    from symgrad.derivation import deep_product as deep_product
    from symgrad.derivation import exact_regimes as exact_regimes
    from symgrad.derivation import find_bifurcations as find_bifurcations
    from symgrad.derivation import gradient as gradient
    from symgrad.derivation import gradient_step as gradient_step
    from symgrad.derivation import is_zero as is_zero
    from symgrad.derivation import momentum_step as momentum_step
    from symgrad.derivation import newton as newton
    from symgrad.derivation import newton_of_composition as newton_of_composition
    from symgrad.derivation import newton_of_loss as newton_of_loss
    from symgrad.derivation import product_limit as product_limit
    from symgrad.derivation import two_number_map as two_number_map
    from symgrad.derivation import update as update
    from symgrad.derivation import update_rule as update_rule
    from symgrad.errors import InputError as InputError
    from symgrad.errors import RegistryError as RegistryError
    from symgrad.evidence import Evidence as Evidence
    from symgrad.evidence import Verdict as Verdict
    from symgrad.kernels import Kernel as Kernel
    from symgrad.kernels import Outcome as Outcome
    from symgrad.kernels import Path as Path
    from symgrad.kernels import SignedLog as SignedLog
    from symgrad.kernels import composition_newton_step as composition_newton_step
    from symgrad.kernels import loss_newton_step as loss_newton_step
    from symgrad.kernels import to_kernel as to_kernel
    from symgrad.maps import ACTIVATIONS as ACTIVATIONS
    from symgrad.maps import Composition as Composition
    from symgrad.maps import Map as Map
    from symgrad.maps import activation as activation
    from symgrad.maps import apply_slice as apply_slice
    from symgrad.maps import atan as atan
    from symgrad.maps import differentiate as differentiate
    from symgrad.maps import elu as elu
    from symgrad.maps import erf as erf
    from symgrad.maps import exp as exp
    from symgrad.maps import expression as expression
    from symgrad.maps import gelu as gelu
    from symgrad.maps import identity as identity
    from symgrad.maps import leaky_relu as leaky_relu
    from symgrad.maps import mish as mish
    from symgrad.maps import relu as relu
    from symgrad.maps import selu as selu
    from symgrad.maps import sigmoid as sigmoid
    from symgrad.maps import silu as silu
    from symgrad.maps import sin as sin
    from symgrad.maps import softplus as softplus
    from symgrad.maps import softsign as softsign
    from symgrad.maps import stack as stack
    from symgrad.maps import tanh as tanh
    from symgrad.maps.cells import CELLS as CELLS
    from symgrad.maps.cells import Cell as Cell
    from symgrad.maps.cells import cell as cell
    from symgrad.phenomena import Basins as Basins
    from symgrad.phenomena import Cliff as Cliff
    from symgrad.phenomena import CliffMap as CliffMap
    from symgrad.phenomena import Descent as Descent
    from symgrad.phenomena import GradientReport as GradientReport
    from symgrad.phenomena import LocalTheory as LocalTheory
    from symgrad.phenomena import MeanField as MeanField
    from symgrad.phenomena import NewtonOrbit as NewtonOrbit
    from symgrad.phenomena import PhasePlane as PhasePlane
    from symgrad.phenomena import Probe as Probe
    from symgrad.phenomena import Regime as Regime
    from symgrad.phenomena import RegimeMap as RegimeMap
    from symgrad.phenomena import Spectrum as Spectrum
    from symgrad.phenomena import check_gradient as check_gradient
    from symgrad.phenomena import classify as classify
    from symgrad.phenomena import cliff_regions as cliff_regions
    from symgrad.phenomena import count_laps as count_laps
    from symgrad.phenomena import critical_points as critical_points
    from symgrad.phenomena import descend as descend
    from symgrad.phenomena import descent_diagram as descent_diagram
    from symgrad.phenomena import fates as fates
    from symgrad.phenomena import find_basins as find_basins
    from symgrad.phenomena import find_cliffs as find_cliffs
    from symgrad.phenomena import find_edge_state as find_edge_state
    from symgrad.phenomena import finite_width as finite_width
    from symgrad.phenomena import fold_ridge as fold_ridge
    from symgrad.phenomena import largest_safe_step as largest_safe_step
    from symgrad.phenomena import local_theory as local_theory
    from symgrad.phenomena import locate as locate
    from symgrad.phenomena import lyapunov_spectrum as lyapunov_spectrum
    from symgrad.phenomena import mean_field as mean_field
    from symgrad.phenomena import newton_orbit as newton_orbit
    from symgrad.phenomena import non_normal_growth as non_normal_growth
    from symgrad.phenomena import parameter_plane as parameter_plane
    from symgrad.phenomena import phase_plane as phase_plane
    from symgrad.phenomena import probe as probe
    from symgrad.phenomena import pull_back as pull_back
    from symgrad.phenomena import singular_values_of_product as singular_values_of_product
    from symgrad.phenomena import smallest_crossing_threshold as smallest_crossing_threshold
    from symgrad.phenomena import solve_system as solve_system
    from symgrad.phenomena import step_regime as step_regime
    from symgrad.phenomena import values_on as values_on
    from symgrad.phenomena import wall_profile as wall_profile
    from symgrad.report import Figure as Figure
    from symgrad.report import Formula as Formula
    from symgrad.report import Report as Report
    from symgrad.report import Table as Table
    from symgrad.report import Text as Text
    from symgrad.sweeps import Axis as Axis
    from symgrad.sweeps import Sweep as Sweep
    from symgrad.sweeps import sweep as sweep

__all__ = ["__version__", *ROOM_OF]


def __getattr__(name: str) -> object:
    """Import a public name from its room on first use."""
    if name not in ROOM_OF:
        raise AttributeError(f"symgrad has no {name!r}")
    value = getattr(import_module(f"symgrad.{ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
