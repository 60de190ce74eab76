"""The cycles of rational maps: all of them up to a period, by the irreducible factors of dynatomic polynomials.

Points are isolated exactly and followed at 40 digits; that a cycle has multiplier 0 is decided by division: some point
of it is a root of the numerator of N'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Expr, Integer, Poly

from symgrad.derivation.local_theory.algebraic import (
    LARGEST_COMPLEX,
    AlgebraicPoint,
    Points,
    complex_points,
    context,
    real_points,
)
from symgrad.derivation.local_theory.rational_maps import LARGEST_DEGREE, RationalMap, rational_map
from symgrad.derivation.local_theory.values import Cycle, CycleKind, CycleList, Number, kind_of
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map

LONGEST = 5
LARGEST_REAL = 100
NEAR = 1e-20


def checked_longest(period: int) -> int:
    """Return the longest period asked for, refusing what is none.

    >>> checked_longest(0)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: period_max must be an integer from 1 to 5, got 0
    """
    if isinstance(period, bool) or not isinstance(period, int) or not 1 <= period <= LONGEST:
        raise InputError(f"period_max must be an integer from 1 to {LONGEST}, got {period!r}")
    return period


def exact_cycles(
    update: Map, *, period_max: int = LONGEST, points: Points | None = None, largest: int | None = None
) -> CycleList | None:
    """Return every cycle of a rational map up to a period; None where the map is not rational over the integers.

    Parameters
    ----------
    update : a scalar map; of a real map the real cycles are found, of a complex one all of them
    period_max : the longest period, at most 5
    points : finds the roots of an irreducible polynomial
    largest : the largest degree of a dynatomic polynomial whose roots are isolated; beyond, a note says so

    Examples
    --------
    >>> from symgrad.derivation.updates import newton
    >>> found = exact_cycles(newton("x**3 - 2*x + 2", "x"), period_max=2)
    >>> [(c.period, c.exact, c.multiplier, c.kind.value) for c in found.cycles if c.exact]
    [(2, (0, 1), 0, 'superattracting')]
    """
    checked_longest(period_max)
    rational = rational_map(update)
    if rational is None:
        return None
    is_real = update.domain == "real"
    find = points or (real_points if is_real else complex_points)
    largest = largest or (LARGEST_REAL if is_real else LARGEST_COMPLEX)
    cycles: list[Cycle] = []
    notes: list[str] = []
    left: list[int] = []
    for period in range(1, period_max + 1):
        found = cycles_of_period(rational, period, find, largest)
        cycles += found.cycles
        notes += found.notes
        left += found.left
    return CycleList(tuple(cycles), tuple(dict.fromkeys(notes)), tuple(left))


def cycles_of_period(rational: RationalMap, period: int, find: Points, largest: int) -> CycleList:
    """Return the cycles of one period, or the note that says why not all of them are listed."""
    if rational.degree**period > LARGEST_DEGREE:
        return CycleList(
            (), (f"cycles of period {period} were not searched: degree {rational.degree}**{period}",), (period,)
        )
    dynatomic = rational.dynatomic(period)
    if dynatomic is None:
        return CycleList((), (f"every point has period {period}, or one that divides it",))
    factors = [factor for factor, _ in dynatomic.factor_list()[1]]
    small = [factor for factor in factors if factor.degree() <= largest]
    notes: tuple[str, ...] = ()
    if len(small) < len(factors):
        degree = max(factor.degree() for factor in factors)
        notes = (
            f"period {period}: cycles among the roots of a dynatomic factor of degree {degree} were not isolated "
            f"exactly (at most degree {largest} is)",
        )
    places = [point for factor in small for point in find(factor)]
    cycles = [_cycle(rational, walk) for walk in _walks(rational, places, period)]
    return CycleList(tuple(sorted(cycles, key=_rank)), notes, (period,) if notes else ())


def _rank(cycle: Cycle) -> tuple[float, float, float]:
    first = complex(cycle.points[0])
    return round(abs(complex(cycle.multiplier)), 9), first.real, first.imag


def _values(own: Any, polynomial: Poly, at: Any) -> Any:
    return own.polyval([int(a) for a in polynomial.all_coeffs()], at)


@dataclass(frozen=True)
class _Walk:
    """The points of one cycle in the order in which they are visited."""

    places: tuple[AlgebraicPoint, ...]


def _walks(rational: RationalMap, places: Sequence[AlgebraicPoint], period: int) -> list[_Walk]:
    """Follow each point to the nearest of the points; only what returns after just ``period`` steps is a cycle."""
    own = context()
    following: dict[int, int] = {}
    for i, place in enumerate(places):
        below = _values(own, rational.below, place.value)
        if below == 0:
            continue
        image = _values(own, rational.top, place.value) / below
        nearest = min(range(len(places)), key=lambda j: float(abs(places[j].value - image)))
        if abs(places[nearest].value - image) < NEAR * max(1, abs(image)):
            following[i] = nearest
    walks, seen = [], set()
    for start in sorted(following, key=lambda i: (complex(places[i].number).real, complex(places[i].number).imag)):
        orbit = [start]
        while len(orbit) <= period and orbit[-1] in following:
            orbit.append(following[orbit[-1]])
        if len(orbit) == period + 1 and orbit[-1] == start and len(set(orbit)) == period and start not in seen:
            seen |= set(orbit)
            walks.append(_Walk(tuple(places[i] for i in orbit[:-1])))
    return walks


def _cycle(rational: RationalMap, walk: _Walk) -> Cycle:
    """Return a cycle with its multiplier, exact where the points are."""
    critical = any(rational.critical.rem(p.minimal).is_zero for p in walk.places if p.minimal.degree() > 0)
    exact = tuple(p.exact for p in walk.places)
    multiplier: Expr | Number
    if critical:
        multiplier = Integer(0)
    elif None not in exact:
        multiplier = _exact_multiplier(rational, [e for e in exact if e is not None])
    else:
        multiplier = _decimal_multiplier(rational, walk)
    kind = kind_of(multiplier, is_zero=critical, slack=1e-15)
    if kind is CycleKind.UNDECIDED and _has_unit_multiplier(rational, walk):
        kind = CycleKind.INDIFFERENT
    return Cycle(
        len(walk.places),
        tuple(p.number for p in walk.places),
        None if None in exact else tuple(e for e in exact if e is not None),
        multiplier,
        kind,
        Verdict.UNDECIDED if kind is CycleKind.UNDECIDED else Verdict.PROVED,
    )


def _exact_multiplier(rational: RationalMap, points: Sequence[Expr]) -> Expr:
    x, product = rational.state, Integer(1)
    for point in points:
        top, below = (sympy.expand(p.as_expr().xreplace({x: point})) for p in (rational.critical, rational.below))
        product = sympy.radsimp(sympy.expand(product * top) / sympy.expand(below**2))
    return sympy.expand(product)


def _decimal_multiplier(rational: RationalMap, walk: _Walk) -> Number:
    own = context()
    product = own.mpf(1)
    for place in walk.places:
        product *= _values(own, rational.critical, place.value) / _values(own, rational.below, place.value) ** 2
    if all(p.is_real for p in walk.places) or abs(product.imag) < NEAR * abs(product):
        return float(product.real)
    return complex(product)


def _has_unit_multiplier(rational: RationalMap, walk: _Walk) -> bool:
    """Say whether the multiplier is exactly 1 or -1: then the points are double roots of N^P = x or of N^2P = x."""
    count = len(walk.places)
    for turn in (1, 2):
        if rational.degree ** (turn * count) > LARGEST_DEGREE:
            return False
        slope = rational.returning(turn * count).diff()
        if not slope.is_zero and all(slope.rem(p.minimal).is_zero for p in walk.places):
            return True
    return False


def exact_fixed_points(update: Map, *, points: Points | None = None) -> tuple[Cycle, ...] | None:
    """Return the finite fixed points of a rational map with their multipliers, as cycles of period 1.

    >>> [(c.exact, c.multiplier) for c in exact_fixed_points(Map("x - x*(x**2 - 1)/(3*x**2 - 1)", "x"))]
    [((-1,), 0), ((0,), 0), ((1,), 0)]
    """
    found = exact_cycles(update, period_max=1, points=points)
    return None if found is None else found.cycles


def superattracting_cycles(rational: RationalMap, period: int) -> tuple[Cycle, ...]:
    """Return the cycles of multiplier 0 of a period, real or not, however large the degree of the iterate.

    The critical points are followed modulo their minimal polynomials h: N^P(x) = x in Q[x]/(h).

    >>> from symgrad.derivation.updates import newton
    >>> [c.exact for c in superattracting_cycles(rational_map(newton("x**3 - 2*x + 2", "x")), 2)]
    [(0, 1)]
    """
    cycles: list[Cycle] = []
    for factor, _ in rational.critical.factor_list()[1]:
        orbit = orbit_modulo(rational.top, rational.below, factor, period)
        if orbit is None or orbit[-1] != orbit[0] or any(p == orbit[0] for p in orbit[1:-1]):
            continue
        for point in complex_points(factor) if factor.degree() <= LARGEST_COMPLEX else []:
            own = context()
            values = [_rational_values(own, p, point.value) for p in orbit[:-1]]
            numbers = tuple(float(v) if point.is_real else complex(v) for v in values)
            exact = None
            if point.exact is not None:
                exact = tuple(sympy.expand(p.as_expr().xreplace({rational.state: point.exact})) for p in orbit[:-1])
            start = min(range(period), key=lambda i: (complex(numbers[i]).real, complex(numbers[i]).imag))
            turned = Cycle(period, numbers, exact, Integer(0), CycleKind.SUPERATTRACTING, Verdict.PROVED)
            cycles.append(_turned(turned, start))
    return tuple(
        {
            tuple(round(complex(p).real, 12) + 1j * round(complex(p).imag, 12) for p in c.points): c for c in cycles
        }.values()
    )


def _turned(cycle: Cycle, start: int) -> Cycle:
    exact = cycle.exact
    return replace(
        cycle,
        points=cycle.points[start:] + cycle.points[:start],
        exact=None if exact is None else exact[start:] + exact[:start],
    )


def _rational_values(own: Any, polynomial: Poly, at: Any) -> Any:
    return own.polyval([own.mpf(int(a.p)) / int(a.q) for a in polynomial.all_coeffs()], at)


def orbit_modulo(top: Poly, below: Poly, factor: Poly, steps: int) -> list[Poly] | None:
    """Return x, N(x), … modulo a polynomial irreducible over a field; None where the orbit meets a pole.

    >>> x = sympy.Symbol("x")
    >>> [p.as_expr() for p in orbit_modulo(Poly(x**2 - 1, x), Poly(1, x), Poly(x, x), 2)]
    [0, -1, 0]
    """
    field = [p.set_domain(p.domain.get_field()) for p in (top, below, factor)]
    top, below, factor = field
    point = Poly(top.gen, top.gen, domain=factor.domain).rem(factor)
    orbit = [point]
    for _ in range(steps):
        over, under = (_composed(p, point, factor) for p in (top, below))
        if under.is_zero:
            return None
        point = (
            (over * under.invert(factor)).rem(factor) if under.degree() > 0 else (over * (1 / under.LC())).rem(factor)
        )
        orbit.append(point)
    return orbit


def _composed(outer: Poly, inner: Poly, modulus: Poly) -> Poly:
    result = Poly(0, outer.gen, domain=modulus.domain)
    for coefficient in outer.all_coeffs():
        result = (result * inner + coefficient).rem(modulus)
    return result
