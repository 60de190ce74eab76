"""The local theory of Newton's step for any function: exact where algebra reaches, isolated and certified elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Poly, Symbol

from symgrad.certify.complex_roots import isolate_complex_roots
from symgrad.derivation.identities import sign_proof
from symgrad.derivation.local_theory import (
    AlgebraicPoint,
    Conjugacy,
    Convergence,
    Cycle,
    CycleKind,
    CycleList,
    Infinity,
    NewtonProblem,
    Root,
    Singular,
    at_infinity,
    complex_points,
    conjugacy_to_square,
    exact_cycles,
    exact_roots,
    newton_problem,
    rational_map,
    singular_points,
    superattracting_cycles,
)
from symgrad.derivation.local_theory.algebraic import context
from symgrad.errors import InputError
from symgrad.maps import Map, to_text
from symgrad.phenomena.newton.far_out import sampled_infinity
from symgrad.phenomena.newton.isolated_roots import complex_roots, isolated_roots, singular_in_window
from symgrad.phenomena.newton.sampled_cycles import GRID, sampled_cycles

WINDOW = (-10.0, 10.0)
LARGEST_COMPLEX = 100
LONGEST = 5


@dataclass(frozen=True)
class RootList:
    """The roots of F, and what was not searched.

    Parameters
    ----------
    roots : from low to high; of a complex problem the real ones first
    notes : one sentence for each region or factor that was left out
    """

    roots: tuple[Root, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LocalTheory:
    """Everything that is known about Newton's step near its roots, cycles and poles, and far out.

    Parameters
    ----------
    problem : F(x) = 0, with ``function``, ``slope`` and ``step``
    update : N(x) = x - F/F'
    derivative : N' = F·F''/F'²
    roots : of F
    fixed_points : finite fixed points of the update that are no roots of F (as poles of F are)
    cycles : of periods 2 and more
    singular : points where F' = 0 or the update has a pole
    infinity : what the update does far out
    conjugacy : the normal form of a quadratic, None for any other function
    notes : what was not searched or needs values
    """

    problem: NewtonProblem
    update: Map
    derivative: Expr
    roots: tuple[Root, ...]
    fixed_points: tuple[Cycle, ...]
    cycles: tuple[Cycle, ...]
    singular: tuple[Singular, ...]
    infinity: Infinity
    conjugacy: Conjugacy | None
    notes: tuple[str, ...]

    @property
    def attracting_cycles(self) -> tuple[Cycle, ...]:
        """The cycles that capture starts near them: from there Newton's steps reach no root."""
        return tuple(c for c in self.cycles if c.kind in (CycleKind.ATTRACTING, CycleKind.SUPERATTRACTING))


def certified_points(factor: Poly) -> list[AlgebraicPoint]:
    """Return every root of an irreducible polynomial, isolated in complex balls; up to degree 2 in radicals."""
    if factor.degree() <= 2:
        return complex_points(factor)
    own = context()

    def number(q: Fraction) -> Any:
        return own.mpf(q.numerator) / q.denominator

    found = isolate_complex_roots([int(a) for a in factor.all_coeffs()])
    points = [
        AlgebraicPoint(factor, number(r.re) if r.im is None else own.mpc(number(r.re), number(r.im)), None)
        for r in found
    ]
    return sorted(points, key=lambda p: (not p.is_real, complex(p.number).real, complex(p.number).imag))


def _window(low: float | None, high: float | None) -> tuple[float, float]:
    bounds = WINDOW[0] if low is None else float(low), WINDOW[1] if high is None else float(high)
    if not bounds[0] < bounds[1]:
        raise InputError(f"the window is {bounds[0]:g} to {bounds[1]:g}; low must be less than high")
    return bounds


def roots_of(
    F: Expr | str,
    x: Symbol | str,
    *,
    low: float | None = None,
    high: float | None = None,
    domain: str = "real",
) -> RootList:
    """Return the roots of F with multiplicity, order, multiplier and error constant of Newton's step.

    Parameters
    ----------
    F : a function of x, which may have parameters
    x : the variable
    low, high : only roots between them; by default all that algebra finds, and others between -10 and 10
    domain : "real" or "complex"

    Returns
    -------
    roots: PROVED where solved for, CERTIFIED where enclosed by ball arithmetic

    Examples
    --------
    >>> [(r.exact, r.order) for r in roots_of("sin(x)", "x", low=-4, high=4).roots]
    [(-pi, 3), (0, 3), (pi, 3)]
    >>> (root,) = roots_of("cos(x) - x", "x").roots
    >>> root.value, root.order, root.verdict.name
    (0.7390851332151607, 2, 'CERTIFIED')
    """
    return _roots(newton_problem(F, x, domain), low, high)


