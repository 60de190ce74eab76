"""Regimes exact at the very floats of a sweep: constant factors, bounds below 1, starts that are fixed points."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol

from symgrad.derivation import Regime, body_map, constant_factor, one_block, uniform_bound, zero_proof
from symgrad.maps import Composition
from symgrad.phenomena.exact_signs import MOST_POINTWISE, UNKNOWN, exact_signs, sign_at
from symgrad.phenomena.point_statements import CODE, OPEN, exact_fraction
from symgrad.phenomena.tails import evaluate_prefix
from symgrad.sweeps import Sweep

Array = NDArray[np.float64]
Codes = NDArray[np.int8]
Mask = NDArray[np.bool_]

NEARLY_FIXED = 1e-9


def exact_number(value: Any) -> Expr | None:
    """Return a number as the exact rational it is: a float as its binary value, text and fractions as written."""
    if isinstance(value, sympy.Rational):
        return value
    fraction = exact_fraction(value)
    return None if fraction is None else sympy.Rational(fraction.numerator, fraction.denominator)


def exact_codes(sweep: Sweep) -> Codes:
    """Return the code of the regime that is proved at each point, ``OPEN`` where none is; shape ``sweep.shape``.

    A zero product is left open where only a bound of its factors is known.
    """
    codes = np.full(sweep.shape, OPEN, dtype=np.int8)
    chain = one_block(sweep.kernel.composition)
    known = None if chain is None else _substitution(chain, sweep)
    if chain is None or known is None:
        return codes
    values = _axis_values(sweep)
    factor, bound = constant_factor(chain), uniform_bound(chain)
    if factor is not None:
        return np.broadcast_to(_codes_of(lambda level: exact_signs(_exact(factor, known) - level, values)), sweep.shape)
    if bound is not None:
        found = _codes_of(lambda level: exact_signs(_exact(bound, known) - level, values))
        small = np.isin(found, (CODE[Regime.VANISHING], CODE[Regime.ZERO]))
        nonzero = sweep.outcome.product.mantissa != 0
        codes = np.where(small & (nonzero | (found == CODE[Regime.ZERO])), found, codes).astype(np.int8)
    fixed = _fixed_codes(chain, sweep, known, values, codes == OPEN)
    return np.where(codes == OPEN, fixed, codes).astype(np.int8)


def _exact(expr: Expr, known: Mapping[Symbol, Expr]) -> Expr:
    return expr.xreplace(dict(known))


def _substitution(chain: Composition, sweep: Sweep) -> dict[Symbol, Expr] | None:
    """Return the exact value of every parameter of the chain, and of the start, that is not swept."""
    swept = {axis.name for axis in sweep.axes}
    given = {p: sweep.parameters.get(p.name) for p in chain.parameters if p.name not in swept}
    if chain.state[0].name not in swept:
        given[chain.state[0]] = sweep.start[0]
    known = {symbol: exact_number(value) for symbol, value in given.items()}
    return None if None in known.values() else {s: q for s, q in known.items() if q is not None}


def _axis_values(sweep: Sweep) -> dict[str, Array]:
    """Return the values of each axis, shaped to broadcast to the grid."""
    count = len(sweep.axes)
    return {a.name: a.values.reshape([-1 if i == j else 1 for j in range(count)]) for i, a in enumerate(sweep.axes)}


def _codes_of(sign_of_difference: Callable[[int], NDArray[np.int8]]) -> Codes:
    """Return the regimes of aⁿ from the signs of a - level."""
    above, zero, below = (np.asarray(sign_of_difference(level)) for level in (1, 0, -1))
    conditions = [
        zero == 0,
        above == 0,
        below == 0,
        (above == -1) & (below == 1) & (zero != UNKNOWN),
        (above == 1) | (below == -1),
    ]
    regimes = [Regime.ZERO, Regime.CONSTANT, Regime.ALTERNATING, Regime.VANISHING, Regime.EXPLODING]
    return np.select(conditions, [CODE[r] for r in regimes], OPEN).astype(np.int8)


def _fixed_codes(
    chain: Composition, sweep: Sweep, known: Mapping[Symbol, Expr], values: Mapping[str, Array], wanted: Mask
) -> Codes:
    """Return the regimes at the points whose start is exactly a fixed point."""
    codes = np.full(sweep.shape, OPEN, dtype=np.int8)
    layer = body_map(chain)
    if layer is None or not wanted.any():
        return codes
    (state,) = layer.state
    residual = _exact(layer.expr - state, known)
    slope = _exact(layer.jacobian[0][0], known)
    if zero_proof(residual):
        return np.broadcast_to(_codes_of(lambda level: exact_signs(slope - level, values)), sweep.shape)
    places = np.flatnonzero(_nearly_fixed(sweep) & wanted)
    if places.size > MOST_POINTWISE:
        return codes
    symbols = sorted(residual.free_symbols | slope.free_symbols, key=lambda s: s.name)
    columns = {s: np.broadcast_to(values[s.name], sweep.shape).reshape(-1) for s in symbols}
    flat = codes.reshape(-1)
    for place in places:
        point = {s: Fraction(float(column[place])) for s, column in columns.items()}
        if sign_at(residual, point) == 0:
            signs = {level: np.asarray(sign_at(slope - Integer(level), point)) for level in (-1, 0, 1)}
            flat[place] = _codes_of(lambda level, signs=signs: signs[level])  # type: ignore[misc]
    return codes


def _nearly_fixed(sweep: Sweep) -> Mask:
    """Return where one application of the chain leaves the start where it is, but for rounding."""
    points = int(np.prod(sweep.shape, dtype=int))
    near = np.zeros(points, dtype=bool)
    for index in np.array_split(np.arange(points), max(1, points >> 16)):
        start = np.broadcast_to(np.asarray(sweep.inputs(index)[0], dtype=float), index.shape)
        after = evaluate_prefix(sweep, index, 1).state[0]
        with np.errstate(all="ignore"):
            near[index] = np.abs(after - start) <= NEARLY_FIXED * (1 + np.abs(start))
    return near.reshape(sweep.shape)
