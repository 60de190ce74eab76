"""The local theory of Newton's step, exactly: roots, orders, cycles, poles, infinity, normal forms."""

from symgrad.derivation.local_theory.algebraic import AlgebraicPoint, complex_points, real_points
from symgrad.derivation.local_theory.conjugacy import conjugacy_to_square
from symgrad.derivation.local_theory.cycles import (
    cycles_of_period,
    exact_cycles,
    exact_fixed_points,
    superattracting_cycles,
)
from symgrad.derivation.local_theory.ends import at_infinity, poles, singular_points
from symgrad.derivation.local_theory.orders import LocalOrder, order_of_exponent
from symgrad.derivation.local_theory.problem import NewtonProblem, newton_problem
from symgrad.derivation.local_theory.rational_maps import RationalMap, rational_map
from symgrad.derivation.local_theory.roots import ExactRoots, exact_roots, root_from_exact
from symgrad.derivation.local_theory.superattracting import SuperattractingParameter, superattracting_parameters
from symgrad.derivation.local_theory.values import (
    Conjugacy,
    Convergence,
    Cycle,
    CycleKind,
    CycleList,
    Infinity,
    Root,
    Singular,
    kind_of,
)

__all__ = [
    "AlgebraicPoint",
    "Conjugacy",
    "Convergence",
    "Cycle",
    "CycleKind",
    "CycleList",
    "ExactRoots",
    "Infinity",
    "LocalOrder",
    "NewtonProblem",
    "RationalMap",
    "Root",
    "Singular",
    "SuperattractingParameter",
    "at_infinity",
    "complex_points",
    "conjugacy_to_square",
    "cycles_of_period",
    "exact_cycles",
    "exact_fixed_points",
    "exact_roots",
    "kind_of",
    "newton_problem",
    "order_of_exponent",
    "poles",
    "rational_map",
    "real_points",
    "root_from_exact",
    "singular_points",
    "superattracting_cycles",
    "superattracting_parameters",
]
