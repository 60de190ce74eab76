"""Exact derivations: chain products, gradients, updates, and the test whether an expression is identically zero."""

from symgrad.derivation.chain import ChainProduct, Factor, chain_product
from symgrad.derivation.gradients import Gradient, Recurrence, gradient
from symgrad.derivation.identities import is_zero, zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.updates import (
    CompositionNewton,
    UpdateMap,
    clipped_step,
    gradient_step,
    newton,
    newton_of_composition,
)

__all__ = [
    "ChainProduct",
    "CompositionNewton",
    "Factor",
    "Gradient",
    "Recurrence",
    "UpdateMap",
    "chain_product",
    "clipped_step",
    "gradient",
    "gradient_step",
    "is_zero",
    "newton",
    "newton_of_composition",
    "to_latex",
    "zero_proof",
]
