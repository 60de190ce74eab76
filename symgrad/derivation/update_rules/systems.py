"""Update rules for systems: the step is a solved linear system."""

from collections.abc import Sequence

from sympy import Expr, ImmutableMatrix

from symgrad.derivation.update_rules.registry import LinearStep, Target, Unknowns, update_rule
from symgrad.maps import differentiate


def _jacobian(functions: Sequence[Expr], unknowns: Sequence[Expr]) -> ImmutableMatrix:
    return ImmutableMatrix([[differentiate(f, each) for each in unknowns] for f in functions])


@update_rule(unknowns=Unknowns.SQUARE)
def newton_system(F: Sequence[Expr], x: Sequence[Expr]) -> LinearStep:
    """Newton's step of a system: J s = -F with the Jacobian J, x + s (Ortega & Rheinboldt 1970, sec. 7.1)."""
    return LinearStep(_jacobian(F, x), ImmutableMatrix(F))


@update_rule(target=Target.LEAST_SQUARES, unknowns=Unknowns.AT_LEAST_SQUARE)
def gauss_newton(F: Sequence[Expr], x: Sequence[Expr]) -> LinearStep:
    """The Gauss-Newton step of residuals F: JᵀJ s = -JᵀF, x + s (Gauss 1809; Nocedal & Wright 2006, sec. 10.3)."""
    slopes = _jacobian(F, x)
    return LinearStep(ImmutableMatrix(slopes.T * slopes), ImmutableMatrix(slopes.T * ImmutableMatrix(F)))
