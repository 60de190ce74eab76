"""Exact derivations: chain products, gradients, updates, and the test whether an expression is identically zero.

Each name is imported on first use, so that a command loads only the algebra it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

MODULE_OF = {
    name: module
    for module, names in {
        "bifurcations.curves": "Bifurcations Curve ExactPoint OpenEquation",
        "bifurcations.cycles": "dynatomic jury multiplier_polynomial quadratic_form",
        "bifurcations.decimals": "decimal_value",
        "bifurcations.finding": "find_bifurcations",
        "bifurcations.inversion": "compare",
        "bifurcations.layer_equations": "LayerEquations equations_of_layer",
        "bifurcations.quadratic_bifurcations": "attracting_cycles cycle_points",
        "bifurcations.schwarzian": "SchwarzianFact SchwarzianSign schwarzian_derivative schwarzian_of",
        "bifurcations.sigmoidal": "Sigmoidal sigmoidal_form",
        "bifurcations.triangular": "solve_univariate",
        "chain": "ChainProduct Factor chain_product",
        "cliff_equations": "CliffCurve Side cliff_curves geometric_sum_proof",
        "closed_forms.recognition": "ClosedForm closed_form",
        "composition_newton": "CompositionNewton LossNewton newton_of_composition newton_of_loss",
        "deep_products.finding": "Band DeepProduct Valley deep_product",
        "equilibria": "ExactStatement FixedStart body_map constant_factor exact_regimes fixed_start one_block "
        "uniform_bound",
        "gradients": "Gradient Recurrence gradient",
        "identities.proofs": "is_zero zero_proof",
        "implicit_sensitivity": "ImplicitSensitivity implicit_sensitivity",
        "local_theory": "Convergence Cycle CycleKind NewtonProblem at_infinity conjugacy_to_square exact_cycles "
        "exact_roots newton_problem poles singular_points superattracting_parameters",
        "notation": "to_latex",
        "products.decision": "product_limit",
        "products.product_limits": "ProductLimit",
        "two_layer_catapult": "TwoNumberMap two_number_map",
        "update_rules": "UPDATE_RULES Update UpdateRule update update_rule",
        "updates": "UpdateMap clipped_step gradient_step momentum_step newton",
        "vocabulary": "Regime Sign",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.derivation.bifurcations.curves import Bifurcations as Bifurcations
    from symgrad.derivation.bifurcations.curves import Curve as Curve
    from symgrad.derivation.bifurcations.curves import ExactPoint as ExactPoint
    from symgrad.derivation.bifurcations.curves import OpenEquation as OpenEquation
    from symgrad.derivation.bifurcations.cycles import dynatomic as dynatomic
    from symgrad.derivation.bifurcations.cycles import jury as jury
    from symgrad.derivation.bifurcations.cycles import multiplier_polynomial as multiplier_polynomial
    from symgrad.derivation.bifurcations.cycles import quadratic_form as quadratic_form
    from symgrad.derivation.bifurcations.decimals import decimal_value as decimal_value
    from symgrad.derivation.bifurcations.finding import find_bifurcations as find_bifurcations
    from symgrad.derivation.bifurcations.inversion import compare as compare
    from symgrad.derivation.bifurcations.layer_equations import LayerEquations as LayerEquations
    from symgrad.derivation.bifurcations.layer_equations import equations_of_layer as equations_of_layer
    from symgrad.derivation.bifurcations.quadratic_bifurcations import attracting_cycles as attracting_cycles
    from symgrad.derivation.bifurcations.quadratic_bifurcations import cycle_points as cycle_points
    from symgrad.derivation.bifurcations.schwarzian import SchwarzianFact as SchwarzianFact
    from symgrad.derivation.bifurcations.schwarzian import SchwarzianSign as SchwarzianSign
    from symgrad.derivation.bifurcations.schwarzian import schwarzian_derivative as schwarzian_derivative
    from symgrad.derivation.bifurcations.schwarzian import schwarzian_of as schwarzian_of
    from symgrad.derivation.bifurcations.sigmoidal import Sigmoidal as Sigmoidal
    from symgrad.derivation.bifurcations.sigmoidal import sigmoidal_form as sigmoidal_form
    from symgrad.derivation.bifurcations.triangular import solve_univariate as solve_univariate
    from symgrad.derivation.chain import ChainProduct as ChainProduct
    from symgrad.derivation.chain import Factor as Factor
    from symgrad.derivation.chain import chain_product as chain_product
    from symgrad.derivation.cliff_equations import CliffCurve as CliffCurve
    from symgrad.derivation.cliff_equations import Side as Side
    from symgrad.derivation.cliff_equations import cliff_curves as cliff_curves
    from symgrad.derivation.cliff_equations import geometric_sum_proof as geometric_sum_proof
    from symgrad.derivation.closed_forms.recognition import ClosedForm as ClosedForm
    from symgrad.derivation.closed_forms.recognition import closed_form as closed_form
    from symgrad.derivation.composition_newton import CompositionNewton as CompositionNewton
    from symgrad.derivation.composition_newton import LossNewton as LossNewton
    from symgrad.derivation.composition_newton import newton_of_composition as newton_of_composition
    from symgrad.derivation.composition_newton import newton_of_loss as newton_of_loss
    from symgrad.derivation.deep_products.finding import Band as Band
    from symgrad.derivation.deep_products.finding import DeepProduct as DeepProduct
    from symgrad.derivation.deep_products.finding import Valley as Valley
    from symgrad.derivation.deep_products.finding import deep_product as deep_product
    from symgrad.derivation.equilibria import ExactStatement as ExactStatement
    from symgrad.derivation.equilibria import FixedStart as FixedStart
    from symgrad.derivation.equilibria import body_map as body_map
    from symgrad.derivation.equilibria import constant_factor as constant_factor
    from symgrad.derivation.equilibria import exact_regimes as exact_regimes
    from symgrad.derivation.equilibria import fixed_start as fixed_start
    from symgrad.derivation.equilibria import one_block as one_block
    from symgrad.derivation.equilibria import uniform_bound as uniform_bound
    from symgrad.derivation.gradients import Gradient as Gradient
    from symgrad.derivation.gradients import Recurrence as Recurrence
    from symgrad.derivation.gradients import gradient as gradient
    from symgrad.derivation.identities.proofs import is_zero as is_zero
    from symgrad.derivation.identities.proofs import zero_proof as zero_proof
    from symgrad.derivation.implicit_sensitivity import ImplicitSensitivity as ImplicitSensitivity
    from symgrad.derivation.implicit_sensitivity import implicit_sensitivity as implicit_sensitivity
    from symgrad.derivation.local_theory import Convergence as Convergence
    from symgrad.derivation.local_theory import Cycle as Cycle
    from symgrad.derivation.local_theory import CycleKind as CycleKind
    from symgrad.derivation.local_theory import NewtonProblem as NewtonProblem
    from symgrad.derivation.local_theory import at_infinity as at_infinity
    from symgrad.derivation.local_theory import conjugacy_to_square as conjugacy_to_square
    from symgrad.derivation.local_theory import exact_cycles as exact_cycles
    from symgrad.derivation.local_theory import exact_roots as exact_roots
    from symgrad.derivation.local_theory import newton_problem as newton_problem
    from symgrad.derivation.local_theory import poles as poles
    from symgrad.derivation.local_theory import singular_points as singular_points
    from symgrad.derivation.local_theory import superattracting_parameters as superattracting_parameters
    from symgrad.derivation.notation import to_latex as to_latex
    from symgrad.derivation.products.decision import product_limit as product_limit
    from symgrad.derivation.products.product_limits import ProductLimit as ProductLimit
    from symgrad.derivation.two_layer_catapult import TwoNumberMap as TwoNumberMap
    from symgrad.derivation.two_layer_catapult import two_number_map as two_number_map
    from symgrad.derivation.update_rules import UPDATE_RULES as UPDATE_RULES
    from symgrad.derivation.update_rules import Update as Update
    from symgrad.derivation.update_rules import UpdateRule as UpdateRule
    from symgrad.derivation.update_rules import update as update
    from symgrad.derivation.update_rules import update_rule as update_rule
    from symgrad.derivation.updates import UpdateMap as UpdateMap
    from symgrad.derivation.updates import clipped_step as clipped_step
    from symgrad.derivation.updates import gradient_step as gradient_step
    from symgrad.derivation.updates import momentum_step as momentum_step
    from symgrad.derivation.updates import newton as newton
    from symgrad.derivation.vocabulary import Regime as Regime
    from symgrad.derivation.vocabulary import Sign as Sign

__all__ = [*MODULE_OF]


def __getattr__(name: str) -> object:
    """Import a name from its module on first use."""
    if name not in MODULE_OF:
        raise AttributeError(f"symgrad.derivation has no {name!r}")
    value = getattr(import_module(f"symgrad.derivation.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
