"""Exact derivations: chain products, gradients, updates, and the test whether an expression is identically zero."""

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, ExactPoint, OpenEquation
from symgrad.derivation.bifurcations.cycles import dynatomic, jury, multiplier_polynomial, quadratic_form
from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.bifurcations.finding import find_bifurcations
from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.bifurcations.layer_equations import LayerEquations, equations_of_layer
from symgrad.derivation.bifurcations.quadratic_bifurcations import attracting_cycles, cycle_points
from symgrad.derivation.bifurcations.schwarzian import (
    SchwarzianFact,
    SchwarzianSign,
    schwarzian_derivative,
    schwarzian_of,
)
from symgrad.derivation.bifurcations.sigmoidal import Sigmoidal, sigmoidal_form
from symgrad.derivation.bifurcations.triangular import solve_univariate
from symgrad.derivation.chain import ChainProduct, Factor, chain_product
from symgrad.derivation.cliff_equations import CliffCurve, Side, cliff_curves, geometric_sum_proof
from symgrad.derivation.closed_forms.recognition import ClosedForm, closed_form
from symgrad.derivation.composition_newton import (
    CompositionNewton,
    LossNewton,
    newton_of_composition,
    newton_of_loss,
)
from symgrad.derivation.deep_products.finding import Band, DeepProduct, Valley, deep_product
from symgrad.derivation.equilibria import (
    ExactStatement,
    FixedStart,
    body_map,
    constant_factor,
    exact_regimes,
    fixed_start,
    one_block,
    uniform_bound,
)
from symgrad.derivation.gradients import Gradient, Recurrence, gradient
from symgrad.derivation.identities.proofs import is_zero, zero_proof
from symgrad.derivation.implicit_sensitivity import ImplicitSensitivity, implicit_sensitivity
from symgrad.derivation.local_theory import (
    Convergence,
    Cycle,
    CycleKind,
    NewtonProblem,
    at_infinity,
    conjugacy_to_square,
    exact_cycles,
    exact_roots,
    newton_problem,
    poles,
    singular_points,
    superattracting_parameters,
)
from symgrad.derivation.notation import to_latex
from symgrad.derivation.products.decision import product_limit
from symgrad.derivation.products.product_limits import ProductLimit
from symgrad.derivation.two_layer_catapult import TwoNumberMap, two_number_map
from symgrad.derivation.update_rules import UPDATE_RULES, Update, UpdateRule, update, update_rule
from symgrad.derivation.updates import (
    UpdateMap,
    clipped_step,
    gradient_step,
    momentum_step,
    newton,
)
from symgrad.derivation.vocabulary import Regime, Sign

__all__ = [
    "UPDATE_RULES",
    "Band",
    "Bifurcations",
    "ChainProduct",
    "CliffCurve",
    "ClosedForm",
    "CompositionNewton",
    "Convergence",
    "Curve",
    "Cycle",
    "CycleKind",
    "DeepProduct",
    "ExactPoint",
    "ExactStatement",
    "Factor",
    "FixedStart",
    "Gradient",
    "ImplicitSensitivity",
    "LayerEquations",
    "LossNewton",
    "NewtonProblem",
    "OpenEquation",
    "ProductLimit",
    "Recurrence",
    "Regime",
    "SchwarzianFact",
    "SchwarzianSign",
    "Side",
    "Sigmoidal",
    "Sign",
    "TwoNumberMap",
    "Update",
    "UpdateMap",
    "UpdateRule",
    "Valley",
    "at_infinity",
    "attracting_cycles",
    "body_map",
    "chain_product",
    "cliff_curves",
    "clipped_step",
    "closed_form",
    "compare",
    "conjugacy_to_square",
    "constant_factor",
    "cycle_points",
    "decimal_value",
    "deep_product",
    "dynatomic",
    "equations_of_layer",
    "exact_cycles",
    "exact_regimes",
    "exact_roots",
    "find_bifurcations",
    "fixed_start",
    "geometric_sum_proof",
    "gradient",
    "gradient_step",
    "implicit_sensitivity",
    "is_zero",
    "jury",
    "momentum_step",
    "multiplier_polynomial",
    "newton",
    "newton_of_composition",
    "newton_of_loss",
    "newton_problem",
    "one_block",
    "poles",
    "product_limit",
    "quadratic_form",
    "schwarzian_derivative",
    "schwarzian_of",
    "sigmoidal_form",
    "singular_points",
    "solve_univariate",
    "superattracting_parameters",
    "to_latex",
    "two_number_map",
    "uniform_bound",
    "update",
    "update_rule",
    "zero_proof",
]
