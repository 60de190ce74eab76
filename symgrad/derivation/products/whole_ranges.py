"""The sign of a formula at every m = 0, 1, 2, …, proved: one by one at first, by one argument from some m on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

from symgrad.derivation.identities.proofs import sign_proof
from symgrad.derivation.products.constants import NoIntervalError, enclose, interval, sign_of, sign_of_interval
from symgrad.derivation.products.residues import step

STARTS = (0, 1, 2, 4, 8, 16, 64, 256)
LONGEST_HEAD = 20_000

_ODD = ("atan", "tanh", "sinh", "erf", "asinh", "sign")
_ODD_NEAR_ZERO = {"sin": 3, "tan": sympy.Rational(3, 2), "asin": 1, "atanh": 1}
"""Functions with the sign of their argument while its size is at most this."""


@dataclass(frozen=True)
class Signs:
    """The signs of a formula at m = 0, 1, 2, ….

    Parameters
    ----------
    head : the first signs, None where there are too many to list
    tail : the sign of all others
    zeros : where it vanishes
    """

    head: tuple[int, ...] | None
    tail: int
    zeros: tuple[int, ...]

    @property
    def all(self) -> frozenset[int]:
        """Every sign that occurs; a long head is taken to have all."""
        return frozenset((-1, 0, 1)) if self.head is None else frozenset((*self.head, self.tail))

    def at(self, m: int) -> int:
        """Return the sign at one m of a listed head or of the tail."""
        return self.head[m] if self.head is not None and m < len(self.head) else self.tail


def listed(head: tuple[int, ...], tail: int) -> Signs | None:
    """Return the table of listed signs; a formula that vanishes for good has none."""
    return Signs(head, tail, tuple(m for m, s in enumerate(head) if s == 0)) if tail else None


def signs(expr: Expr) -> Signs | None:
    """Return the proven signs of a formula in ``step`` at every m ≥ 0, None where there is no proof.

    >>> signs((step - 3) / (step + 1)).head
    (-1, -1, -1, 0)
    """
    if not expr.has(step):
        constant = sign_of(expr)
        return listed((), constant) if constant else None
    if expr.is_Mul:
        return _product([signs(a) for a in expr.args])
    if isinstance(expr, sympy.exp):
        return listed((), 1)
    if expr.is_Pow:
        return _power(expr)
    if expr.is_Function:
        found = _function(expr)
        if found is not None:
            return found
    if expr.is_rational_function(step):
        return _rational(expr)
    return _sum(expr)


def _combined(operation: Callable[[Any], int], tables: list[Signs | None]) -> Signs | None:
    known = [t for t in tables if t is not None]
    if len(known) < len(tables) or any(t.head is None for t in known):
        return None
    length = max(len(t.head or ()) for t in known)
    head = tuple(operation([t.at(m) for t in known]) for m in range(length))
    return listed(head, operation([t.tail for t in known]))


def _product(tables: list[Signs | None]) -> Signs | None:
    known = [t for t in tables if t is not None]
    if len(known) < len(tables):
        return None
    if any(t.head is None for t in known):
        tail = int(sympy.prod([t.tail for t in known]))
        return Signs(None, tail, tuple(sorted({z for t in known for z in t.zeros})))
    return _combined(lambda values: int(sympy.prod(values)), tables)


def _power(expr: Expr) -> Signs | None:
    table = signs(expr.base)
    if table is None:
        return None
    if expr.exp.is_Integer:
        odd = bool(expr.exp % 2)
        if table.head is None:
            return Signs(None, table.tail if odd else 1, table.zeros)
        return _combined(lambda values: values[0] if odd else abs(values[0]), [table])
    return table if table.all <= {0, 1} else None


def _function(expr: Expr) -> Signs | None:
    name, u = expr.func.__name__, expr.args[0]
    if name == "log":
        table = signs(u)
        return _combined(lambda v: v[0], [signs(u - 1)]) if table is not None and table.all == {1} else None
    if name == "Abs":
        return _combined(lambda v: abs(v[0]), [signs(u)])
    if name == "cosh":
        return listed((), 1)
    if name in _ODD:
        return signs(u)
    if name in _ODD_NEAR_ZERO:
        return _near_zero(u, _ODD_NEAR_ZERO[name])
    if name in ("Max", "Min"):
        return _combined(max if name == "Max" else min, [signs(a) for a in expr.args])
    return None


def _near_zero(u: Expr, bound: Expr) -> Signs | None:
    """Return the signs of the argument where it is proved to stay in the range between -bound and bound."""
    try:
        inside = enclose(u, step, interval(0, "inf"))
    except NoIntervalError:
        return None
    return signs(u) if -float(bound) <= inside.a and inside.b <= float(bound) else None


def _rational(expr: Expr) -> Signs | None:
    top, bottom = sympy.fraction(sympy.cancel(sympy.together(expr)))
    constant, factors = sympy.factor_list(top * bottom, step)
    sign = sign_of(constant)
    if not sign:
        return None
    tables = [_polynomial(sympy.Poly(f, step)) for f, e in factors for _ in range(e)]
    return _product([listed((), sign), *tables])


def _polynomial(polynomial: sympy.Poly) -> Signs | None:
    if not polynomial.get_domain().is_QQ and not polynomial.get_domain().is_ZZ:
        return _sum(polynomial.as_expr())
    if polynomial.degree() < 1:
        return listed((), int(sympy.sign(polynomial.LC())))
    roots = [r for r in polynomial.real_roots() if sign_of(r) != -1]
    tail = int(sympy.sign(polynomial.LC()))
    length = int(sympy.floor(max(roots))) + 1 if roots else 0
    if length > LONGEST_HEAD:
        return Signs(None, tail, tuple(sorted({int(r) for r in roots if r.is_Integer})))
    return listed(tuple(int(sympy.sign(polynomial.eval(m))) for m in range(length)), tail)


def _sum(expr: Expr) -> Signs | None:
    """Return the signs of a formula by interval arithmetic, or by an algebraic proof for all m from some on."""
    if expr.is_Add and len(expr.args) == 2:
        found = _of_two(*expr.args)
        if found is not None:
            return found
    for start in STARTS:
        tail = _sign_from(expr, start)
        if tail:
            head = tuple(_sign_at(expr, m) for m in range(start))
            known = [s for s in head if s is not None]
            return listed(tuple(known), tail) if len(known) == len(head) else None
    return None


def _of_two(u: Expr, v: Expr) -> Signs | None:
    """Return the signs of u + v: their common sign, or by u² - v² = (u + v)(u - v) where they have opposite ones."""
    first, second = signs(u), signs(v)
    if first is None or second is None or len(first.all) > 1 or len(second.all) > 1:
        return None
    if first.tail == second.tail:
        return first
    difference = sympy.expand(u**2 - v**2)
    if not difference.is_rational_function(step):
        return None
    return _product([signs(difference), listed((), first.tail)])


def _sign_from(expr: Expr, start: int) -> int | None:
    try:
        found = sign_of_interval(enclose(expr, step, interval(start, "inf")))
        if found:
            return found
    except NoIntervalError:
        pass
    if start not in (0, 1, 4):
        return None
    t = sympy.Symbol("t", positive=True)
    shifted = expr.xreplace({step: t + start})
    first = _sign_at(expr, start)
    for turn in (1, -1):
        if first == turn and sign_proof(turn * shifted, strict=True) is not None:
            return turn
    return None


def _sign_at(expr: Expr, m: int) -> int | None:
    value = expr.subs(step, m)
    return sign_of(value) if value.is_finite and value.is_real is not False else None


__all__ = ["Signs", "listed", "signs"]
