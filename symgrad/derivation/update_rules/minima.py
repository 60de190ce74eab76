"""Update rules that lower one function of one or several unknowns."""

from collections.abc import Sequence

from sympy import Expr, ImmutableMatrix

from symgrad.derivation.update_rules.registry import LinearStep, Target, Unknowns, update_rule
from symgrad.maps import differentiate


@update_rule(target=Target.STATIONARY, unknowns=Unknowns.ONE_FUNCTION_SOLVED)
def newton_minimum(F: Sequence[Expr], x: Sequence[Expr]) -> LinearStep:
    """Newton's step towards a stationary point, x - F'/F'' (Nocedal & Wright 2006, Numerical Optimization, ch. 3)."""
    slopes = [differentiate(F[0], each) for each in x]
    curvature = ImmutableMatrix([[differentiate(slope, each) for each in x] for slope in slopes])
    return LinearStep(curvature, ImmutableMatrix(slopes))


@update_rule(target=Target.STATIONARY, unknowns=Unknowns.ONE_FUNCTION)
def gradient(F: Sequence[Expr], x: Sequence[Expr], *, eta: Expr) -> tuple[Expr, ...]:
    """Gradient descent with step η, x - η F' (Cauchy 1847)."""
    return tuple(each - eta * differentiate(F[0], each) for each in x)


@update_rule(target=Target.STATIONARY, unknowns=Unknowns.ONE_FUNCTION)
def momentum(F: Sequence[Expr], x: Sequence[Expr], v: Sequence[Expr], *, eta: Expr, beta: Expr) -> tuple[Expr, ...]:
    """The heavy ball, v ← βv - η F', x ← x + v (Polyak 1964, USSR Comput. Math. Math. Phys. 4(5))."""
    faster = [beta * each - eta * differentiate(F[0], along) for each, along in zip(v, x, strict=True)]
    return (*(each + moved for each, moved in zip(x, faster, strict=True)), *faster)
