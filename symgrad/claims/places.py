"""Where something changes inside an expression: zeros, kinks, jumps, poles and turning points, solved for exactly.

A place is only a candidate: whoever uses it decides exactly what happens there. Equations are inverted function by
function; where that fails, sign changes on a grid give rational numbers close to a zero.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, S, Symbol
from sympy.polys.polyerrors import BasePolynomialError

REFUSALS = (BasePolynomialError, NotImplementedError, ZeroDivisionError, ValueError, TypeError, RecursionError)
DEEPEST = 8
MOST = 24
LARGEST = 160
LARGEST_DEGREE = 12
LARGEST_SCALE = 64
BISECTIONS = 70
_HALF_PI = sympy.pi / 2
_ANGLES = tuple(_HALF_PI * j for j in (1, -1, 0, 2, -2, 3, 4))
_JUMPS = (sympy.floor, sympy.ceiling)
_CENTRED = (sympy.tanh, sympy.atan, sympy.erf, sympy.sinh, sympy.cosh, sympy.asinh, sympy.asin, sympy.acos)
_INVERSES: dict[object, Callable[[Expr], tuple[Expr, ...]]] = {
    sympy.exp: lambda c: (sympy.log(c),),
    sympy.log: lambda c: (sympy.exp(c),),
    sympy.sin: lambda c: (sympy.asin(c), sympy.pi - sympy.asin(c)),
    sympy.cos: lambda c: (sympy.acos(c), -sympy.acos(c)),
    sympy.tan: lambda c: (sympy.atan(c),),
    sympy.sinh: lambda c: (sympy.asinh(c),),
    sympy.cosh: lambda c: (sympy.acosh(c), -sympy.acosh(c)),
    sympy.tanh: lambda c: (sympy.atanh(c),),
    sympy.asin: lambda c: (sympy.sin(c),),
    sympy.acos: lambda c: (sympy.cos(c),),
    sympy.atan: lambda c: (sympy.tan(c),),
    sympy.asinh: lambda c: (sympy.sinh(c),),
    sympy.atanh: lambda c: (sympy.tanh(c),),
    sympy.Abs: lambda c: (c, -c),
}
_GRID = tuple(sign * 10.0 ** (e / 4) * 1.013 for sign in (-1, 1) for e in range(-16, 17))


def solutions(expr: Expr, x: Symbol, value: Expr = S.Zero, depth: int = DEEPEST) -> list[Expr]:
    """Return real numbers at which an expression of ``x`` alone may have a value.

    >>> from symgrad.symbols import x
    >>> solutions(sympy.exp(x) - 2, x), solutions(x**4 - 4 * x**2 + 4, x)
    ([log(2)], [-sqrt(2), sqrt(2)])
    """
    if depth == 0 or expr.free_symbols != {x}:
        return []
    if expr == x:
        return [value]
    if expr.is_polynomial(x):
        return _roots(expr - value, x)
    if isinstance(expr, Add):
        return _of_sum(expr, x, value, depth)
    if isinstance(expr, Mul):
        return _of_product(expr, x, value, depth)
    if isinstance(expr, Pow) and expr.base != S.Exp1:
        return _of_power(expr, x, value, depth)
    base_function = sympy.exp if isinstance(expr, Pow) else expr.func
    inner = expr.exp if isinstance(expr, Pow) else expr.args[0]
    inverse = _INVERSES.get(base_function)
    if inverse is None or (isinstance(expr, sympy.exp) and value.is_nonpositive):
        return []
    found = [c for c in inverse(value) if c.is_real and c.is_finite]
    return _distinct([s for c in found for s in solutions(inner, x, c, depth - 1)])


def _roots(polynomial: Expr, x: Symbol) -> list[Expr]:
    if _has_high_power(polynomial):
        return []
    poly = sympy.Poly(polynomial, x)
    if not 0 < poly.degree() <= LARGEST_DEGREE:
        return []
    if poly.degree() == 1:
        return [-poly.nth(0) / poly.nth(1)]
    if poly.domain.is_QQ or poly.domain.is_ZZ:
        return [sympy.radsimp(r) for r in dict.fromkeys(sympy.real_roots(poly))]
    if poly.degree() == 2:
        a, b, c = poly.all_coeffs()
        inside = b**2 - 4 * a * c
        both = [(-b + s * sympy.sqrt(inside)) / (2 * a) for s in (1, -1)]
        return [r for r in both if inside.is_nonnegative]
    return []


def _has_high_power(expr: Expr) -> bool:
    """Say whether dense polynomials in the parts of an expression would be too long."""
    inside = [p.exp for p in expr.atoms(Pow, sympy.exp) if p.exp.free_symbols or isinstance(p, sympy.exp)]
    scales = [q for exponent in inside for q in exponent.atoms(Rational)]
    powers = [p.exp for p in expr.atoms(Pow) if p.exp.is_Integer]
    return any(abs(p) > LARGEST_DEGREE for p in powers) or any(max(abs(q.p), q.q) > LARGEST_SCALE for q in scales)


def _of_sum(expr: Expr, x: Symbol, value: Expr, depth: int) -> list[Expr]:
    rest, moving = expr.as_independent(x, as_Add=True)
    if not isinstance(moving, Add):
        return solutions(moving, x, value - rest, depth - 1)
    generators = {a for a in moving.atoms(sympy.Function, sympy.exp, Pow) if x in a.free_symbols}
    for generator in sorted(generators, key=sympy.count_ops):
        if isinstance(generator, Pow) and generator.exp.is_Integer:
            continue
        g = sympy.Dummy("g", real=True)
        poly = (expr - value).subs(generator, g)
        if poly.free_symbols == {g} and not _has_high_power(poly) and poly.is_polynomial(g):
            return _distinct([s for r in _roots(poly, g) for s in solutions(generator, x, r, depth - 1)])
    if _has_high_power(expr):
        return []
    together = sympy.together(expr - value)
    above, below = sympy.fraction(together)
    if below.free_symbols:
        return solutions(sympy.expand(above), x, S.Zero, depth - 1)
    factored = sympy.factor(expr - value)
    return _of_product(factored, x, S.Zero, depth - 1) if isinstance(factored, Mul) else []


def _of_product(expr: Expr, x: Symbol, value: Expr, depth: int) -> list[Expr]:
    rest, moving = expr.as_independent(x, as_Add=False)
    if not isinstance(moving, Mul):
        return solutions(moving, x, value / rest, depth - 1)
    if value != 0:
        return []
    return _distinct([s for factor in moving.args for s in solutions(factor, x, S.Zero, depth - 1)])


def _of_power(expr: Expr, x: Symbol, value: Expr, depth: int) -> list[Expr]:
    if x in expr.exp.free_symbols:
        bases = expr.base.is_positive and x not in expr.base.free_symbols and value.is_positive
        return solutions(expr.exp, x, sympy.log(value) / sympy.log(expr.base), depth - 1) if bases else []
    if not expr.exp.is_Rational or (value == 0 and expr.exp < 0) or (value.is_negative and expr.exp.q != 1):
        return []
    if value.is_negative:
        return [] if expr.exp.p % 2 == 0 else solutions(expr.base, x, -((-value) ** (1 / expr.exp)), depth - 1)
    root = value ** (1 / expr.exp)
    both = (root, -root) if expr.exp.p % 2 == 0 else (root,)
    return _distinct([s for c in both for s in solutions(expr.base, x, c, depth - 1)])


def _distinct(found: list[Expr]) -> list[Expr]:
    return list(dict.fromkeys(found))[:MOST]


def changes(expr: Expr, x: Symbol) -> list[tuple[Expr, Expr]]:
    """Return (part, value): where a part of ``x`` alone takes the value, something about the expression changes."""
    found: list[tuple[Expr, Expr]] = []
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, Expr) and x in node.free_symbols:
            found += _changes_of(node)
        elif isinstance(node, sympy.core.relational.Relational) and x in node.free_symbols:
            found.append((node.lhs - node.rhs, S.Zero))
    return [(part, value) for part, value in dict.fromkeys(found) if part.free_symbols == {x}]


def _changes_of(node: Expr) -> list[tuple[Expr, Expr]]:
    if isinstance(node, Pow) and node.base != S.Exp1:
        plain = node.exp.is_Integer and node.exp > 0 and node.exp % 2 == 1
        return [] if plain or not node.base.free_symbols else [(node.base, S.Zero)]
    if isinstance(node, sympy.exp | Pow):
        return [(node.exp, S.Zero)]
    if isinstance(node, sympy.Max | sympy.Min):
        return [(a - b, S.Zero) for i, a in enumerate(node.args) for b in node.args[:i]]
    if isinstance(node, (sympy.Abs, sympy.sign, sympy.Heaviside, *_CENTRED)):
        ends = (1, -1) if isinstance(node, sympy.asin | sympy.acos) else ()
        return [(node.args[0], Integer(v)) for v in (0, *ends)]
    if isinstance(node, _JUMPS):
        return [(node.args[0], Integer(v)) for v in (0, 1, -1, 2)]
    if isinstance(node, sympy.Mod):
        return [(node.args[0] / node.args[1], Integer(v)) for v in (1, 0, -1, 2)]
    if isinstance(node, sympy.sin | sympy.cos | sympy.tan):
        return [(node.args[0], angle) for angle in _ANGLES]
    if isinstance(node, sympy.log):
        return [(node.args[0], S.One), (node.args[0], S.Zero)]
    if isinstance(node, sympy.atanh):
        return [(node.args[0], Integer(v)) for v in (0, 1, -1)]
    return []


def places(expr: Expr, x: Symbol) -> Iterator[Expr]:
    """Yield numbers at which an expression of ``x`` alone changes, exact where the equation could be inverted.

    >>> from symgrad.symbols import x
    >>> list(places(sympy.exp(-((x - 7) ** 2)), x))
    [7]
    """
    if sympy.count_ops(expr) > LARGEST:
        return
    parts = changes(expr, x)
    if expr.free_symbols == {x}:
        parts = [(expr, S.Zero), *parts]
        if not expr.has(sympy.Max, sympy.Min, sympy.Piecewise, *_JUMPS, sympy.Mod):
            slope = sympy.diff(expr, x)
            parts.append((slope, S.Zero))
    seen: set[Expr] = set()
    for part, value in parts[:MOST]:
        found = [s for s in _tried(part, x, value) if s.is_real and not s.has(sympy.AccumBounds)]
        found = found or [s for s in _near_zeros(part - value, x) if not part.is_polynomial(x)]
        for solved in found:
            if solved not in seen and len(seen) < MOST:
                seen.add(solved)
                yield solved


def _tried(part: Expr, x: Symbol, value: Expr) -> list[Expr]:
    try:
        return solutions(part, x, value)
    except REFUSALS:
        return []


def _near_zeros(expr: Expr, x: Symbol) -> list[Expr]:
    """Return rational numbers next to sign changes on a grid."""
    if expr.atoms(Symbol) != {x} or expr.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta):
        return []
    try:
        value = _as_floats(expr, x)
    except (*REFUSALS, KeyError, AttributeError, SyntaxError):
        return []
    heights = [(u, value(u)) for u in sorted(_GRID)]
    found: list[Expr] = []
    for (a, low), (b, high) in pairwise(heights):
        if low is not None and high is not None and (low < 0) != (high < 0) and len(found) < 6:
            found.append(_bisected(value, a, b, low < 0))
    return found


def _bisected(value: Callable[[float], float | None], a: float, b: float, rises: bool) -> Rational:
    for _ in range(BISECTIONS):
        middle = (a + b) / 2
        height = value(middle)
        if height is None or middle in (a, b):
            break
        a, b = (middle, b) if (height < 0) == rises else (a, middle)
    return Rational((a + b) / 2).limit_denominator(2**45)


def _as_floats(expr: Expr, x: Symbol) -> Callable[[float], float | None]:
    plain = Symbol("u", real=True)
    function = sympy.lambdify(plain, expr.xreplace({x: plain}), "math")

    def value(u: float) -> float | None:
        try:
            found = function(u)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError, NameError):
            return None
        return float(found) if isinstance(found, int | float) and math.isfinite(found) else None

    return value
