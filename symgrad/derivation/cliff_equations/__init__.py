"""Cliffs of a tied scalar chain as exact curves of two parameters, each with its proof."""

from symgrad.derivation.cliff_equations.curves import CliffCurve, Side
from symgrad.derivation.cliff_equations.finding import cliff_curves
from symgrad.derivation.cliff_equations.geometric_sums import geometric_sum_proof

__all__ = ["CliffCurve", "Side", "cliff_curves", "geometric_sum_proof"]