def _roots(problem: NewtonProblem, low: float | None, high: float | None) -> RootList:
    window = _window(low, high)
    exact = exact_roots(problem, points=certified_points if problem.domain == "complex" else None)
    roots, notes = list(exact.roots), list(exact.notes)
    if exact.left and problem.parameters and not notes:
        names = ", ".join(map(str, problem.parameters))
        notes.append(f"further roots need values for {names}")
    if exact.left and not problem.parameters:
        for factor in exact.left:
            if not _has_sign(factor):
                more, open_places = isolated_roots(problem, factor, tuple(roots), *window)
                roots += more
                notes += [*open_places, f"roots were isolated between {window[0]:g} and {window[1]:g}"]
        if problem.domain == "complex":
            size = max(abs(window[0]), abs(window[1]))
            roots += complex_roots(problem, tuple(roots), size)
            notes.append(f"complex roots were looked for from a grid of starts within {size:g}; others may exist")
    if low is not None or high is not None or exact.left:
        roots = [r for r in roots if _within(r, window)]
    return RootList(tuple(sorted(roots, key=_place)), tuple(dict.fromkeys(notes)))


def _has_sign(factor: Expr) -> bool:
    return bool(sign_proof(factor, strict=True) or sign_proof(-factor, strict=True))


def _within(root: Root, window: tuple[float, float]) -> bool:
    if root.value is None or isinstance(root.value, complex):
        return True
    return window[0] <= root.value <= window[1]


def _place(root: Root) -> tuple[bool, float, float]:
    number = complex(root.value if root.value is not None else 0)
    return isinstance(root.value, complex), number.real, number.imag


def fixed_points_of_update(update: Map, *, low: float | None = None, high: float | None = None) -> CycleList:
    """Return the finite fixed points of any scalar update with their multipliers, as cycles of period 1.

    >>> [(c.exact, c.multiplier) for c in fixed_points_of_update(Map("2*x*(1 - x)", "x")).cycles]
    [((1/2,), 0), ((0,), 2)]
    """
    return cycles_of(update, period_max=1, low=low, high=high)


def cycles_of(
    update: Map, *, period_max: int = LONGEST, low: float | None = None, high: float | None = None
) -> CycleList:
    """Return the cycles of a scalar update up to a period, fixed points included.

    Parameters
    ----------
    update : any scalar map: of a real one the real cycles are found, of a complex rational one all of them
    period_max : at most 5
    low, high : the interval in which cycles of a map that is not rational are looked for; by default -10 to 10

    Returns
    -------
    cycles: of rational maps all of them, PROVED, as long as the dynatomic polynomial is within reach; of other maps
    those that a grid shows, each CERTIFIED; ``notes`` say what was left out

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> found = cycles_of(newton("atan(x)", "x"), period_max=2)
    >>> [(c.period, c.points[-1], c.kind.value) for c in found.cycles]
    [(1, 0.0, 'superattracting'), (2, 1.391745200270735, 'repelling')]
    """
    return _cycles(update, 1, period_max, _window(low, high))


def _cycles(update: Map, first: int, period_max: int, window: tuple[float, float]) -> CycleList:
    """Return the cycles from a first period on; exact ones always from period 1 on."""
    if update.parameters:
        names = ", ".join(map(str, update.parameters))
        return CycleList((), (f"cycles need values for {names}",))
    is_complex = update.domain == "complex"
    points, largest = (certified_points, LARGEST_COMPLEX) if is_complex else (None, None)
    exact = exact_cycles(update, period_max=period_max, points=points, largest=largest)
    if exact is not None:
        return _completed(update, exact, window)
    periods = range(first, period_max + 1)
    if is_complex:
        found = _sampled(Map(to_text(update.expr), update.state[0].name), periods, window)
        note = "cycles off the real line are not looked for: the update is not rational"
        return CycleList(found.cycles, (*found.notes, note), found.left)
    return _sampled(update, periods, window)


def _sampled(update: Map, periods: Sequence[int], window: tuple[float, float]) -> CycleList:
    cycles: list[Cycle] = []
    more: list[str] = []
    for period in periods:
        found = sampled_cycles(update, period, *window)
        cycles += found.cycles
        if found.shown > len(found.cycles):
            more.append(f"of period {period} {len(found.cycles)} of {found.shown} are listed")
    named = ", ".join(map(str, periods))
    note = (
        f"cycles of period {named} with all points between {window[0]:g} and {window[1]:g} were looked for on a grid "
        f"of {GRID} points and certified one by one; others may exist"
    )
    return CycleList(tuple(cycles), ("; ".join([note, *more]),), tuple(periods))


