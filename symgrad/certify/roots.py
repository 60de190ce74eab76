"""Roots that are proved to be there, each alone in its interval or box, and boxes proved to hold none.

One equation: an interval without a sign of 0 in the values holds no root, one without a sign of 0 in the derivative
holds at most one, which the signs at its two ends decide. Several equations: the Krawczyk operator (Krawczyk 1969;
Moore, Kearfott & Cloud 2009, *Introduction to Interval Analysis*, ch. 8) maps a box into itself only around exactly
one root. What neither decides is returned as a cluster, never left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from flint import arb, arb_mat, ctx, fmpz_poly
from sympy import Expr, Integer, Symbol

from symgrad.certify.balls import Ball, enclose
from symgrad.certify.refusals import UndefinedHere
from symgrad.errors import InputError
from symgrad.maps import differentiate, expand_activations

BITS = 96
NARROWEST = Fraction(1, 2**40)
LARGEST_DEGREE = 300
MOST_CELLS = 20_000
MOST_BOXES = 6_000
NARROWEST_SIDE = 2.0**-22
# Not one half: roots lie at round numbers, and an interval that ends in one is decided by neither neighbour.
SPLIT = Fraction(499, 1024)
RADII = (2.0**-40, 2.0**-30, 2.0**-24, 2.0**-16, 2.0**-10)


@dataclass(frozen=True)
class Root:
    """An interval that holds exactly one root, counted once.

    Parameters
    ----------
    ball : encloses the root
    multiplicity : 1 for a root at which the derivative is not 0
    """

    ball: Ball
    multiplicity: int = 1

    @property
    def value(self) -> float:
        """The float64 nearest to the middle."""
        return float(self.ball.value.mid())


@dataclass(frozen=True)
class Isolation:
    """All roots of a function between two bounds.

    Parameters
    ----------
    roots : from low to high, each certified
    clusters : (low, high) of each interval that may hold roots and was not decided
    low, high : the bounds that were searched
    """

    roots: tuple[Root, ...]
    clusters: tuple[tuple[Fraction, Fraction], ...]
    low: Fraction
    high: Fraction

    @property
    def is_complete(self) -> bool:
        """Whether the count of roots is certified."""
        return not self.clusters


@dataclass(frozen=True)
class _Function:
    """A function of one symbol on intervals, with its derivative."""

    expr: Expr
    slope: Expr
    symbol: Symbol

    def on(self, part: Expr, low: Fraction, high: Fraction) -> Ball | None:
        """Return the values on an interval, None where there are none because it is outside the domain."""
        try:
            return enclose(part, {self.symbol: low if low == high else Ball.between(low, high)}, bits=BITS)
        except UndefinedHere:
            return None

    def sign(self, at: Fraction) -> int | None:
        """Return the sign at a point, None where it is not decided."""
        for bits in (BITS, 4 * BITS, 16 * BITS):
            try:
                sign = enclose(self.expr, {self.symbol: at}, bits=bits).sign
            except UndefinedHere:
                return None
            if sign is not None:
                return sign
        return None


def isolate_roots(expr: Expr, symbol: Symbol, low: Any, high: Any, *, most_cells: int = MOST_CELLS) -> Isolation:
    """Isolate every root of a function between two bounds.

    Parameters
    ----------
    expr : an expression of ``symbol`` alone
    symbol : the unknown
    low, high : exact bounds, low < high
    most_cells : how many intervals are looked at; what is left then stays undecided

    Returns
    -------
    the roots, each proved to exist and to be the only one in its interval, and the intervals left undecided: around
    multiple roots (but of polynomials with rational coefficients those are found too), and where the function is not
    defined or not differentiable

    Raises
    ------
    InputError : the expression has other symbols, or the bounds are in the wrong order

    Examples
    --------
    >>> from symgrad.symbols import x
    >>> found = isolate_roots(sympy.sin(x) - x / 2, x, -10, 10)
    >>> [round(r.value, 12) for r in found.roots], found.is_complete
    ([-1.895494267034, 0.0, 1.895494267034], True)
    """
    plain = expand_activations(sympy.sympify(expr, strict=True))
    if others := plain.free_symbols - {symbol}:
        raise InputError(f"{sorted(map(str, others))[0]} has no value; a function of {symbol} alone is needed")
    low, high = Fraction(low), Fraction(high)
    if low >= high:
        raise InputError(f"the bounds of {symbol} are {low} and {high}; low must be less than high")
    polynomial = _polynomial_roots(plain, symbol)
    if polynomial is not None:
        return Isolation(tuple(r for r in polynomial if _lies_between(r.ball.value, low, high)), (), low, high)
    function = _Function(plain, expand_activations(differentiate(plain, symbol)), symbol)
    roots, open_cells, cells = [], [], [(low, high)]
    budget = most_cells
    while cells:
        cell = cells.pop()
        budget -= 1
        decided = _decide(function, *cell)
        if decided is not None:
            roots += decided
        elif cell[1] - cell[0] < NARROWEST * max(1, abs(cell[0])) or budget < 0:
            open_cells.append(cell)
        else:
            middle = cell[0] + (cell[1] - cell[0]) * SPLIT
            cells += [(middle, cell[1]), (cell[0], middle)]
    return Isolation(_distinct(roots), _merged(open_cells), low, high)


def _polynomial_roots(expr: Expr, symbol: Symbol) -> list[Root] | None:
    """Return every real root of a polynomial with rational coefficients, with its multiplicity; else None."""
    if not expr.is_polynomial(symbol) or symbol not in expr.free_symbols:
        return None
    polynomial = sympy.Poly(expr, symbol)
    if polynomial.domain not in (sympy.ZZ, sympy.QQ) or polynomial.degree() > LARGEST_DEGREE:
        return None
    coefficients = [int(a) for a in polynomial.clear_denoms(convert=True)[1].all_coeffs()]
    with ctx.workprec(BITS):
        found: Any = fmpz_poly(coefficients[::-1]).complex_roots()
    roots = [Root(Ball(value.real), int(multiplicity)) for value, multiplicity in found if value.imag.is_zero()]
    return sorted(roots, key=lambda root: root.value)


def _lies_between(value: arb, low: Fraction, high: Fraction) -> bool:
    """Say whether a root lies between two bounds; one that cannot be told from a bound counts as lying on it."""
    below, above = Ball.between(low, low).value, Ball.between(high, high).value
    return not (bool(value < below) or bool(value > above))


def _decide(function: _Function, low: Fraction, high: Fraction) -> list[Root] | None:
    """Return the roots in an interval where they can be told, else None."""
    values = function.on(function.expr, low, high)
    if values is None or values.excludes_zero:
        return []
    slopes = function.on(function.slope, low, high)
    # without finite values all over the interval there may be a jump, which the derivative almost everywhere hides
    if slopes is None or not slopes.excludes_zero or not values.is_known:
        return None
    ends = function.sign(low), function.sign(high)
    if None in ends:
        return None
    for end, at in zip(ends, (low, high), strict=True):
        if end == 0:
            return [Root(Ball.between(at, at))]
    return [Root(_refined(function, low, high, ends[0]))] if ends[0] != ends[1] else []


def _refined(function: _Function, low: Fraction, high: Fraction, below: int | None) -> Ball:
    """Return a narrow enclosure of the only root, by interval Newton steps, bisection where they do not narrow."""
    with ctx.workprec(BITS):
        cell = Ball.between(low, high).value
        for _ in range(80):
            if cell.rad() <= abs(cell.mid()) * arb(2) ** -70 or cell.rad() < arb(2) ** -90:
                break
            middle = arb(cell.mid())
            value = enclose(function.expr, {function.symbol: Ball(middle)}, bits=BITS)
            slopes = enclose(function.slope, {function.symbol: Ball(cell)}, bits=BITS)
            if not slopes.excludes_zero or not value.is_known:
                break
            newton = (middle - value.value / slopes.value).intersection(cell)
            if newton.rad() > cell.rad() * 0.75:
                side = value.sign
                if side is None:
                    break
                half = arb(middle).union(cell.upper() if side == below else cell.lower())
                newton = half.intersection(newton)
            cell = newton
    return Ball(cell)


def _distinct(roots: Sequence[Root]) -> tuple[Root, ...]:
    """Order the roots; one at an end that two intervals share is counted once."""
    ordered: list[Root] = []
    for root in sorted(roots, key=lambda r: r.value):
        if not ordered or not bool(root.ball.value.overlaps(ordered[-1].ball.value)):
            ordered.append(root)
    return tuple(ordered)


def _merged(cells: Sequence[tuple[Fraction, Fraction]]) -> tuple[tuple[Fraction, Fraction], ...]:
    """Join intervals that touch."""
    joined: list[tuple[Fraction, Fraction]] = []
    for low, high in sorted(cells):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


@dataclass(frozen=True)
class SystemRoots:
    """All solutions of a system in a box.

    Parameters
    ----------
    roots : for each certified solution the enclosure of each unknown
    clusters : the boxes that may hold solutions and were not decided
    """

    roots: tuple[tuple[Ball, ...], ...]
    clusters: tuple[tuple[Ball, ...], ...]

    @property
    def is_complete(self) -> bool:
        """Whether the count of solutions is certified."""
        return not self.clusters


@dataclass(frozen=True)
class _System:
    """As many equations as unknowns, with their Jacobian."""

    equations: tuple[Expr, ...]
    jacobian: tuple[tuple[Expr, ...], ...]
    unknowns: tuple[Symbol, ...]

    def values(self, box: Sequence[Any]) -> arb_mat | None:
        return _evaluated([[e] for e in self.equations], self.unknowns, box)

    def slopes(self, box: Sequence[Any]) -> arb_mat | None:
        return _evaluated(self.jacobian, self.unknowns, box)


def _evaluated(rows: Sequence[Sequence[Expr]], unknowns: Sequence[Symbol], box: Sequence[Any]) -> arb_mat | None:
    """Return a matrix of values on a box, None outside the domain."""
    where = {s: Ball(side) for s, side in zip(unknowns, box, strict=True)}
    try:
        return arb_mat([[enclose(e, where, bits=BITS).value for e in row] for row in rows])
    except UndefinedHere:
        return None


def _system(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> _System:
    plain = tuple(expand_activations(sympy.sympify(e, strict=True)) for e in equations)
    others = {s for e in plain for s in e.free_symbols} - set(unknowns)
    if others or len(plain) != len(unknowns):
        raise InputError(f"as many equations as unknowns are needed, in {', '.join(map(str, unknowns))} alone")
    rows = tuple(tuple(expand_activations(differentiate(e, s)) for s in unknowns) for e in plain)
    return _System(plain, rows, tuple(unknowns))


def certify_solution(
    equations: Sequence[Expr], unknowns: Sequence[Symbol], guess: Sequence[float]
) -> tuple[Ball, ...] | None:
    """Return an enclosure of the one solution near a guess, or None where no box around it can be certified.

    Examples
    --------
    >>> from symgrad.symbols import x, b
    >>> fold = certify_solution([x**2 + b - x, 2 * x - 1], [x, b], [0.5, 0.2500001])
    >>> [round(float(side.value.mid()), 12) for side in fold]
    [0.5, 0.25]
    """
    return _certify(_system(equations, unknowns), guess)


def _certify(system: _System, guess: Sequence[float]) -> tuple[Ball, ...] | None:
    with ctx.workprec(BITS):
        center = _polished(system, [arb(float(g)) for g in guess])
        if center is None:
            return None
        for radius in RADII:
            sides = [arb(c.mid(), radius * max(1.0, abs(float(c.mid())))) for c in center]
            inner = _krawczyk(system, sides)
            if inner is not None and all(s.contains_interior(i) for s, i in zip(sides, inner, strict=True)):
                inner = _krawczyk(system, inner) or inner
                return tuple(Ball(i) for i in inner)
    return None


def _polished(system: _System, center: list[arb]) -> list[arb] | None:
    """Improve a guess by Newton's method on midpoints."""
    for _ in range(12):
        values, slopes = system.values(center), system.slopes(center)
        if values is None or slopes is None:
            return None
        try:
            step = slopes.mid().solve(values.mid())
        except (ZeroDivisionError, ValueError):
            return None
        center = [arb((c - step[i, 0]).mid()) for i, c in enumerate(center)]
        if not all(c.is_finite() for c in center):
            return None
        if all(abs(float(step[i, 0])) < 1e-26 * max(1.0, abs(float(c))) for i, c in enumerate(center)):
            break
    return center


