"""Small systems of equations, solved one linear unknown at a time; what is not solved is kept as an equation.

Bifurcation conditions of layers are linear in one unknown after another once the output of the activation is an
unknown too, so no general solver is needed and every branch, also that of a vanishing divisor, is followed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy
from sympy import Expr, Poly, Rational, Symbol
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.derivation.bifurcations.cycles import real_roots
from symgrad.derivation.bifurcations.inversion import compare, functions_of, inverse_roots
from symgrad.derivation.identities.proofs import is_zero, sign_proof

MOST_FACTORS = 12
MOST_LEVELS = 12
LARGEST_DEGREE = 40
CANDIDATES = tuple(map(sympy.sympify, (0, 1, -1, Rational(1, 2), Rational(-1, 2), 2, -2)))


@dataclass(frozen=True)
class Branch:
    """One solution of a system: some unknowns as expressions of the free ones.

    Parameters
    ----------
    values : unknown → expression of the free unknowns
    free : the unknowns that may take any value
    nonzero : expressions of the free unknowns that must not be 0
    equation : what is left to solve for the last free unknown, equal to 0; None where nothing is left
    """

    values: Mapping[Symbol, Expr]
    free: tuple[Symbol, ...]
    nonzero: tuple[Expr, ...] = ()
    equation: Expr | None = None


@dataclass(frozen=True)
class Univariate:
    """The roots of one equation that are known exactly.

    Parameters
    ----------
    roots : exact real roots, each with the irreducible polynomial it is a root of, if there is one
    left : factors whose roots are not all known; empty where ``roots`` are all
    """

    roots: tuple[tuple[Expr, Expr | None], ...]
    left: tuple[Expr, ...]


def numerator(expr: Expr) -> Expr:
    """Return the numerator of an expression over a common divisor."""
    return sympy.fraction(sympy.together(expr))[0]


def factors(expr: Expr, unknowns: Sequence[Symbol]) -> list[Expr]:
    """Return the distinct factors of a numerator that contain an unknown.

    >>> from symgrad.symbols import r, x
    >>> factors(r * x * (1 - x) - x, [r, x])
    [x, r*x - r + 1]
    """
    top = numerator(expr)
    try:
        found = [factor for factor, _ in sympy.factor_list(top)[1]]
    except (BasePolynomialError, NotImplementedError):
        found = [top]
    return [f for f in found[:MOST_FACTORS] if f.free_symbols & set(unknowns)]


@dataclass(frozen=True)
class _State:
    """How far a branch has been followed."""

    system: tuple[Expr, ...]
    unknowns: tuple[Symbol, ...]
    bounds: Mapping[Symbol, tuple[Expr, Expr]]
    values: Mapping[Symbol, Expr] = field(default_factory=dict)
    nonzero: tuple[Expr, ...] = ()
    left: int = MOST_LEVELS

    def asking(self, *equations: Expr) -> "_State":
        return replace(self, system=equations, left=self.left - 1)

    def branch(self, equation: Expr | None = None) -> Branch:
        return Branch(dict(self.values), self.unknowns, tuple(e for e in self.nonzero if e.free_symbols), equation)


def solve_triangular(
    equations: Sequence[Expr], unknowns: Sequence[Symbol], bounds: Mapping[Symbol, tuple[Expr, Expr]] | None = None
) -> list[Branch]:
    """Return the branches of the solution set of a system.

    Parameters
    ----------
    equations : expressions that must be 0
    unknowns : in the order in which they are preferred to be solved for; the last ones stay free
    bounds : unknown → the open interval it is restricted to, where it is

    Examples
    --------
    >>> from symgrad.symbols import r, x
    >>> f = r * x * (1 - x)
    >>> [dict(b.values) for b in solve_triangular([f - x, sympy.diff(f, x) + 1], [r, x])]
    [{x: 0, r: -1}, {r: 3, x: 2/3}]
    """
    found: list[Branch] = []
    for branch in _solve(_State(tuple(equations), tuple(unknowns), bounds or {})):
        if branch not in found and not any(is_zero(e) for e in branch.nonzero):
            found.append(branch)
    return found


def _solve(state: _State) -> Iterator[Branch]:
    system: list[Expr] = []
    for position, equation in enumerate(state.system):
        if is_zero(equation):
            continue
        parts = [part for part in factors(equation, state.unknowns) if not _never_zero(part)]
        if not parts or state.left == 0:
            return
        if len(parts) > 1:
            for part in parts:
                yield from _solve(state.asking(*system, part, *state.system[position + 1 :]))
            return
        system.append(parts[0])
    if not system:
        yield state.branch()
        return
    state = replace(state, system=tuple(system))
    pivot = _pivot(system, state.unknowns)
    if pivot is not None:
        yield from _eliminated(state, *pivot)
        return
    single = next((e for e in system if len(e.free_symbols & set(state.unknowns)) == 1), None)
    if single is None:
        yield state.branch(system[0])
        return
    (symbol,) = single.free_symbols & set(state.unknowns)
    solved = solve_univariate(single, symbol, *state.bounds.get(symbol, (-sympy.oo, sympy.oo)))
    for root, _ in solved.roots:
        yield from _substituted(state, symbol, root)
    for factor in solved.left:
        yield state.branch(factor)


def _pivot(system: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[Expr, Symbol, Expr, Expr] | None:
    """Return the equation and the unknown with the simplest coefficient among the linear ones."""
    found = []
    for equation in system:
        present = [u for u in unknowns if u in equation.free_symbols]
        for rank, symbol in enumerate(unknowns):
            if symbol not in present or not equation.is_polynomial(symbol):
                continue
            polynomial = Poly(equation, symbol)
            if polynomial.degree() == 1:
                slope, rest = polynomial.all_coeffs()
                inside = len(slope.free_symbols & set(unknowns))
                last = symbol == unknowns[-1] and len(present) > 1
                key = (last, inside, len(present), sympy.count_ops(slope), rank)
                found.append((key, (equation, symbol, slope, rest)))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _eliminated(state: _State, equation: Expr, symbol: Symbol, slope: Expr, rest: Expr) -> Iterator[Branch]:
    """Solve an equation slope·symbol + rest = 0; where the slope can vanish, the rest must vanish with it."""
    others = tuple(e for e in state.system if e is not equation)
    nonzero = state.nonzero
    if slope.free_symbols & set(state.unknowns):
        yield from _solve(state.asking(slope, rest, *others))
        nonzero = (*nonzero, slope)
    yield from _substituted(replace(state, system=others, nonzero=nonzero), symbol, -rest / slope)


def _substituted(state: _State, symbol: Symbol, value: Expr) -> Iterator[Branch]:
    at = {symbol: value}
    values = {s: e.xreplace(at) for s, e in state.values.items()} | {symbol: value}
    rest = [e.xreplace(at) for e in state.system]
    if any(e.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo) for e in (*rest, *values.values())):
        return
    remaining = tuple(u for u in state.unknowns if u != symbol)
    nonzero = tuple(e.xreplace(at) for e in state.nonzero)
    yield from _solve(replace(state, unknowns=remaining, values=values, nonzero=nonzero).asking(*rest))


def solve_univariate(expr: Expr, symbol: Symbol, low: Expr = -sympy.oo, high: Expr = sympy.oo) -> Univariate:
    """Return the exact real roots of an equation between two bounds, and the factors that have others.

    Polynomial factors are solved completely. Of any other factor simple numbers are tried, and it is done with only
    where it is proved to be monotone without a pole in between.

    Examples
    --------
    >>> from symgrad.symbols import y
    >>> solve_univariate(y**3 - 2 * y, y).roots
    ((0, y), (-sqrt(2), y**2 - 2), (sqrt(2), y**2 - 2))
    >>> solve_univariate(y / (1 - y**2) - sympy.atanh(y), y, -sympy.S.One, sympy.S.One)
    Univariate(roots=((0, None),), left=())
    """
    roots: list[tuple[Expr, Expr | None]] = []
    left: list[Expr] = []
    parts = factors(expr, [symbol])
    for factor in parts:
        if factor.is_polynomial(symbol) and Poly(factor, symbol).domain in (sympy.ZZ, sympy.QQ):
            polynomial = Poly(factor, symbol)
            if polynomial.degree() <= LARGEST_DEGREE:
                roots += [(root, minimal.as_expr()) for root, minimal in real_roots(polynomial)]
                continue
        inverted = inverse_roots(factor, symbol, low, high)
        if inverted is not None:
            roots += [(root, None) for root in inverted]
            continue
        tried = [c for c in CANDIDATES if _vanishes(factor, symbol, c)]
        roots += [(c, None) for c in tried]
        if not any(_single_root(form, symbol, tried) for form in _divided(factor, symbol, low, high)):
            left.append(factor)
    between = [pair for pair in dict.fromkeys(roots) if compare(pair[0], low) == 1 and compare(high, pair[0]) == 1]
    return Univariate(tuple(between), tuple(left))


def _divided(factor: Expr, symbol: Symbol, low: Expr, high: Expr) -> Iterator[Expr]:
    """Yield a function and, where it is P(t)·g(t) + Q(t) with P of no root between the bounds, g + Q/P."""
    yield factor
    for call in sorted(functions_of(factor, symbol), key=str):
        if not factor.is_polynomial(call) or Poly(factor, call).degree() != 1:
            continue
        slope, rest = Poly(factor, call).all_coeffs()
        if slope.is_polynomial(symbol) and Poly(slope, symbol).domain in (sympy.ZZ, sympy.QQ):
            roots = [root for root, _ in real_roots(Poly(slope, symbol))] if symbol in slope.free_symbols else []
            if all(compare(root, low) in (0, -1) or compare(root, high) in (0, 1) for root in roots):
                yield call + sympy.together(rest / slope)


def _never_zero(expr: Expr) -> bool:
    return not expr.is_Symbol and bool(sign_proof(expr, strict=True) or sign_proof(-expr, strict=True))


def _vanishes(expr: Expr, symbol: Symbol, candidate: Expr) -> bool:
    value = expr.xreplace({symbol: candidate})
    return value.is_finite is not False and not value.has(sympy.nan, sympy.zoo) and bool(is_zero(value))


def _single_root(expr: Expr, symbol: Symbol, known: Sequence[Expr]) -> bool:
    """Say whether a function is proved to be monotone with a known root, or never 0."""
    if sign_proof(expr, strict=True) or sign_proof(-expr, strict=True):
        return True
    slope = sympy.diff(expr, symbol)
    return bool(known) and bool(sign_proof(slope) or sign_proof(-slope)) and is_zero(slope) is False