def _completed(update: Map, exact: CycleList, window: tuple[float, float]) -> CycleList:
    """Add to the exact cycles those of periods whose dynatomic polynomial is out of reach."""
    rational = rational_map(update)
    if not exact.left or rational is None:
        return exact
    more = [c for period in exact.left for c in superattracting_cycles(rational, period)]
    notes = list(exact.notes)
    if update.domain == "real":
        found = _sampled(update, exact.left, window)
        more = [c for c in more if not any(isinstance(p, complex) for p in c.points)] + list(found.cycles)
        notes += found.notes
    cycles = _without_doubles([*exact.cycles, *more])
    return CycleList(tuple(sorted(cycles, key=lambda c: c.period)), tuple(notes), exact.left)


def _without_doubles(cycles: list[Cycle]) -> list[Cycle]:
    kept: list[Cycle] = []
    for cycle in cycles:
        if not any(_same(cycle, other) for other in kept):
            kept.append(cycle)
    return kept


def _same(a: Cycle, b: Cycle) -> bool:
    near = [min(abs(p - q) for q in b.points) < 1e-9 * max(1, abs(p)) for p in a.points]
    return a.period == b.period and all(near)


def _singular(problem: NewtonProblem, roots: tuple[Root, ...], window: tuple[float, float]) -> tuple[Singular, ...]:
    """Return the points where F' = 0: exact of rational updates, isolated in the window otherwise."""
    if problem.parameters:
        return ()
    points = certified_points if problem.domain == "complex" else None
    found = singular_points(problem, points=points)
    places = list(found) if found is not None else []
    if found is None:
        places += singular_in_window(problem, *window)
    flat = [r for r in roots if r.convergence in (Convergence.LINEAR, Convergence.SUBLINEAR) and r.value is not None]
    for root in flat:
        if not any(_near(root.value, s.value) for s in places) and root.value is not None:
            places.append(Singular(root.value, root.exact, 0, root.verdict))
    return tuple(sorted(places, key=lambda s: (complex(s.value).real, complex(s.value).imag)))


def _near(a: float | complex | None, b: float | complex) -> bool:
    return a is not None and abs(a - b) < 1e-9 * max(1, abs(b))


def _infinity(update: Map) -> Infinity:
    """Return what the update does far out: exact where it is rational, else what a measurement shows."""
    exact = at_infinity(update)
    return exact if exact.is_fixed is not None else sampled_infinity(update) or exact


def local_theory(
    F: Expr | str,
    x: Symbol | str,
    *,
    domain: str = "real",
    low: float | None = None,
    high: float | None = None,
    period_max: int = LONGEST,
) -> LocalTheory:
    """Return roots, orders, cycles, singular points, infinity and normal form of Newton's step for F(x) = 0.

    Parameters
    ----------
    F, x : the function and its variable; other symbols are parameters
    domain : "real" or "complex"
    low, high : the window for what is not found exactly, by default -10 to 10
    period_max : the longest period of cycles, at most 5

    Raises
    ------
    InputError : F does not depend on x, or F' is 0 everywhere

    Examples
    --------
    >>> found = local_theory("x**3 - 2*x + 2", "x", period_max=2)
    >>> [(r.value, r.order) for r in found.roots], [c.exact for c in found.attracting_cycles]
    ([(-1.7692923542386314, 2)], [(0, 1)])
    >>> found.infinity.multiplier, [s.exact for s in found.singular]
    (3/2, [-sqrt(6)/3, sqrt(6)/3])
    """
    problem = newton_problem(F, x, domain)
    window = _window(low, high)
    roots = _roots(problem, low, high)
    cycles = _cycles(problem.update, 1 if problem.step.is_rational_function(problem.state) else 2, period_max, window)
    fixed = tuple(
        c for c in cycles.cycles if c.period == 1 and not any(_near(r.value, c.points[0]) for r in roots.roots)
    )
    return LocalTheory(
        problem,
        problem.update,
        problem.derivative,
        roots.roots,
        fixed,
        tuple(c for c in cycles.cycles if c.period > 1),
        _singular(problem, roots.roots, window),
        _infinity(problem.update),
        conjugacy_to_square(F, x),
        tuple(dict.fromkeys((*roots.notes, *cycles.notes))),
    )