def _krawczyk(system: _System, sides: Sequence[arb]) -> list[arb] | None:
    """Return the Krawczyk operator K(X) = m - C·F(m) + (1 - C·F'(X))·(X - m)."""
    count = len(sides)
    middle = [arb(s.mid()) for s in sides]
    values, slopes, whole = system.values(middle), system.slopes(sides), system.values(sides)
    # without finite values all over the box there may be a jump, which the derivatives almost everywhere hide
    if values is None or slopes is None or whole is None or not all(whole[i, 0].is_finite() for i in range(count)):
        return None
    try:
        inverse = slopes.mid().inv().mid()
    except (ZeroDivisionError, ValueError):
        return None
    identity = arb_mat([[1 if i == j else 0 for j in range(count)] for i in range(count)])
    spread = arb_mat([[s - m] for s, m in zip(sides, middle, strict=True)])
    image = arb_mat([[m] for m in middle]) - inverse * values + (identity - inverse * slopes) * spread
    return [image[i, 0] for i in range(count)] if all(image[i, 0].is_finite() for i in range(count)) else None


def isolate_solutions(
    equations: Sequence[Expr], box: Mapping[Symbol, tuple[Any, Any]], *, most_boxes: int = MOST_BOXES
) -> SystemRoots:
    """Isolate every solution of a system in a box of exact bounds.

    Examples
    --------
    >>> from symgrad.symbols import r, x
    >>> f = r * x * (1 - x)
    >>> found = isolate_solutions([f - x, sympy.diff(f, x) + 1], {x: (0.1, 1), r: (1, 5)})
    >>> [[round(float(side.value.mid()), 9) for side in root] for root in found.roots], found.is_complete
    ([[0.666666667, 3.0]], True)
    """
    system = _system(equations, tuple(box))
    roots: list[tuple[Ball, ...]] = []
    clusters: list[tuple[Ball, ...]] = []
    with ctx.workprec(BITS):
        boxes = [[Ball.between(Fraction(low), Fraction(high)).value for low, high in box.values()]]
        while boxes:
            sides = boxes.pop()
            most_boxes -= 1
            values = system.values(sides)
            if values is None or not all(_may_vanish(values[i, 0]) for i in range(len(sides))):
                continue
            inner = _krawczyk(system, sides)
            if inner is not None and not all(s.overlaps(i) for s, i in zip(sides, inner, strict=True)):
                continue
            found = _alone(system, sides)
            if found is not None:
                roots.append(found)
                continue
            if max(float(s.rad()) for s in sides) < NARROWEST_SIDE or most_boxes < 0:
                clusters.append(tuple(map(Ball, sides)))
            else:
                boxes += _halves(sides)
    return SystemRoots(*_sorted_out(roots, clusters))


