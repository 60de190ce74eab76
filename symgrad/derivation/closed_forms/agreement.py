"""A closed form against direct iteration, to many digits: the second pair of eyes on every proof by induction."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import mpmath
import sympy
from sympy import Abs, Eq, Expr, Ge, Gt, Le, Lt, Max, Min, Rational, S, Symbol, sign

from symgrad.derivation.closed_forms.induction import Branch
from symgrad.maps import Map, expand_activations
from symgrad.symbols import n

DEPTHS = range(1, 7)
DIGITS = 100
ROOT_DIGITS = 60
TOLERANCE = Rational(1, 10**35)
TRIES = 60
POINTS = 2
DENOMINATORS = (1, 3, 5, 7, 11)
CANDIDATES = (S.One, S.NegativeOne, S.Zero, sympy.pi / 2, -sympy.pi / 2, sympy.pi)

Point = Mapping[Expr, Expr]
Numbers = list[Any]


class _NoValueError(Exception):
    """An expression has no finite real value at a point."""


def _number(expr: Expr, at: Point) -> Expr:
    try:
        value = expr.xreplace(at)
    except ValueError:
        raise _NoValueError from None
    if not value.is_Rational:
        value = value.evalf(ROOT_DIGITS)
    if not value.is_Number or value.is_finite is not True:
        raise _NoValueError
    return value


def _holds(relation: Any, at: Point) -> bool:
    try:
        left, right = _number(relation.lhs, at), _number(relation.rhs, at)
    except _NoValueError:
        return False
    equal = abs(left - right) <= TOLERANCE * max(S.One, abs(left))
    return bool(equal if isinstance(relation, Eq) else relation.func(left, right))


def _compiled(symbols: Sequence[Symbol], exprs: Sequence[Expr]) -> Callable[[Numbers], Numbers]:
    """Return a function of the symbols' values that gives the expressions' values, or raises where one has none."""
    plain = [expand_activations(e) for e in exprs]
    function = sympy.lambdify(list(symbols), plain, modules="mpmath", cse=True, dummify=True)

    def evaluate(values: Numbers) -> Numbers:
        try:
            found = [mpmath.mpmathify(v) for v in function(*values)]
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            raise _NoValueError from None
        real = [v.real if abs(v.imag) <= TOLERANCE else mpmath.nan for v in found]
        if not all(mpmath.isfinite(v) for v in real):
            raise _NoValueError
        return real

    return evaluate


@lru_cache(maxsize=32)
def _stepper(f: Map, symbols: tuple[Symbol, ...]) -> Callable[[Numbers], Numbers]:
    """Return one step: the new state, the Jacobian row by row, and the arguments that are 0 at kinks."""
    exprs = [expand_activations(e) for e in f.exprs]
    kinks = [m.args[0] - (m.args[1] if len(m.args) > 1 else 0) for e in exprs for m in e.atoms(Abs, sign, Max, Min)]
    return _compiled(symbols, [*exprs, *(e for row in f.jacobian for e in row), *kinks])


def _direct(f: Map, symbols: tuple[Symbol, ...], values: Numbers) -> list[Numbers]:
    """Return the state and the product of the Jacobians after each of the steps, as one list for each."""
    size, step = f.dimension, _stepper(f, symbols)
    place = [symbols.index(s) for s in f.state]
    product, path = mpmath.eye(size), []
    for _ in DEPTHS:
        found = step(values)
        if any(v == 0 for v in found[size + size**2 :]):
            raise _NoValueError
        product = _rows(found[size:], size) * product
        values = list(values)
        for index, value in zip(place, found, strict=False):
            values[index] = value
        path.append([*found[:size], *(product[i, j] for i in range(size) for j in range(size))])
    return path


def _rows(values: Numbers, size: int) -> Any:
    return mpmath.matrix([values[i * size : (i + 1) * size] for i in range(size)])


def _agree_at(f: Map, form: Callable[[Numbers], Numbers], symbols: tuple[Symbol, ...], at: Point) -> bool:
    """Say whether a form equals direct iteration at a point; raise where the orbit has no value there."""
    values = [mpmath.mpf(str(at[s].evalf(DIGITS + 10))) for s in symbols]
    path = _direct(f, symbols, values)
    try:
        found = [form([*values, depth]) for depth in DEPTHS]
    except _NoValueError:
        return False
    pairs = [pair for a, b in zip(path, found, strict=True) for pair in zip(a, b, strict=True)]
    return all(abs(a - b) <= TOLERANCE * max(1, abs(a)) for a, b in pairs)


def _eliminated(equations: Sequence[Expr], rng: random.Random) -> tuple[dict[Symbol, Expr], list[Expr]]:
    """Solve equations for symbols they are linear in, one after the other; return what is left of the others."""
    solved: dict[Symbol, Expr] = {}
    left = []
    for equation in equations:
        rest = sympy.numer(sympy.together(equation.xreplace(solved)))
        symbols = sorted(rest.free_symbols, key=str)
        for symbol in rng.sample(symbols, len(symbols)):
            slope = sympy.diff(rest, symbol)
            if symbol not in slope.free_symbols and not rest.has(Abs):
                value = -rest.xreplace({symbol: S.Zero}) / slope
                solved = {s: v.xreplace({symbol: value}) for s, v in solved.items()} | {symbol: value}
                break
        else:
            if rest != 0:
                left.append(rest)
    return solved, left


def _root(equation: Expr, symbol: Symbol, rng: random.Random) -> Expr | None:
    """Return a real value of a symbol at which an equation in it alone holds, None where none is found."""
    candidates = [c for c in CANDIDATES if _holds(Eq(equation, 0, evaluate=False), {symbol: c})]
    if not candidates and equation.is_polynomial(symbol):
        try:
            roots = sympy.Poly(equation, symbol).nroots(n=ROOT_DIGITS, maxsteps=200)
        except (sympy.PolynomialError, ValueError, sympy.polys.polyerrors.DomainError):
            return None
        candidates = [r for r in roots if r.is_real]
    return rng.choice(candidates) if candidates else None


def _interval(conditions: Sequence[Any], x: Symbol, at: Point) -> tuple[Expr, Expr]:
    """Return the interval that the inequalities linear in x (or in its modulus) leave to x at given parameters."""
    low, high = -S.Infinity, S.Infinity
    for condition in conditions:
        if not isinstance(condition, Gt | Ge | Lt | Le) or x not in condition.free_symbols:
            continue
        below = condition.rhs - condition.lhs if isinstance(condition, Gt | Ge) else condition.lhs - condition.rhs
        moduli = [m for m in below.atoms(Abs) if x in m.free_symbols]
        for sides in [below] if not moduli else [below.xreplace({moduli[0]: s * moduli[0].args[0]}) for s in (1, -1)]:
            line = sympy.expand(sides.xreplace({s: v for s, v in at.items() if s != x}))
            slope = line.coeff(x, 1)
            rest = sympy.expand(line - slope * x)
            if x in rest.free_symbols or not slope.is_number or slope == 0:
                continue
            end = -rest / slope
            low, high = (low, min(high, end)) if slope > 0 else (max(low, end), high)
    return low, high


def _within(low: Expr, high: Expr, value: Rational) -> Expr:
    """Return a number between two bounds: the given one where it is, else one at a rational part of the way."""
    if low < value < high or not (low.is_finite or high.is_finite) or low >= high:
        return value
    part = abs(value) / (1 + abs(value))
    if low.is_finite and high.is_finite:
        return low + part * (high - low)
    return low + abs(value) if low.is_finite else high - abs(value)


def _points(f: Map, symbols: Sequence[Symbol], conditions: Sequence[Any]) -> Iterator[dict[Expr, Expr]]:
    """Yield points at which the conditions hold, the same ones every time."""
    rng = random.Random(0)
    equations = [c.lhs - c.rhs for c in conditions if isinstance(c, Eq)]
    for attempt in range(TRIES):
        solved, left = _eliminated(equations, rng)
        size = (1, 3, 12)[attempt % 3]
        at: dict[Expr, Expr] = {}
        for symbol in symbols:
            below = rng.choice(DENOMINATORS)
            at[symbol] = Rational(rng.randint(-size * below, size * below) or 1, below)
            if attempt % 2:
                at[symbol] = abs(at[symbol])
        if any(not e.free_symbols for e in left):
            continue
        if left:
            unknown = rng.choice(sorted(left[0].free_symbols, key=str))
            value = _root(left[0].xreplace({s: v for s, v in at.items() if s != unknown}), unknown, rng)
            if value is None:
                continue
            at[unknown] = value
        try:
            at |= {s: _number(v, at) for s, v in solved.items()}
            for x in f.state:
                if x not in solved:
                    at[x] = _number(_within(*_interval(conditions, x, at), at[x]), at)
        except _NoValueError:
            continue
        if all(_holds(c, at) for c in conditions):
            yield at


def agreement(f: Map, branch: Branch, *, points: int = POINTS) -> int | None:
    """Compare a branch with one to six direct steps at points where its conditions hold.

    Returns
    -------
    the number of points at which all agree, 0 where no point was found; None where one disagrees

    Examples
    --------
    >>> from symgrad.symbols import w, x
    >>> right = Branch((), (w**n * x,), ((w**n,),), ())
    >>> wrong = Branch((), (w**n * x,), ((w ** (n + 1),),), ())
    >>> agreement(Map(w * x, x), right), agreement(Map(w * x, x), wrong)
    (2, None)
    """
    free = {s for e in (*f.exprs, *branch.conditions) for s in e.free_symbols if isinstance(s, Symbol)}
    symbols = tuple(sorted(free | set(f.state), key=str))
    form = _compiled([*symbols, n], [*branch.iterates, *(e for row in branch.jacobian for e in row)])
    found = 0
    with mpmath.workdps(DIGITS):
        for at in _points(f, symbols, branch.conditions):
            try:
                if not _agree_at(f, form, symbols, at):
                    return None
            except _NoValueError:
                continue
            found += 1
            if found == points:
                break
    return found
