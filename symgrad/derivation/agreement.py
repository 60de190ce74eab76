"""A closed form against direct iteration, exactly where the numbers are rational and to many digits elsewhere."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy
from sympy import Abs, Eq, Expr, Float, Matrix, Max, Min, Rational, S, Symbol, sign

from symgrad.derivation.induction import Branch
from symgrad.maps import Map, expand_activations
from symgrad.symbols import n

DEPTHS = range(1, 7)
DIGITS = 60
TOLERANCE = Float("1e-35", DIGITS)
TRIES = 60
POINTS = 2
DENOMINATORS = (1, 3, 5, 7, 11)

Point = Mapping[Expr, Expr]


class _NoValueError(Exception):
    """An expression has no finite real value at a point."""


def _number(expr: Expr, at: Point) -> Expr:
    value = expr.xreplace(at)
    if not value.is_Rational:
        value = value.evalf(DIGITS)
        real, imaginary = value.as_real_imag()
        value = real if imaginary.is_finite and abs(imaginary) < TOLERANCE else value
    if not value.is_Number or value.is_finite is not True:
        raise _NoValueError
    return value


def _same(a: Expr, b: Expr) -> bool:
    if a.is_Rational and b.is_Rational:
        return bool(a == b)
    return bool(abs(a - b) <= TOLERANCE * max(S.One, abs(a)))


def _holds(relation: Any, at: Point) -> bool:
    try:
        left, right = _number(relation.lhs, at), _number(relation.rhs, at)
    except _NoValueError:
        return False
    return _same(left, right) if isinstance(relation, Eq) else bool(relation.func(left, right))


def _direct(f: Map, at: dict[Expr, Expr]) -> Iterator[tuple[list[Expr], Any]]:
    """Yield the state and the product of the Jacobians after each step."""
    exprs = [expand_activations(e) for e in f.exprs]
    slopes = [[expand_activations(e) for e in row] for row in f.jacobian]
    kinks = [m for e in exprs for m in e.atoms(Abs, sign, Max, Min)]
    product = Matrix.eye(f.dimension)
    for _ in DEPTHS:
        for kink in kinks:
            if _number(kink.args[0] - (kink.args[1] if len(kink.args) > 1 else 0), at) == 0:
                raise _NoValueError
        product = Matrix([[_number(e, at) for e in row] for row in slopes]) * product
        state = [_number(e, at) for e in exprs]
        at = {**at, **dict(zip(f.state, state, strict=True))}
        yield state, product


def _agree_at(f: Map, branch: Branch, at: dict[Expr, Expr]) -> bool:
    """Say whether the branch equals direct iteration at a point; raise where the orbit has no value there."""
    path = list(_direct(f, at))
    for depth, (state, product) in zip(DEPTHS, path, strict=True):
        here = {**at, n: sympy.Integer(depth)}
        try:
            values = [_number(e, here) for e in branch.iterates]
            slopes = [_number(e, here) for row in branch.jacobian for e in row]
        except _NoValueError:
            return False
        if not all(_same(a, b) for a, b in zip([*state, *product], [*values, *slopes], strict=True)):
            return False
    return True


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
            left.append(rest)
    return solved, left


def _root(equation: Expr, symbol: Symbol, rng: random.Random) -> Expr | None:
    """Return a real value of a symbol at which an equation in it alone holds, None where none is found."""
    candidates = [c for c in (S.One, S.NegativeOne, S.Zero) if _holds(Eq(equation, 0, evaluate=False), {symbol: c})]
    if not candidates and equation.is_polynomial(symbol):
        try:
            roots = sympy.Poly(equation, symbol).nroots(n=DIGITS, maxsteps=200)
        except (sympy.PolynomialError, ValueError, sympy.polys.polyerrors.DomainError):
            return None
        candidates = [r for r in roots if r.is_real]
    return rng.choice(candidates) if candidates else None


def _points(symbols: Sequence[Symbol], conditions: Sequence[Any]) -> Iterator[dict[Expr, Expr]]:
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
        if left:
            unknown = rng.choice(sorted(left[0].free_symbols, key=str))
            value = _root(left[0].xreplace({s: v for s, v in at.items() if s != unknown}), unknown, rng)
            if value is None:
                continue
            at[unknown] = value
        try:
            at |= {s: _number(v, at) for s, v in solved.items()}
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
    found = 0
    for at in _points(sorted(free | set(f.state), key=str), branch.conditions):
        try:
            if not _agree_at(f, branch, at):
                return None
        except _NoValueError:
            continue
        found += 1
        if found == points:
            break
    return found
