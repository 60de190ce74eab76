"""What an update does at infinity and at its poles."""

import sympy
from sympy import Expr, Integer

from symgrad.derivation.local_theory.algebraic import Points, complex_points, real_points
from symgrad.derivation.local_theory.problem import NewtonProblem, rational_polynomial
from symgrad.derivation.local_theory.rational_maps import RationalMap, rational_map
from symgrad.derivation.local_theory.values import CycleKind, Infinity, Singular, kind_of
from symgrad.evidence import Verdict
from symgrad.maps import Map, to_text

UNKNOWN = Infinity(
    None, None, None, CycleKind.UNDECIDED, None, "what the update does at infinity is not known exactly",
    Verdict.UNDECIDED,
)  # fmt: skip


def at_infinity(update: Map) -> Infinity:
    """Return what a scalar update does near infinity: exact for rational maps, also with parameters.

    A growth N(x) ~ α·x is the multiplier 1/α in the coordinate 1/x: d/(d-1) for Newton's update of a polynomial of
    degree d > 1, whose infinity repels.

    Examples
    --------
    >>> from symgrad.derivation.updates import newton
    >>> found = at_infinity(newton("x**3 - 2*x + 2", "x"))
    >>> found.multiplier, found.statement
    (3/2, 'infinity is a repelling fixed point of multiplier 3/2: far out N(x) ~ 2*x/3')
    """
    (x,) = update.state
    if not update.expr.is_rational_function(x):
        return UNKNOWN
    top, below = sympy.fraction(sympy.cancel(sympy.together(update.expr)))
    if not (top.is_polynomial(x) and below.is_polynomial(x)):
        return UNKNOWN
    upper, lower = sympy.Poly(top, x), sympy.Poly(below, x)
    excess = (upper.degree() if not upper.is_zero else 0) - lower.degree()
    lead = sympy.cancel(upper.LC() / lower.LC())
    if excess > 1:
        statement = f"infinity is a superattracting fixed point: far out N(x) ~ {to_text(lead * x**excess)}"
        return Infinity(True, None, Integer(0), CycleKind.SUPERATTRACTING, None, statement, Verdict.PROVED)
    if excess == 1:
        return _linear(lead, x)
    limit = lead if excess == 0 and not upper.is_zero else Integer(0)
    return Infinity(
        False, Integer(0), None, CycleKind.UNDECIDED, limit, f"infinity is sent to {to_text(limit)}", Verdict.PROVED
    )


def _linear(growth: Expr, x: Expr) -> Infinity:
    multiplier = sympy.cancel(1 / growth)
    kind = kind_of(multiplier) if not multiplier.free_symbols else CycleKind.UNDECIDED
    word = "a" if kind is CycleKind.UNDECIDED else f"an {kind.value}" if kind.value[0] in "ai" else f"a {kind.value}"
    statement = (
        f"infinity is {word} fixed point of multiplier {to_text(multiplier)}: far out N(x) ~ {to_text(growth * x)}"
    )
    return Infinity(True, growth, multiplier, kind, None, statement, Verdict.PROVED)


def poles(update: Map, *, points: Points | None = None) -> tuple[Singular, ...] | None:
    """Return the poles of a rational update with their orders; None where the map is not rational over the integers.

    >>> from symgrad.derivation.updates import newton
    >>> [(p.exact, p.order, p.status) for p in poles(newton("x**3 - 2", "x"))]
    [(0, 2, 'singular')]
    """
    rational = rational_map(update)
    if rational is None:
        return None
    find = points or (real_points if update.domain == "real" else complex_points)
    return _poles(rational, find)


def _poles(rational: RationalMap, find: Points) -> tuple[Singular, ...]:
    found = [
        Singular(point.number, point.exact, int(order), Verdict.PROVED)
        for factor, order in rational.below.factor_list()[1]
        for point in find(factor)
    ]
    return tuple(sorted(found, key=lambda s: (complex(s.value).real, complex(s.value).imag)))


def singular_points(problem: NewtonProblem, *, points: Points | None = None) -> tuple[Singular, ...] | None:
    """Return the points where F' = 0 or the update has a pole, where these are algebraic; None where they are not.

    Examples
    --------
    >>> from symgrad.derivation.local_theory.problem import newton_problem
    >>> [(p.exact, p.status) for p in singular_points(newton_problem("x**2*(x - 3)", "x"))]
    [(0, 'removable'), (2, 'singular')]
    """
    find = points or (real_points if problem.domain == "real" else complex_points)
    rational = rational_map(problem.update)
    if rational is None:
        return None
    found = {complex(s.value): s for s in _poles(rational, find)}
    top = sympy.fraction(sympy.cancel(sympy.together(problem.slope)))[0]
    slope = rational_polynomial(top, problem.state) if problem.slope.is_rational_function(problem.state) else None
    for factor, _ in slope.factor_list()[1] if slope is not None else ():
        for point in find(factor):
            place = Singular(point.number, point.exact, 0, Verdict.PROVED)
            found.setdefault(complex(point.number), place)
    return tuple(sorted(found.values(), key=lambda s: (complex(s.value).real, complex(s.value).imag)))
