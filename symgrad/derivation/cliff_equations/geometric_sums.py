"""The sum 1 + μ + … + μ^(T−1) that every sensitivity on a constant orbit is, proved once by induction."""

from collections.abc import Callable
from functools import lru_cache

from sympy import Expr, Integer, Symbol

from symgrad.derivation.identities.proofs import zero_proof


def geometric_sum(multiplier: Expr, count: Expr) -> Expr:
    """Return (μ^T − 1)/(μ − 1), the solution of s(T + 1) = μ·s(T) + 1, s(0) = 0, for μ other than 1."""
    return (multiplier**count - 1) / (multiplier - 1)


@lru_cache
def geometric_sum_proof() -> str:
    """Prove by induction in T that the sensitivity on a constant orbit is f_θ(x₀)·(μ^T − 1)/(μ − 1), for μ = 1 T·f_θ.

    On a constant orbit the recurrence s(T + 1) = f'·s(T) + f_θ has constant coefficients.

    Raises
    ------
    ArithmeticError : if a step of the induction did not hold

    Examples
    --------
    >>> geometric_sum_proof()
    'induction in the depth: s(0) = 0 and s(T + 1) = mu*s(T) + f_theta hold identically (rational normal form)'
    """
    return _induction(geometric_sum)


def _induction(form: Callable[[Expr, Expr], Expr]) -> str:
    mu, count = Symbol("mu", positive=True), Symbol("T", integer=True, nonnegative=True)
    step = form(mu, count + 1) - mu * form(mu, count) - 1
    # μ^(T+1) = μ·μ^T holds for every μ other than 0 and every whole T, so a symbol for μ^T covers negative μ too
    power, base = Symbol("P", real=True), Symbol("mu", real=True)
    general = step.expand(power_exp=True).subs(mu**count, power).subs(mu, base)
    begins, proof = form(mu, Integer(0)) == 0, zero_proof(general)
    if not begins or proof is None:
        raise ArithmeticError("the closed form of the geometric sum does not satisfy its recurrence")
    return f"induction in the depth: s(0) = 0 and s(T + 1) = mu*s(T) + f_theta hold identically ({proof})"
