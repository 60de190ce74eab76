"""Exact derivations: chain products, gradients, updates, and the test whether an expression is identically zero."""

from symgrad.derivation.chain import ChainProduct, Factor, chain_product
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
from symgrad.derivation.identities import is_zero, zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.product_limits import ProductLimit
from symgrad.derivation.products import product_limit
from symgrad.derivation.updates import (
    CompositionNewton,
    UpdateMap,
    clipped_step,
    gradient_step,
    newton,
    newton_of_composition,
)
from symgrad.derivation.vocabulary import Regime, Sign

__all__ = [
    "ChainProduct",
    "CompositionNewton",
    "ExactStatement",
    "Factor",
    "FixedStart",
    "Gradient",
    "ProductLimit",
    "Recurrence",
    "Regime",
    "Sign",
    "UpdateMap",
    "body_map",
    "chain_product",
    "clipped_step",
    "constant_factor",
    "exact_regimes",
    "fixed_start",
    "gradient",
    "gradient_step",
    "is_zero",
    "newton",
    "newton_of_composition",
    "one_block",
    "product_limit",
    "to_latex",
    "uniform_bound",
    "zero_proof",
]
