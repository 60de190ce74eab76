"""Number and kind of the attractors in each region of the parameters, from algebra and from iteration.

Sigmoidal layers A·φ(αx + β) + B have exact regions for every value of their parameters (``sigmoidal_form``). For one
parameter of any other scalar map the attracting fixed points, or the attracting cycles of a quadratic map, are
counted between neighbouring bifurcations, where their number cannot change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Rational, Symbol

from symgrad.certify import enclose, isolate_roots
from symgrad.derivation import (
    Bifurcations,
    Sigmoidal,
    attracting_cycles,
    jury,
    quadratic_form,
    sigmoidal_form,
)
from symgrad.derivation.bifurcations.sigmoidal import GAIN
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, differentiate, expand_activations, to_text
from symgrad.phenomena.crossings import BifurcationPoint
from symgrad.symbols import real

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

REACH = 100
SETTLED = 1e-9
FAR = 60.0
BATCH = 50
MOST_INTERVALS = 40


class Attractors(Enum):
    """What attracts almost every start of a sigmoidal layer; the value is the sentence a report prints."""

    ONE_FIXED_POINT = "one fixed point attracts every start"
    TWO_FIXED_POINTS = "two fixed points attract, with a repeller between them"
    ONE_TWO_CYCLE = "one cycle of period 2 attracts all but the fixed point"

    @property
    def count(self) -> int:
        """The number of attractors."""
        return 2 if self is Attractors.TWO_FIXED_POINTS else 1


KINDS = tuple(Attractors)
UNSETTLED = -1


@dataclass(frozen=True)
class Region:
    """A region of the parameters with the attractors in it.

    Parameters
    ----------
    condition : the region, as text
    attractors : how many there are (of the cycles counted)
    kind : what they are, as a sentence
    verdict : how far that is decided
    """

    condition: str
    attractors: int
    kind: str
    verdict: Verdict


def regions(layer: Map) -> tuple[Region, ...]:
    """Return the exact regions of a sigmoidal layer, empty for any other map.

    Examples
    --------
    >>> for region in regions(Map("tanh(w*x)", "x")):
    ...     print(region.attractors, "where", region.condition)
    1 where abs(w) <= 1
    2 where w > 1
    1 where w < -1
    """
    form = sigmoidal_form(layer)
    if form is None:
        return ()
    gain, inverse = to_text(form.gain), to_text(1 / form.peak)
    always = form.odd and form.shift == 0
    found = [(f"abs({gain}) <= {inverse}", Attractors.ONE_FIXED_POINT)]
    for turn, kind in ((1, Attractors.TWO_FIXED_POINTS), (-1, Attractors.ONE_TWO_CYCLE)):
        strong = f"{gain} > {inverse}" if turn == 1 else f"{gain} < -{inverse}"
        if always:
            found.append((strong, kind))
            continue
        low, high = shift_bounds(form, turn)
        found.append((f"{strong} and {low} < {to_text(form.shift)} < {high}", kind))
        outside = f"({to_text(form.shift)} <= {low} or {to_text(form.shift)} >= {high})"
        found.append((f"{strong} and {outside}", Attractors.ONE_FIXED_POINT))
    return tuple(Region(condition, kind.count, kind.value, Verdict.PROVED) for condition, kind in found)


def shift_bounds(form: Sigmoidal, turn: int) -> tuple[str, str]:
    """Return the bounds of the shift on the folds (turn = 1) or flips (turn = −1) as text."""
    bounds = _bounds(form, turn)
    if bounds is None:
        word = "fold" if turn == 1 else "flip"
        return f"(lower {word} value)", f"(upper {word} value)"
    at = {GAIN: form.gain}
    low, high = (to_text(e.xreplace(at)) for e in bounds)
    return low, high


def _bounds(form: Sigmoidal, turn: int) -> tuple[Expr, Expr] | None:
    """Return u − gφ(u) at the two turning inputs, the lower value first, as expressions of the gain g."""
    if form.turns is None:
        return None
    size = {GAIN: turn * GAIN}
    shifts = [(u.xreplace(size) - GAIN * y.xreplace(size)) for u, y in form.turns]
    return (shifts[1], shifts[0]) if turn == 1 else (shifts[0], shifts[1])


def exact_attractors(layer: Map, values: Mapping[str, Any]) -> Codes:
    """Return the index in ``KINDS`` of what attracts at each point, from the exact regions.

    Parameters
    ----------
    layer : a sigmoidal layer
    values : name of each parameter → array; they broadcast together

    Raises
    ------
    InputError : the layer is not sigmoidal, or its turning points have no closed form

    Examples
    --------
    >>> codes = exact_attractors(Map("w*sigmoid(x) + b", "x"), {"w": np.array([5.0, 5.0, -8.0]), "b": -2.5})
    >>> [KINDS[c].name for c in codes]
    ['TWO_FIXED_POINTS', 'TWO_FIXED_POINTS', 'ONE_FIXED_POINT']
    """
    form = sigmoidal_form(layer)
    if form is None or form.turns is None:
        raise InputError(f"{layer.canonical} is no sigmoidal layer with exact regions; give e.g. w*sigmoid(x) + b")
    names = [p.name for p in layer.parameters]
    arrays = np.broadcast_arrays(*(np.asarray(values[name], dtype=float) for name in names))
    gain, shift = (_numeric(e, [real(name) for name in names])(*arrays) for e in (form.gain, form.shift))
    codes = np.full(arrays[0].shape, KINDS.index(Attractors.ONE_FIXED_POINT), dtype=np.int8)
    for turn, kind in ((1, Attractors.TWO_FIXED_POINTS), (-1, Attractors.ONE_TWO_CYCLE)):
        strong = turn * gain * float(form.peak.evalf(20)) > 1
        bounds = _bounds(form, turn)
        assert bounds is not None
        low, high = (_numeric(e, [GAIN])(np.where(strong, gain, np.nan)) for e in bounds)
        codes[strong & (low < shift) & (shift < high)] = KINDS.index(kind)
    return codes


def _numeric(expr: Expr, symbols: Sequence[Symbol]) -> Any:
    function = sympy.lambdify(symbols, expand_activations(expr), modules=["scipy", "numpy"])

    def evaluate(*arrays: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(function(*arrays), dtype=float), arrays[0].shape)

    return evaluate


def iterated_attractors(layer: Map, values: Mapping[str, Any], *, steps: int = 5000) -> tuple[Codes, Array]:
    """Return what two far starts settle on after many steps, and the multiplier there, without any algebra.

    Parameters
    ----------
    layer : a scalar map whose orbits stay bounded
    values : name of each parameter → array; they broadcast together
    steps : how many steps are made before the states are compared

    Returns
    -------
    index in ``KINDS`` or ``UNSETTLED``; and, of the start that is nearer to ±1, the derivative of the second iterate
    on a cycle of period 2 and of the map on a fixed point; both of the broadcast shape
    """
    symbols = (*layer.state, *layer.parameters)
    step, slope = _numeric(layer.expr, symbols), _numeric(layer.jacobian[0][0], symbols)
    arrays = np.broadcast_arrays(*(np.asarray(values[p.name], dtype=float) for p in layer.parameters))
    ends, fixed, cycled, multipliers = [], [], [], []
    for start in (-FAR, FAR):
        state = _iterated(step, np.full(arrays[0].shape, start), arrays, steps)
        once = step(state, *arrays)
        slack = SETTLED * (1 + np.abs(state))
        fixed.append(np.abs(once - state) <= slack)
        cycled.append(~fixed[-1] & (np.abs(step(once, *arrays) - state) <= slack))
        here = slope(state, *arrays)
        multipliers.append(np.where(fixed[-1], here, here * slope(once, *arrays)))
        ends.append(np.where(cycled[-1], np.minimum(state, once), state))
    same = np.abs(ends[0] - ends[1]) <= 1e-6 * (1 + np.abs(ends[0]))
    both_fixed, both_cycled = fixed[0] & fixed[1], cycled[0] & cycled[1]
    codes = np.full(arrays[0].shape, UNSETTLED, dtype=np.int8)
    codes[both_fixed & same] = KINDS.index(Attractors.ONE_FIXED_POINT)
    codes[both_fixed & ~same] = KINDS.index(Attractors.TWO_FIXED_POINTS)
    codes[both_cycled & same] = KINDS.index(Attractors.ONE_TWO_CYCLE)
    margins = [np.minimum(np.abs(m - 1), np.abs(m + 1)) for m in multipliers]
    return codes, np.where(margins[0] <= margins[1], multipliers[0], multipliers[1])


def _iterated(step: Any, start: Array, arrays: Sequence[Array], steps: int) -> Array:
    """Return the state after so many steps; a point whose orbit repeats to the last bit is not stepped any further."""
    state, moving = start.ravel().copy(), np.arange(start.size)
    given = [a.ravel() for a in arrays]
    for done in range(0, steps, BATCH):
        here, values = state[moving], [a[moving] for a in given]
        for _ in range(min(BATCH, steps - done)):
            here = step(here, *values)
        state[moving] = here
        if (steps - done - BATCH) % 2 == 0:  # a cycle of period 2 is where it is now after an even number of steps
            again = step(step(here, *values), *values)
            moving = moving[~((again == here) | (np.isnan(again) & np.isnan(here)))]
        if not moving.size:
            break
    return state.reshape(start.shape)


def intervals(found: Bifurcations, points: Sequence[BifurcationPoint]) -> tuple[Region, ...]:
    """Return the number of attracting cycles between neighbouring bifurcations of one parameter.

    Parameters
    ----------
    found : the bifurcations of a map of one parameter
    points : its points as numbers, and those at which its cycles are born

    Examples
    --------
    >>> from symgrad.derivation import find_bifurcations
    >>> from symgrad.phenomena.crossings import bifurcation_points
    >>> found = find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"])
    >>> [(r.condition, r.attractors) for r in intervals(found, bifurcation_points(found).points)]
    [('r < -1', 0), ('-1 < r < 1', 1), ('1 < r < 3', 1), ('r > 3', 0)]
    """
    if len(found.names) != 1:
        return ()
    (name,) = found.names
    ends = {point.point[name]: _written(point, name) for point in points}
    ordered = sorted(ends)
    if len(ordered) > MOST_INTERVALS or not ordered:
        return ()
    edges = [(None, ordered[0]), *pairwise(ordered), (ordered[-1], None)]
    rows = []
    for low, high in edges:
        sample = _between(low, high)
        counted = _attracting(found, {real(name): sample})
        condition = _interval_text(name, None if low is None else ends[low], None if high is None else ends[high])
        if counted is not None:
            kind = "attracting fixed points" if found.period == 1 else f"attracting cycles of period {found.period}"
            rows.append(Region(condition, counted[0], kind, counted[1]))
    return tuple(rows)


def _written(point: BifurcationPoint, name: str) -> str:
    return point.exact[name] if point.exact is not None else repr(point.point[name])


def _interval_text(name: str, low: str | None, high: str | None) -> str:
    if low is None:
        return f"{name} < {high}"
    return f"{name} > {low}" if high is None else f"{low} < {name} < {high}"


def _between(low: float | None, high: float | None) -> Rational:
    """Return a rational number strictly between two bounds."""
    if low is not None and high is None:
        return Rational(Fraction(low).limit_denominator(1000) + Fraction(5, 8))
    if low is None or high is None:
        return Rational(Fraction(high or 0.0).limit_denominator(1000) - Fraction(5, 8))
    middle = Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(499, 1024)
    return Rational(middle.limit_denominator(int(64 / (high - low)) + 64))


def _attracting(found: Bifurcations, at: Mapping[Symbol, Expr]) -> tuple[int, Verdict] | None:
    """Count the attracting cycles of the period at one exact value of the parameter."""
    (x,) = found.layer.state
    quadratic = quadratic_form(found.layer.expr, x)
    if quadratic is not None and quadratic.leading.xreplace(dict(at)) != 0:
        return attracting_cycles(found.period, quadratic.c.xreplace(dict(at))), Verdict.PROVED
    if found.period > 1:
        return None
    expr = found.layer.expr.xreplace(dict(at))
    isolation = isolate_roots(expr - x, x, -REACH, REACH)
    if not isolation.is_complete:
        return None
    multipliers = [enclose(differentiate(expr, x), {x: root.ball}, bits=96).value for root in isolation.roots]
    if any(not m.is_finite() or m.contains(1) or m.contains(-1) for m in multipliers):
        return None
    return sum(bool(abs(m) < 1) for m in multipliers), Verdict.CERTIFIED


def jury_regions(layer: Map) -> tuple[Region, ...]:
    """Return Jury's conditions of a map of two components as the region in which a fixed point attracts.

    >>> [r.condition for r in jury_regions(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")))]
    ['abs(-2*a*x) < 1 - b < 2 at a fixed point']
    """
    found = jury(layer)
    free = {s.name for s in (found.trace.free_symbols | found.determinant.free_symbols)} & {s.name for s in layer.state}
    where = " at a fixed point" if free else ""
    return (Region(found.condition + where, 1, "a fixed point attracts", Verdict.PROVED),)
