"""Chains that start on a fixed point or on a cycle: the orbit repeats, and the product is a power of its multiplier."""

import sympy
from sympy import Eq, Expr, Integer, Mul, Ne, S, Symbol, floor

from symgrad.derivation.closed_forms.induction import Branch, proof_steps
from symgrad.derivation.equilibria import fixed_start
from symgrad.derivation.identities.proofs import is_zero
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map
from symgrad.symbols import n, real

LONGEST_CYCLE = 4

_turns = Symbol("q", integer=True, nonnegative=True)


def on_fixed_point(f: Map, start: Expr) -> Branch | None:
    """Return the branch on which the start is a fixed point: x_n = x₀ and the product is f'(x₀)ⁿ, or None.

    >>> on_fixed_point(Map("4*x*(1-x)", "x"), sympy.Rational(3, 4)).derivative
    (-2)**n
    """
    found = fixed_start(f, start)
    if found is None:
        return None
    power = found.multiplier**n
    steps = proof_steps([("D(n+1) = f'(x0) D(n)", power.xreplace({n: n + 1}) - found.multiplier * power)])
    if steps is None:
        return None
    conditions = (
        *(Eq(real(name), value, evaluate=False) for name, value in found.solved.items()),
        *(Ne(e, 0) for e in found.nonzero),
    )
    fixed = Evidence("f(x0) = x0", Verdict.PROVED, found.proof)
    return Branch(conditions, (start,), ((power,),), (fixed, *steps))


def on_cycle(f: Map, start: Expr) -> Branch | None:
    """Return the branch of a start on a cycle of 2 to 4 states, or None.

    The j-th state of a cycle of p enters ⌊(n-1-j)/p⌋ + 1 of n layers, and is the n-th state where n - j divides by p.

    >>> on_cycle(Map("x**2 - x - 1", "x"), Integer(1)).derivative
    (-3)**floor(n/2)
    """
    (x,) = f.state
    states = [start]
    while len(states) <= LONGEST_CYCLE:
        image = f.expr.xreplace({x: states[-1]})
        image = sympy.expand(image) if image.is_number else image
        if image.is_finite is False or sympy.count_ops(image) > 60:
            return None
        if is_zero(image - start):
            return None if len(states) == 1 else _cycle(f, states)
        states.append(image)
    return None


def _cycle(f: Map, states: list[Expr]) -> Branch | None:
    (x,) = f.state
    p = len(states)
    slopes = [f.jacobian[0][0].xreplace({x: s}) for s in states]
    entered = [floor((n - 1 - j + p) / Integer(p)) for j in range(p)]
    left = [floor((n - j + p) / Integer(p)) for j in range(p)]
    product = Mul(*(slope**times for slope, times in zip(slopes, entered, strict=True)))
    state = sum((s * (a - b) for s, a, b in zip(states, left, entered, strict=True)), S.Zero)
    claims = [("f^p(x0) = x0", f.expr.xreplace({x: states[-1]}) - states[0])]
    for j in range(p):
        here, after = ({n: p * _turns + j + step} for step in (0, 1))
        claims.append((f"F(pq + {j}) = x_{j}", state.subs(here) - states[j]))
        claims.append(
            (f"D(pq + {j + 1}) = f'(x_{j}) D(pq + {j})", product.subs(after) - slopes[j] * product.subs(here))
        )
    steps = proof_steps(claims)
    return None if steps is None else Branch((), (state,), ((product,),), steps)
