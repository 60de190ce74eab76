"""Bifurcation points as numbers: exact ones evaluated, open equations isolated, curves cut by a line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy
from sympy import Expr, Rational, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose, isolate_roots
from symgrad.derivation import (
    Bifurcations,
    Curve,
    ExactPoint,
    OpenEquation,
    compare,
    cycle_points,
    decimal_value,
    equations_of_layer,
    find_bifurcations,
    solve_univariate,
)
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, differentiate, to_text
from symgrad.symbols import real

DIGITS = 40
REACH = 40
SAME = 1e-12
MARGIN = Fraction(1, 2**30)
MULTIPLIERS: Mapping[str, int] = {"fold": 1, "cusp": 1, "flip": -1, "superstable": 0}


@dataclass(frozen=True)
class BifurcationPoint:
    """A bifurcation at one point of the parameters.

    Parameters
    ----------
    kind : "fold", "flip", "transcritical", "pitchfork", "cusp", "basin line" or "superstable"
    period : of the cycle
    point : name of each parameter → its value, the nearest float64
    state : the fixed point, or the lowest point of the cycle
    exact : name of each parameter → exact text, None where there is none
    state_exact : the same of the state
    polynomials : name → text of the irreducible polynomial its value is a root of, where radicals do not give it
    cycle : all points of the cycle in order
    verdict : PROVED for an exact point, CERTIFIED for an enclosed one
    """

    kind: str
    period: int
    point: Mapping[str, float]
    state: float | None
    exact: Mapping[str, str] | None
    state_exact: str | None
    polynomials: Mapping[str, str]
    cycle: tuple[float, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Crossings:
    """The points found, and sentences on where the search ended.

    Parameters
    ----------
    points : in the order of the parameters' values
    remarks : what was searched only in part
    """

    points: tuple[BifurcationPoint, ...]
    remarks: tuple[str, ...] = ()


def bifurcation_points(found: Bifurcations, at: Mapping[str, Fraction] | None = None) -> Crossings:
    """Return every bifurcation point as numbers, with the crossings of a line if one is given.

    Parameters
    ----------
    found : the exact bifurcations
    at : one parameter and its value

    Examples
    --------
    >>> from symgrad.derivation import find_bifurcations
    >>> found = find_bifurcations(Map("w*sigmoid(x) + b", "x"), ["w", "b"])
    >>> [(p.kind, round(p.point["b"], 12)) for p in bifurcation_points(found, {"w": Fraction(5)}).points]
    [('fold', -2.655610338631), ('fold', -2.344389661369), ('cusp', -2.0)]
    """
    points = [_evaluated(found, point) for point in found.points]
    remarks: list[str] = []
    for equation in found.open:
        points += _isolated(found.layer, equation, remarks)
    for name, value in (at or {}).items():
        if name not in found.names or len(found.names) != 2:
            raise InputError(f"a line is given by one of two parameters, got {name}; they are {', '.join(found.names)}")
        for curve in found.curves:
            points += _cut(found, curve, name, Rational(value.numerator, value.denominator), remarks)
    order = {name: place for place, name in enumerate(found.names)}
    points.sort(key=lambda p: (p.kind == "cusp", *(v for _, v in sorted(p.point.items(), key=lambda i: order[i[0]]))))
    return Crossings(tuple(points), tuple(dict.fromkeys(remarks)))


def superstable_numbers(found: Bifurcations) -> tuple[BifurcationPoint, ...]:
    """Return the superstable parameter values as numbers."""
    return tuple(_evaluated(found, point) for point in found.superstable)


def birth_points(found: Bifurcations) -> tuple[BifurcationPoint, ...]:
    """Return where cycles of even period are born from those of half their period: the flips of the latter.

    >>> from symgrad.derivation import find_bifurcations
    >>> [p.exact for p in birth_points(find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"], period=2))]
    [{'r': '-1'}, {'r': '3'}]
    """
    if found.period % 2 or len(found.names) != 1 or found.layer.dimension != 1:
        return ()
    half = find_bifurcations(found.layer, found.names, period=found.period // 2)
    return tuple(_evaluated(half, point) for point in half.points if point.kind == "flip")


def _number(expr: Expr) -> float:
    return float(decimal_value(expr, DIGITS))


def _evaluated(found: Bifurcations, point: ExactPoint) -> BifurcationPoint:
    """Evaluate an exact point, with the cycle it belongs to."""
    at = {real(name): value for name, value in point.values.items()}
    cycle: tuple[float, ...] = ()
    if point.period > 1:
        cycle = cycle_points(found.layer, point.period, at, MULTIPLIERS[point.kind])
    state = None if point.state is None else _number(point.state)
    if state is None and cycle:
        state = cycle[0]
    written = not any(v.has(sympy.CRootOf) for v in point.values.values())
    return BifurcationPoint(
        kind=point.kind,
        period=point.period,
        point={name: _number(value) for name, value in point.values.items()},
        state=state,
        exact={name: to_text(value) for name, value in point.values.items()} if written else None,
        state_exact=None if point.state is None else to_text(point.state),
        polynomials={name: to_text(e) for name, e in point.polynomials.items()},
        cycle=cycle,
        verdict=Verdict.PROVED,
    )


def _searched(low: Expr, high: Expr) -> tuple[Fraction, Fraction]:
    """Return exact bounds a little inside an open interval, at most ``REACH`` from 0."""

    def inside(bound: Expr, turn: int) -> Fraction:
        if bound.is_infinite:
            return Fraction(turn * REACH)
        return Fraction(_number(bound)) - turn * MARGIN

    return inside(low, -1), inside(high, 1)


def _roots(equation: OpenEquation, remarks: list[str]) -> Iterator[Ball]:
    """Yield the enclosures of the roots of an equation that are not known exactly."""
    low, high = _searched(equation.low, equation.high)
    isolation = isolate_roots(equation.equation, equation.coordinate, low, high)
    t = equation.coordinate
    undecided = [
        cell for cell in isolation.clusters if not any(cell[0] <= _number(root) <= cell[1] for root in equation.known)
    ]
    if equation.low.is_infinite or equation.high.is_infinite:
        remarks.append(
            f"{to_text(equation.equation)} = 0 was searched for {float(low):g} <= {t} <= {float(high):g} only"
        )
    if undecided:
        remarks.append(f"{to_text(equation.equation)} = 0 is undecided in {len(undecided)} small intervals of {t}")
    for root in isolation.roots:
        if not any(
            bool(root.ball.value.contains(_number(k))) or abs(root.value - _number(k)) < 1e-12 for k in equation.known
        ):
            yield root.ball


def _isolated(layer: Map, equation: OpenEquation, remarks: list[str]) -> list[BifurcationPoint]:
    """Turn the roots of an open equation into certified points."""
    points = []
    for ball in _roots(equation, remarks):
        where = {equation.coordinate: ball}
        try:
            values = {name: enclose(e, where, bits=96) for name, e in equation.values.items()}
            state = enclose(equation.state, where, bits=96)
        except UndefinedHere:
            continue
        if not all(v.is_known for v in (*values.values(), state)):
            continue
        kind = equation.kind or _kind(layer, values, state)
        numbers = {name: float(v.value.mid()) for name, v in values.items()}
        points.append(
            BifurcationPoint(
                kind, equation.period, numbers, float(state.value.mid()), None, None, {}, (), Verdict.CERTIFIED
            )
        )
    return points


def _kind(layer: Map, values: Mapping[str, Ball], state: Ball) -> str:
    """Tell a fold from the others at multiplier 1 by enclosures of ∂f/∂p and f''."""
    (x,) = layer.state
    where = {real(name): ball for name, ball in values.items()} | {x: state}
    second = enclose(differentiate(layer.jacobian[0][0], x), where, bits=96)
    moves = any(enclose(layer.derivative(name)[0], where, bits=96).excludes_zero for name in values)
    return "fold" if second.excludes_zero and moves else "multiplier 1"


def _cut(found: Bifurcations, curve: Curve, name: str, value: Expr, remarks: list[str]) -> list[BifurcationPoint]:
    """Return the points of a curve on the line name = value."""
    t, expr = curve.parameter, curve.expressions[name]
    if t not in expr.free_symbols:
        return []
    if expr == t:
        inside = compare(value, curve.low) == 1 and compare(curve.high, value) == 1
        return [_on_curve(found, curve, t, value)] if inside else []
    solved = solve_univariate(expr - value, t, curve.low, curve.high)
    points = [_on_curve(found, curve, t, root) for root, _ in solved.roots if _exists(curve, t, root)]
    state = curve.expressions.get(found.layer.state[0].name, t)
    values = {n: curve.expressions[n] for n in found.names}
    known = tuple(root for root, _ in solved.roots)
    for left in solved.left:
        equation = OpenEquation(curve.kind, curve.period, t, curve.low, curve.high, left, values, state, known)
        points += _isolated(found.layer, equation, remarks)
    return points


def _exists(curve: Curve, t: Symbol, root: Expr) -> bool:
    return not any(e.xreplace({t: root}).has(sympy.nan, sympy.zoo, sympy.oo) for e in curve.expressions.values())


def _on_curve(found: Bifurcations, curve: Curve, t: Symbol, root: Expr) -> BifurcationPoint:
    names: Sequence[str] = found.names
    values = {name: _short(curve.expressions[name].xreplace({t: root})) for name in names}
    x = found.layer.state[0]
    state = curve.expressions.get(x.name, t if equations_of_layer(found.layer).coordinate == x else None)
    exact = None if state is None or curve.period > 1 else _short(sympy.sympify(state, strict=True).xreplace({t: root}))
    return _evaluated(found, ExactPoint(curve.kind, curve.period, values, exact, {}))


def _short(value: Expr) -> Expr:
    """Return a number with its square roots gathered, where that is shorter."""
    forms = [value, sympy.radsimp(value)] if value.is_algebraic else [value]
    return min(forms, key=lambda e: (sympy.count_ops(e), len(str(e))))
