"""Fold arcs that a start selects, and flip ridges, parametrised by the semistable or weakly repelling fixed point.

A fold of an increasing f with Sf < 0 at p attracts from the side on which f bends away: from above where f″(p) < 0.
No fixed point q lies beyond p on that side: f − x would pass 0 upwards at q, so f'(q) >= 1 = f'(p), and f' has no
minimum inside [p, q] (minimum principle, de Melo & van Strien 1993, *One-Dimensional Dynamics*, II.6), so that
f(q) − q > f(p) − p = 0. So every start on that side is drawn to p, and its fate changes where p disappears.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer, Symbol

from symgrad.derivation.bifurcations.fixed_points import tidy
from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.bifurcations.triangular import solve_univariate
from symgrad.derivation.cliff_equations.curves import CliffCurve
from symgrad.derivation.cliff_equations.infinities import slope_one
from symgrad.derivation.cliff_equations.linear_forms import LinearForm, Y, differs_from_zero
from symgrad.derivation.cliff_equations.shapes import ChainShape
from symgrad.derivation.cliff_equations.sides import beside_fold, lift_of
from symgrad.derivation.equilibria import INVERSES
from symgrad.derivation.identities.proofs import zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import ACTIVATIONS, differentiate, to_text
from symgrad.symbols import real

THIRD = sympy.Rational(1, 3)
DIGITS = 30
FAR, LARGE = 10**4, 10**6
BY_OUTPUT = ("sigmoid", "tanh")


@dataclass(frozen=True)
class Coordinate:
    """A coordinate of the fixed point.

    Parameters
    ----------
    symbol : s = φ(α·x + β), or the fixed point itself
    state : the fixed point as an expression of it
    low, high : the open interval it runs through
    """

    symbol: Symbol
    state: Expr
    low: Expr
    high: Expr
    call: Expr | None = None

    def of(self, form: LinearForm, start: Expr) -> Expr:
        """Return the coordinate of a state."""
        return start if self.call is None else self.call.xreplace({form.state: start})

    def enter(self, form: LinearForm, expr: Expr) -> Expr:
        """Return an expression of the state as one of the coordinate."""
        if self.call is not None:
            expr = expr.xreplace({self.call: self.symbol})
        return expr.xreplace({form.state: self.state})


@dataclass(frozen=True)
class MultiplierCurve:
    """The fixed points of one multiplier: both parameters, and f″, as expressions of the coordinate."""

    coordinate: Coordinate
    values: Mapping[str, Expr]
    curvature: Expr
    proof: str


def multiplier_curve(form: LinearForm, multiplier: int) -> MultiplierCurve | None:
    """Solve f = x, f' = μ for both parameters, verified on the map; None where the two equations are dependent.

    Examples
    --------
    >>> from symgrad.derivation.cliff_equations.linear_forms import linear_form
    >>> from symgrad.maps import Map
    >>> dict(multiplier_curve(linear_form(Map("w*sigmoid(x) + b", "x"), ("w", "b")), 1).values)
    {'w': 1/(s*(1 - s)), 'b': log(s/(1 - s)) - 1/(1 - s)}
    """
    try:
        image = form.image
    except KeyError:
        return None
    x, m = form.state, Integer(multiplier)
    fixed = {Y: x}
    along_y, along_x = differentiate(image, Y), differentiate(image, x)
    a, c = form.coefficients
    rows = (
        (a, c, image.xreplace(fixed) - form.rest),
        (differentiate(a, x), differentiate(c, x), _total(along_y, along_x, m, fixed) - differentiate(form.rest, x)),
    )
    below = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
    if not differs_from_zero(below):
        return None
    p = (rows[0][2] * rows[1][1] - rows[0][1] * rows[1][2]) / below
    q = (rows[0][2] - a * p) / c if c.is_number else (rows[0][0] * rows[1][2] - rows[1][0] * rows[0][2]) / below
    if a.is_number and not c.is_number:
        p = (rows[0][2] - c * q) / a
    at = {real(form.names[0]): p, real(form.names[1]): q}
    line = a * real(form.names[0]) + c * real(form.names[1]) + form.rest
    bend = differentiate(differentiate(line, x), x).xreplace(at)
    mixed = differentiate(along_y, Y) * m**2 + 2 * differentiate(along_y, x) * m + differentiate(along_x, x)
    curvature = (bend - mixed.xreplace(fixed)) / along_y.xreplace(fixed)
    coordinate = _coordinate(form, (p, q, curvature))
    low, high = coordinate.low, coordinate.high
    values = {
        name: tidy(coordinate.enter(form, e), coordinate.symbol, low, high)
        for name, e in zip(form.names, (p, q), strict=True)
    }
    proof = _proved(form, coordinate, values, m)
    if proof is None:
        return None
    return MultiplierCurve(coordinate, values, coordinate.enter(form, curvature), proof)


def _total(along_y: Expr, along_x: Expr, m: Expr, fixed: Mapping[Expr, Expr]) -> Expr:
    return (along_y * m + along_x).xreplace(fixed)


def _coordinate(form: LinearForm, expressions: tuple[Expr, ...]) -> Coordinate:
    """Return the output of the one activation as the coordinate where that is rational, else the state."""
    x = form.state
    taken = {s.name for s in form.layer.expr.free_symbols}
    calls = {f for e in (*form.coefficients, form.rest) for f in e.atoms(sympy.Function) if x in f.free_symbols}
    if len(calls) == 1 and not form.inverted:
        (call,) = calls
        name, slope = call.func.__name__, differentiate(call.args[0], x)
        row = ACTIVATIONS.get(name)
        if row is not None and name in BY_OUTPUT and x not in slope.free_symbols and slope.is_number:
            symbol = _fresh(("s" if name == "sigmoid" else "y", "t", "q"), taken)
            inverse, low, high = INVERSES[name]
            inner = call.args[0].xreplace({x: Integer(0)})
            if not any(f.has(sympy.Function) for f in (e.xreplace({call: symbol}) for e in expressions)):
                return Coordinate(symbol, (inverse(symbol) - inner) / slope, low, high, call)
    low, high = -sympy.oo, sympy.oo
    if form.inverted:
        name, factor, offset = form.inverted[0]
        if factor.is_number and offset.is_number:
            ends = [e * factor + offset for e in INVERSES[name][1:]]
            low, high = (ends[0], ends[1]) if compare(factor, Integer(0)) == 1 else (ends[1], ends[0])
    symbol = _fresh(("y" if form.inverted else "p", "t", "q"), taken | {x.name})
    return Coordinate(symbol, symbol, low, high)


def _fresh(preferred: tuple[str, ...], taken: set[str]) -> Symbol:
    return real(next(name for name in (*preferred, "z", "coordinate") if name not in taken))


def _proved(form: LinearForm, coordinate: Coordinate, values: Mapping[str, Expr], m: Expr) -> str | None:
    """Put the curve back into the map: f(x) − x and f'(x) − μ must be identically 0 on it."""
    at = {real(name): value for name, value in values.items()} | {form.state: coordinate.state}
    methods = []
    for expr in (form.layer.expr - form.state, form.layer.jacobian[0][0] - m):
        proof = zero_proof(expr.xreplace(at))
        if proof is None:
            return None
        methods.append(proof)
    return ", ".join(dict.fromkeys(methods))