def _alone(system: _System, sides: Sequence[arb]) -> tuple[Ball, ...] | None:
    """Return the one solution of a box, or of the box made twice as wide: solutions also lie where boxes meet."""
    for scale in (1, 2):
        wide = [arb(s.mid(), s.rad() * scale) for s in sides]
        inner = _krawczyk(system, wide)
        if inner is None or not all(s.contains_interior(i) for s, i in zip(wide, inner, strict=True)):
            continue
        for _ in range(6):
            inner = _krawczyk(system, inner) or inner
        return tuple(map(Ball, inner))
    return None


def _may_vanish(value: arb) -> bool:
    return not value.is_finite() or bool(value.contains(0))


def _halves(sides: list[arb]) -> list[list[arb]]:
    """Split a box across its longest side, away from the middle."""
    longest = max(range(len(sides)), key=lambda i: float(sides[i].rad()))
    low, high = sides[longest].lower(), sides[longest].upper()
    middle = arb((low + (high - low) * 499 / 1024).mid())
    parts = [middle.union(high), low.union(middle)]
    return [[*sides[:longest], part, *sides[longest + 1 :]] for part in parts]


def _sorted_out(
    roots: list[tuple[Ball, ...]], clusters: list[tuple[Ball, ...]]
) -> tuple[tuple[tuple[Ball, ...], ...], tuple[tuple[Ball, ...], ...]]:
    """Order the solutions; one found from two boxes is counted once."""
    distinct: list[tuple[Ball, ...]] = []
    for root in sorted(roots, key=lambda r: [float(side.value.mid()) for side in reversed(r)]):
        if not any(_meet(root, other) for other in distinct):
            distinct.append(root)
    return tuple(distinct), tuple(clusters)


def _meet(a: tuple[Ball, ...], b: tuple[Ball, ...]) -> bool:
    return all(bool(p.value.overlaps(q.value)) for p, q in zip(a, b, strict=True))


def double_roots(
    function: Expr, symbol: Symbol, parameter: Symbol, box: Mapping[Symbol, tuple[Any, Any]]
) -> SystemRoots:
    """Isolate the folds of a map in a box of (state, parameter): the solutions of f = x, f' = 1.

    A double root of f - x is no regular root; together with the parameter it is one of the extended system
    (Seydel 2010, *Practical Bifurcation and Stability Analysis*, sec. 5.4).

    >>> from symgrad.maps import sigmoid
    >>> from symgrad.symbols import b, x
    >>> folds = double_roots(5 * sigmoid(x) + b, x, b, {x: (-6, 6), b: (-6, 1)})
    >>> [round(float(root[1].value.mid()), 12) for root in folds.roots]
    [-2.655610338631, -2.344389661369]
    """
    slope = differentiate(function, symbol)
    return isolate_solutions([function - symbol, slope - Integer(1)], {s: box[s] for s in (symbol, parameter)})
