"""Square roots of perfect squares, found by half angles, Pythagoras or an inner root, and proved by squaring."""

from collections.abc import Iterator

import sympy
from sympy import Abs, Expr, Mul, Pow

from symgrad.derivation.identities.proofs import zero_proof

LARGEST = 40
_CIRCULAR = (sympy.sin, sympy.cos, sympy.tan, sympy.sinh, sympy.cosh, sympy.tanh)


def without_square_roots(expr: Expr) -> Expr:
    """Return an expression in which roots of squares are moduli, each after a proof that the squares agree.

    >>> from symgrad.symbols import x
    >>> without_square_roots(sympy.sqrt(1 - sympy.sin(x) ** 2))
    Abs(cos(x))
    """
    found: dict[Expr, Expr] = {}
    for root in expr.atoms(Pow):
        half = root.exp.is_Rational and root.exp.q == 2
        if half and root.base.free_symbols and sympy.count_ops(root.base) <= LARGEST:
            value = _root(root.base)
            if value is not None:
                found[root] = value**root.exp.p
    return expr.xreplace(found)


def _root(u: Expr) -> Expr | None:
    """Return v >= 0 with v**2 = u, proved, or None."""
    if not u.has(*_CIRCULAR) and not any(_is_root(p) for p in u.atoms(Pow)):
        return None
    for form in _forms(u):
        product = sympy.factor(form)
        value = _square_root(product)
        if value is not None and zero_proof(product - u):
            return value
    return None


def _is_root(power: Expr) -> bool:
    return bool(power.exp.is_Rational and power.exp.q == 2 and power.base.free_symbols)


def _forms(u: Expr) -> Iterator[Expr]:
    yield u.replace(sympy.cos, lambda w: 1 - 2 * sympy.sin(w / 2) ** 2)
    yield u.replace(sympy.cos, lambda w: 2 * sympy.cos(w / 2) ** 2 - 1)
    yield u.replace(sympy.cosh, lambda w: 1 + 2 * sympy.sinh(w / 2) ** 2)
    yield u.replace(sympy.cosh, lambda w: 2 * sympy.cosh(w / 2) ** 2 - 1)
    for power in u.atoms(Pow):
        pairs = {
            sympy.sin: lambda w: 1 - sympy.cos(w) ** 2,
            sympy.cos: lambda w: 1 - sympy.sin(w) ** 2,
            sympy.sinh: lambda w: sympy.cosh(w) ** 2 - 1,
            sympy.cosh: lambda w: sympy.sinh(w) ** 2 + 1,
            sympy.tan: lambda w: sympy.cos(w) ** -2 - 1,
            sympy.tanh: lambda w: 1 - sympy.cosh(w) ** -2,
        }
        inverses = {
            sympy.sin: lambda w: 1 + (sympy.cos(w) / sympy.sin(w)) ** 2,
            sympy.cos: lambda w: 1 + sympy.tan(w) ** 2,
            sympy.cosh: lambda w: 1 - sympy.tanh(w) ** 2,
            sympy.sinh: lambda w: (sympy.cosh(w) / sympy.sinh(w)) ** 2 - 1,
        }
        rules = {2: pairs, -2: inverses}.get(power.exp, {})
        if power.base.func in rules:
            yield sympy.expand(u.xreplace({power: rules[power.base.func](power.base.args[0])}))
        elif _is_root(power) and power.exp.p == 1:
            yield from _in_inner_root(u, power)


def _in_inner_root(u: Expr, root: Expr) -> Iterator[Expr]:
    """Yield u with a symbol written by the root of a linear expression in it, factored, and the root put back."""
    s = sympy.Dummy("s", positive=True)
    for x in root.base.free_symbols:
        slope = root.base.diff(x)
        if slope.is_Rational and slope != 0:
            written = sympy.factor(u.xreplace({root: s}).subs(x, x + (s**2 - root.base) / slope))
            if x not in written.free_symbols:
                yield written.subs(s, root)


def _is_sum_of_roots(expr: Expr) -> bool:
    """Say whether an expression is at least 0 as a sum of positive numbers and multiples of square roots."""
    terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(expr)]
    return all(c.is_positive and (part == 1 or (isinstance(part, Pow) and _is_root(part))) for c, part in terms)


def _square_root(product: Expr) -> Expr | None:
    value: Expr = sympy.S.One
    for factor in Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        if factor.is_Rational and factor.is_positive:
            value *= sympy.sqrt(factor)
        elif exponent.is_Integer and exponent % 2 == 0:
            value *= (base if _is_sum_of_roots(base) else Abs(base)) ** (exponent // 2)
        else:
            return None
    return value
