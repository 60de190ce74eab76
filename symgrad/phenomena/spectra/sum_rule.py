"""The exact sum of all Lyapunov exponents where log|det J| is the same at every state (Liouville's rule for maps)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import sympy
from sympy import Abs, Expr, Integer, Rational, Symbol, sign

from symgrad.derivation import is_zero
from symgrad.maps import Composition, Map, step
from symgrad.maps.calculus import differentiate

LARGEST = 6
MOST_SIGNS = 4
STAIRS = (sign, Abs, sympy.floor, sympy.ceiling, sympy.Mod, sympy.Heaviside, sympy.Piecewise, step)
PROBES = (Rational(-9, 4), Rational(-1, 3), Rational(2, 7), Rational(5, 3))
PRECISION = Rational(1, 10**25)


def exact_sum(source: Map | Composition, values: Mapping[str, Any] | None = None) -> Expr | None:
    """Return Σλ = log|det J|, in nats per step, if it is the same at almost every state; None if it is not.

    Parameters
    ----------
    source : one application of the whole chain is one step
    values : parameter name → number; a float stands for the decimal that its shortest text states

    Examples
    --------
    >>> exact_sum(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")), {"b": 0.3})
    log(3/10)
    >>> exact_sum(Map("r*x*(1 - x)", "x")) is None
    True
    """
    if source.dimension > LARGEST:
        return None
    layers = (
        [source] if isinstance(source, Map) else [m for b in source.blocks for m in b.body for _ in range(_times(b))]
    )
    total: Expr = Integer(1)
    for layer in layers:
        found = _constant_size(layer)
        if found is None:
            return None
        total *= found
    known = {Symbol(name, real=True): _exact(value) for name, value in (values or {}).items()}
    size = Abs(total.xreplace({s: v for s, v in known.items() if v is not None}))
    return -sympy.oo if size == 0 else sympy.log(size)


def _times(block: Any) -> int:
    return int(block.depth) if block.depth.is_Integer else 1


def _exact(value: Any) -> Expr | None:
    """Return a single number exactly, None for an array."""
    if isinstance(value, Expr):
        return value
    try:
        return Rational(repr(float(value))) if isinstance(value, float) else sympy.sympify(value, strict=True)
    except (TypeError, ValueError, sympy.SympifyError):
        return None


def _constant_size(layer: Map) -> Expr | None:
    """Return |det J| of one layer if it does not depend on the state, signs at kinks put as ±1."""
    matrix = sympy.Matrix(layer.jacobian)
    sizes: list[Expr] = []
    for settled in _sign_choices(matrix):
        determinant = sympy.expand(settled.det(method="berkowitz"))
        state = determinant.free_symbols & set(layer.state)
        value = _same_everywhere(determinant, sorted(state, key=str)) if state else determinant
        if value is None:
            return None
        sizes.append(Abs(value))
    return sizes[0] if all(is_zero(size - sizes[0]) is True for size in sizes[1:]) else None


def _same_everywhere(determinant: Expr, state: Sequence[Symbol]) -> Expr | None:
    """Return the value of a determinant whose derivatives vanish, where it is one constant and no staircase."""
    stairs = [f for f in determinant.atoms(*STAIRS) if f.free_symbols & set(state)]
    if stairs or not all(is_zero(differentiate(determinant, s)) is True for s in state):
        return None
    values = [determinant.xreplace(dict.fromkeys(state, Integer(0)))]
    values += [determinant.xreplace({s: p * (i + 1) for i, s in enumerate(state)}) for p in PROBES]
    usable = [v for v in values if not v.has(sympy.nan, sympy.zoo, sympy.oo)]
    same = len(usable) > 2 and all(_near(v, usable[0]) for v in usable)
    return sympy.simplify(usable[0]) if same else None


def _near(a: Expr, b: Expr) -> bool:
    """Say whether two exact numbers agree to 25 digits at fixed values of the parameters."""
    others = sorted((a - b).free_symbols, key=str)
    return bool(abs((a - b).xreplace({s: Rational(i + 5, 7) for i, s in enumerate(others)}).evalf(40)) < PRECISION)


def _sign_choices(matrix: sympy.Matrix) -> Iterator[sympy.Matrix]:
    """Yield the matrix with every sign(u) put as -1 and as 1."""
    calls = sorted(matrix.atoms(sign), key=str)
    if len(calls) > MOST_SIGNS:
        yield matrix
        return
    for choice in product((-1, 1), repeat=len(calls)):
        yield matrix.xreplace(dict(zip(calls, map(Integer, choice), strict=True)))
