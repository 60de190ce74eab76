"""Short forms of an update, each proved equal to the definition; and where a quotient is not defined."""

from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from sympy import Abs, Expr, Max, Min, Pow, sign
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.derivation.identities import sign_proof, zero_proof
from symgrad.maps import ACTIVATIONS
from symgrad.maps.activations import step

LARGEST = 700


def _moduli_as_signs(expr: Expr) -> Expr:
    """Write every |u| outside of powers other than integer ones as u·sign(u)."""
    if isinstance(expr, Abs):
        return expr.args[0] * sign(expr.args[0])
    if not expr.args or (isinstance(expr, Pow) and not expr.exp.is_Integer):
        return expr
    return expr.func(*map(_moduli_as_signs, expr.args))


def _even_signs(expr: Expr) -> Expr:
    """Write sign(u)² as 1 and step(u)ᵏ as step(u), as they are where u is not 0."""

    def power(base: Expr, exponent: Expr) -> Expr:
        if exponent.is_Integer and isinstance(base, sign):
            return base ** (exponent % 2)
        return base if exponent.is_Integer and exponent > 0 and isinstance(base, step) else base**exponent

    return expr.replace(Pow, power)


def _without_signs(expr: Expr) -> Expr:
    """Reduce moduli and signs by sign(u)² = 1, and write u·sign(u) as |u| again."""
    if not expr.has(Abs, sign, step):
        return expr
    reduced = _even_signs(sympy.cancel(_even_signs(_moduli_as_signs(expr))))
    return reduced.replace(
        lambda e: e.is_Mul and any(isinstance(f, sign) and f.args[0] in e.args for f in e.args), _joined_moduli
    )


def _joined_moduli(product: Expr) -> Expr:
    for factor in product.args:
        if isinstance(factor, sign) and factor.args[0] in product.args:
            return product / factor / factor.args[0] * Abs(factor.args[0])
    return product


def forms(expr: Expr, start: Expr = sympy.S.Zero) -> Iterator[Expr]:
    """Yield other ways to write an expression; ``start`` is a summand that may stand alone, as x does in x - F/F'."""
    if expr.count_ops() > LARGEST:
        return
    try:
        tidy = _without_signs(expr)
        yield sympy.cancel(tidy)
        yield start + sympy.factor_terms(sympy.together(tidy - start))
        if start != 0:
            yield start + sympy.cancel(tidy - start)
        yield tidy
    except (BasePolynomialError, NotImplementedError, RecursionError):
        return


def shortest(expr: Expr, *, start: Expr = sympy.S.Zero, nonzero: Sequence[Expr] = ()) -> tuple[Expr, str]:
    """Return the shortest form that is proved equal to an expression, and the argument that proves it.

    Nothing is claimed where an expression of ``nonzero`` is 0.

    >>> from symgrad.symbols import x
    >>> shortest(x - (x**3 - 2*x + 2) / (3*x**2 - 2))[0]
    (2*x**3 - 2)/(3*x**2 - 2)
    """
    candidates = [c for c in dict.fromkeys(forms(expr, start)) if c.is_finite is not False and c != expr]
    for form in sorted(candidates, key=_length):
        if _length(form) > _length(expr):
            break
        if method := zero_proof(form - expr, nonzero=nonzero):
            return form, method
    return expr, "the definition itself"


def _length(expr: Expr) -> int:
    """Return the number of operations, two less where the expression is one fraction of polynomials."""
    return int(expr.count_ops()) - (0 if expr.is_Add or not expr.is_rational_function() else 2)


def kinks(expr: Expr) -> tuple[Expr, ...]:
    """Return expressions whose zeros are where the derivative of an expression is a convention.

    >>> from symgrad.symbols import x
    >>> kinks(Abs(x - 1) + Max(x, 2))
    (x - 1, x - 2)
    """
    found: dict[Expr, None] = {}
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, Abs | sign | step):
            found[node.args[0]] = None
        elif isinstance(node, Max | Min):
            found |= {a - b: None for i, a in enumerate(node.args) for b in node.args[:i]}
        elif isinstance(node, sympy.floor):
            found[sympy.sin(sympy.pi * node.args[0])] = None
        elif isinstance(node, sympy.Mod):
            found[sympy.sin(sympy.pi * node.args[0] / node.args[1])] = None
        elif (row := ACTIVATIONS.get(getattr(node.func, "__name__", ""))) is not None:
            found |= {node.args[0] - place: None for place in row.kinks}
    return never_zero_removed(found)


def divisors(expr: Expr) -> tuple[Expr, ...]:
    """Return the bases of the negative powers of an expression, outside in."""
    bases = (p.base for p in sympy.preorder_traversal(expr) if isinstance(p, Pow) and p.exp.could_extract_minus_sign())
    return tuple(dict.fromkeys(b for b in bases if b.free_symbols))


def zeros(expr: Expr) -> tuple[Expr, ...]:
    """Return the factors of a numerator that may vanish.

    >>> from symgrad.symbols import w, x
    >>> zeros(w * (x**2 - 1) ** 2 / (x**2 + 1))
    (w, x - 1, x + 1)
    """
    return never_zero_removed(_factors(sympy.fraction(sympy.together(expr))[0]))


def _factors(expr: Expr) -> tuple[Expr, ...]:
    try:
        parts = [f for f, _ in sympy.factor_list(expr)[1]] if expr.count_ops() <= LARGEST else [expr]
    except (BasePolynomialError, NotImplementedError, TypeError):  # TypeError: SymPy sorts by symbolic exponents
        parts = list(sympy.Mul.make_args(expr))
    return tuple(_bare(p) for p in parts)


def _bare(factor: Expr) -> Expr:
    """Return u for |u|, sign(u) and powers of u: they vanish together."""
    while isinstance(factor, Abs | sign) or (isinstance(factor, Pow) and not factor.exp.is_negative):
        factor = factor.args[0]
    return factor


def never_zero_removed(found: Any) -> tuple[Expr, ...]:
    """Return each expression once, without those that are proved to vanish nowhere."""
    kept: dict[Expr, None] = {}
    for expr in found:
        if expr.is_number or expr.is_nonzero or sign_proof(expr, strict=True) or sign_proof(-expr, strict=True):
            continue
        plain = expr.as_content_primitive()[1]
        if -plain not in kept:
            kept[plain] = None
    return tuple(kept)


def vanishes(expr: Expr) -> bool:
    """Say whether an expression is proved to be identically 0."""
    return zero_proof(expr) is not None