def fold_arcs(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    """Yield the parts of the fold curve that draw the start, for increasing maps of negative Schwarzian derivative."""
    if shape is None or not (shape.monotone and shape.negative):
        return
    curve = multiplier_curve(form, 1)
    if curve is None:
        return
    coordinate = curve.coordinate
    cuts = _cuts(curve)
    here = coordinate.of(form, start)
    inside = _above(here, coordinate.low) and _above(coordinate.high, here)
    own = [here] if inside else []
    for low, high in _pieces(coordinate, [*cuts, *own]):
        middle = _between(low, high)
        bend = compare(curve.curvature.xreplace({coordinate.symbol: middle}), Integer(0))
        selected = compare(start, coordinate.state.xreplace({coordinate.symbol: middle}))
        if bend is not None and selected is not None and bend * selected == -1:
            yield _fold(form, shape, start, curve, (low, high), bend)


def _cuts(curve: MultiplierCurve) -> list[Expr]:
    """Return the cusps, where f″ vanishes on the fold curve."""
    coordinate = curve.coordinate
    return [r for r, _ in solve_univariate(curve.curvature, coordinate.symbol, coordinate.low, coordinate.high).roots]


def _one_turn(form: LinearForm, curve: MultiplierCurve) -> bool:
    """Say whether the one cusp known is the only one: f = p·A(x) + const with SA < 0, where 1/√A' is convex."""
    plain = not form.inverted and form.coefficients[1].is_number and form.rest.is_number
    return plain and len(_cuts(curve)) == 1


def _above(a: Expr, b: Expr) -> bool:
    return compare(a, b) == 1


def _pieces(coordinate: Coordinate, cuts: list[Expr]) -> Iterator[tuple[Expr, Expr]]:
    """Yield the open intervals between the cuts."""
    ordered = sorted(dict.fromkeys(cuts), key=lambda e: float(e.evalf(30)))
    ends = [coordinate.low, *ordered, coordinate.high]
    yield from itertools.pairwise(ends)


def _between(low: Expr, high: Expr) -> Expr:
    if low == -sympy.oo:
        return Integer(0) if high == sympy.oo else high - 1
    return low + 1 if high == sympy.oo else low + (high - low) * THIRD


def _fold(
    form: LinearForm, shape: ChainShape, start: Expr, curve: MultiplierCurve, ends: tuple[Expr, Expr], bend: int
) -> CliffCurve:
    coordinate, (along, solved) = curve.coordinate, form.names
    complete = _one_turn(form, curve) or not solve_univariate(curve.curvature, coordinate.symbol, *ends).left
    conditions = () if complete else (bend * curve.curvature,)
    lift = lift_of(form.layer.derivative(solved)[0]) or _lift_sign(form, coordinate, curve, solved, ends)
    side = "above" if bend == -1 else "below"
    proof = (
        f"f(x) = x and f'(x) = 1 hold on it ({curve.proof}); f is increasing with a negative Schwarzian derivative, so "
        f"the semistable point attracts from {side}, where x0 lies, and no other fixed point is between; db/dx0 = 0 of "
        "the basin lines there: it is their envelope"
    )
    return CliffCurve(
        "fold",
        form.layer,
        start,
        coordinate.symbol,
        *ends,
        conditions,
        {**curve.values, form.state.name: coordinate.state},
        solved,
        along,
        _span(curve.values[along], coordinate.symbol, *ends, slope_one(form, shape, along)) if complete else None,
        Integer(1),
        1,
        0,
        (),
        *beside_fold(shape, bend, lift),
        Verdict.PROVED,
        proof.replace("db/dx0", f"d{solved}/dx0"),
    )


def _lift_sign(
    form: LinearForm, coordinate: Coordinate, curve: MultiplierCurve, name: str, ends: tuple[Expr, Expr]
) -> int | None:
    """Return the sign of ∂f/∂(solved parameter), which is not 0 inside an arc of an increasing map, at one point."""
    at = {real(n): e for n, e in curve.values.items()} | {form.state: coordinate.state}
    value = form.layer.derivative(name)[0].xreplace(at).xreplace({coordinate.symbol: _between(*ends)})
    place = form.names.index(name)
    return compare(value, Integer(0)) if form.coefficients[place].is_number else None


def _span(
    expr: Expr, symbol: Symbol, low: Expr, high: Expr, at_infinity: Expr | None = None
) -> tuple[Expr, Expr] | None:
    """Return the open interval a function that is proved to be monotone runs through on an open interval."""
    ends = [_limit(expr, symbol, end, turn, at_infinity) for end, turn in ((low, 1), (high, -1))]
    if ends[0] is None or ends[1] is None:
        return None
    order = compare(ends[0], ends[1])
    return None if order in (None, 0) else (ends[0], ends[1]) if order == -1 else (ends[1], ends[0])


def _limit(expr: Expr, symbol: Symbol, end: Expr, turn: int, at_infinity: Expr | None) -> Expr | None:
    """Return the limit of a monotone function at an end, from the inside; at infinity the one proved, or ±oo."""
    if end in (sympy.oo, -sympy.oo):
        far = expr.xreplace({symbol: sympy.sign(end) * FAR}).evalf(DIGITS)
        if at_infinity is not None and abs(far - at_infinity) < 1 / sympy.Float(LARGE):
            return at_infinity
        return sympy.oo * sympy.sign(far) if far.is_Float and abs(far) > LARGE else None
    value = expr.xreplace({symbol: end})
    if not value.has(sympy.zoo, sympy.oo, -sympy.oo, sympy.nan):
        return value
    beside = expr.xreplace({symbol: end + turn / sympy.Integer(10) ** 12}).evalf(DIGITS)
    infinite = beside.is_Float and (not value.has(sympy.nan) or abs(beside) > LARGE)
    return sympy.oo * sympy.sign(beside) if infinite else None


def flip_ridges(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    """Yield the curve f = x, f' = −1, on which every orbit of a decreasing map with Sf < 0 converges only like 1/√T."""
    if shape is None or not (shape.monotone and shape.negative and shape.bounded):
        return
    curve = multiplier_curve(form, -1)
    if curve is None:
        return
    along, solved = form.names
    for low, high in _pieces(curve.coordinate, _cuts(curve)):
        middle = {curve.coordinate.symbol: _between(low, high)}
        if not all(v.xreplace(middle).evalf(20).is_Float for v in curve.values.values()):
            continue
        yield CliffCurve(
            "flip",
            form.layer,
            start,
            curve.coordinate.symbol,
            low,
            high,
            (),
            {**curve.values, form.state.name: curve.coordinate.state},
            solved,
            along,
            _span(curve.values[along], curve.coordinate.symbol, low, high),
            Integer(-1),
            1,
            0,
            (),
            None,
            None,
            Verdict.PROVED,
            f"f(x) = x and f'(x) = -1 hold on it ({curve.proof}); f is decreasing, bounded and of negative Schwarzian "
            f"derivative, so every start but {to_text(curve.coordinate.state)} itself is drawn to it, ever more slowly",
        )
