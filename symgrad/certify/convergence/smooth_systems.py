"""Equations with their first and second derivatives on boxes of real or complex numbers, and where they are smooth."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, TypeAlias

import sympy
from flint import acb, acb_mat, arb, arb_mat, fmpq
from sympy import Expr, I, Symbol

from symgrad.certify.balls import Ball, enclose
from symgrad.certify.complex_balls import complex_value
from symgrad.certify.refusals import UnclearError, UndefinedHere
from symgrad.errors import InputError
from symgrad.maps import differentiate, entered, expand_activations
from symgrad.symbols import real

Number: TypeAlias = Any  # arb, or acb where the domain is complex
Matrix: TypeAlias = Any  # arb_mat or acb_mat

ENTIRE = frozenset("exp sin cos sinh cosh tan cot sec csc tanh coth sech csch erf".split())
CUT = frozenset({"log"})


@dataclass(frozen=True)
class SmoothSystem:
    """As many equations as unknowns; every value is a ball that holds all values on the box asked for.

    Parameters
    ----------
    equations : expressions of the unknowns alone, each to become 0
    unknowns : their symbols
    domain : "real" or "complex"
    """

    equations: tuple[Expr, ...]
    unknowns: tuple[Symbol, ...]
    domain: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the unknowns."""
        return tuple(s.name for s in self.unknowns)

    @cached_property
    def jacobian(self) -> tuple[tuple[Expr, ...], ...]:
        """∂F_i/∂x_j."""
        return tuple(tuple(_derivative(e, s) for s in self.unknowns) for e in self.equations)

    @cached_property
    def hessians(self) -> tuple[dict[tuple[int, int], Expr], ...]:
        """∂²F_i/∂x_j∂x_k for j ≤ k, without those that are identically 0."""
        pairs = list(combinations_with_replacement(range(len(self.unknowns)), 2))
        rows = [{(j, k): _derivative(row[j], self.unknowns[k]) for j, k in pairs} for row in self.jacobian]
        return tuple({pair: e for pair, e in row.items() if e != 0} for row in rows)

    def values(self, box: Sequence[Number], bits: int) -> list[Number] | None:
        """Return F on a box, None where it may be undefined there."""
        return self._several(self.equations, box, bits)

    def slopes(self, box: Sequence[Number], bits: int) -> list[list[Number]] | None:
        """Return the Jacobian on a box, None where it may be undefined there."""
        entries = self._several([e for row in self.jacobian for e in row], box, bits)
        count = len(self.unknowns)
        return None if entries is None else [entries[i * count : (i + 1) * count] for i in range(count)]

    def curvatures(self, box: Sequence[Number], bits: int) -> list[dict[tuple[int, int], Number]] | None:
        """Return the second derivatives on a box, None where they may be undefined there."""
        flat = self._several([e for row in self.hessians for e in row.values()], box, bits)
        if flat is None:
            return None
        rest = iter(flat)
        return [{pair: next(rest) for pair in row} for row in self.hessians]

    def is_smooth_on(self, box: Sequence[Number], bits: int) -> bool:
        """Say whether F certainly has no jump and no singularity on a box with interior.

        Kinks and jumps below them are seen by the derivatives: a derivative almost everywhere that is bounded on the
        box and belongs to a continuous function is a Lipschitz bound of it.
        """
        where = dict(zip(self.unknowns, box, strict=True))
        if self.values(box, bits) is None:
            return False
        try:
            return all(_is_continuous(node, where, bits, self.domain) for e in self.equations for node in _nodes(e))
        except (UndefinedHere, UnclearError):
            return False

    def matrix(self, rows: Sequence[Sequence[Number]]) -> Matrix:
        """Return a matrix of balls over the domain."""
        return arb_mat(rows) if self.domain == "real" else acb_mat(rows)

    def _several(self, exprs: Sequence[Expr], box: Sequence[Number], bits: int) -> list[Number] | None:
        where = dict(zip(self.unknowns, box, strict=True))
        try:
            found = [_value(e, where, bits, self.domain) for e in exprs]
        except (UndefinedHere, UnclearError, ZeroDivisionError):
            return None
        return found if all(v.is_finite() for v in found) else None


def _derivative(expr: Expr, symbol: Symbol) -> Expr:
    return expand_activations(differentiate(expr, symbol))


def _value(expr: Expr, where: dict[Symbol, Number], bits: int, domain: str) -> Number:
    if domain == "complex":
        return acb(complex_value(expr, where))
    return enclose(expr, {s: Ball(v) for s, v in where.items()}, bits=bits).value


def _nodes(expr: Expr) -> list[Expr]:
    return [node for node in sympy.preorder_traversal(expr) if node.args]


def _is_continuous(node: Expr, where: dict[Symbol, Number], bits: int, domain: str) -> bool:
    """Say whether a function is continuous (real) or analytic (complex) for all its arguments on a box."""
    if domain == "real":
        if not isinstance(node, sympy.atan2):
            return True
        y, x = (_value(a, where, bits, domain) for a in node.args)
        return bool(x > 0) or not bool(y.contains(0))
    name = node.func.__name__
    if isinstance(node, sympy.Add | sympy.Mul) or name in ENTIRE:
        return True
    if isinstance(node, sympy.Pow) and node.exp.is_Integer:
        return True
    if isinstance(node, sympy.Pow) or name in CUT:
        base = _value(node.args[0], where, bits, domain)
        return bool(base.real > 0) or not bool(base.imag.contains(0))
    return False


def smooth_system(equations: Any, variables: Any, *, domain: str = "real") -> SmoothSystem:
    """Read equations (text or expressions, each to become 0) in as many unknowns.

    Raises
    ------
    InputError : other symbols occur, or the numbers of equations and unknowns differ

    Examples
    --------
    >>> smooth_system(["x**2 + y - 1", "x - y"], ["x", "y"]).jacobian
    ((2*x, 1), (1, -1))
    """
    given = equations if isinstance(equations, Sequence) and not isinstance(equations, str) else [equations]
    named = variables if isinstance(variables, Sequence) and not isinstance(variables, str) else [variables]
    unknowns = tuple(real(str(v)) if domain == "real" else Symbol(str(v)) for v in named)
    plain = []
    for expr in given:
        own = entered(expr, domain)
        renamed = {s: real(s.name) if domain == "real" else Symbol(s.name) for s in own.free_symbols}
        plain.append(expand_activations(own.xreplace(renamed)))
    if others := sorted({s.name for e in plain for s in e.free_symbols} - {s.name for s in unknowns}):
        raise InputError(
            f"{others[0]} has no value; a certificate needs numbers for all but {', '.join(map(str, named))}"
        )
    if len(plain) != len(unknowns):
        raise InputError(f"{len(plain)} equations were given for {len(unknowns)} unknowns; give as many as unknowns")
    return SmoothSystem(tuple(plain), unknowns, domain)


def read_system(equations: Any, variables: Any, start: Any) -> tuple[SmoothSystem, list[Number]]:
    """Read a system with the start of Newton's method; it is complex where the start or an equation is.

    Real numbers are read exactly: floats as the binary number they are, text as the decimal it states.
    """
    several = hasattr(start, "__iter__") and not isinstance(start, str)
    parts = [_parts(value) for value in (start if several else [start])]
    given = equations if isinstance(equations, Sequence) and not isinstance(equations, str) else [equations]
    imaginary = any(b != 0 for _, b in parts) or any(entered(e, "complex").has(I) for e in given)
    system = smooth_system(equations, variables, domain="complex" if imaginary else "real")
    if len(parts) != len(system.unknowns):
        raise InputError(f"{len(parts)} start values were given for {len(system.unknowns)} unknowns; give one for each")
    return system, [acb(arb(a), arb(b)) if imaginary else arb(a) for a, b in parts]


def _parts(value: Any) -> tuple[fmpq, fmpq]:
    """Return the exact real and imaginary part of a finite number."""
    try:
        if isinstance(value, str):
            value = entered(value, "complex")
        if isinstance(value, Expr):
            pair = [sympy.Rational(part) for part in value.as_real_imag()]
        else:
            pair = [value, 0] if isinstance(value, Fraction) else [value.real, value.imag]
        return _fraction(pair[0]), _fraction(pair[1])
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(f"a start is a finite number, got {str(value)[:60]!r}; give e.g. 0.5 or '1/3'") from error


def _fraction(value: Any) -> fmpq:
    if isinstance(value, sympy.Rational):
        return fmpq(int(value.p), int(value.q))
    exact = Fraction(value)
    return fmpq(exact.numerator, exact.denominator)


def ball_around(center: Sequence[Number], radius: arb) -> list[Number]:
    """Return a box that contains the ball of the maximum norm around every point of a box."""
    spread = arb(0, arb(radius.upper()))
    return [c + (acb(spread, spread) if isinstance(c, acb) else spread) for c in center]


def size(values: Sequence[Number]) -> arb:
    """Return an upper bound of the maximum norm."""
    bounds = [arb(abs(v).upper()) for v in values]
    largest = bounds[0]
    for bound in bounds[1:]:
        largest = bound if bool(bound > largest) else largest
    return largest


def newton_step(system: SmoothSystem, box: Sequence[Number], bits: int) -> tuple[list[Number], Matrix] | None:
    """Return -F'(x)⁻¹F(x) and F'(x)⁻¹ for all points of a small box, None where F' may be singular."""
    values, slopes = system.values(box, bits), system.slopes(box, bits)
    if values is None or slopes is None:
        return None
    try:
        inverse = system.matrix(slopes).inv()
    except (ZeroDivisionError, ValueError):
        return None
    moved = inverse * system.matrix([[v] for v in values])
    step = [-moved[i, 0] for i in range(len(box))]
    return (step, inverse) if all(s.is_finite() for s in step) else None


def lipschitz(system: SmoothSystem, inverse: Matrix, box: Sequence[Number], bits: int) -> tuple[arb, arb] | None:
    """Return Lipschitz bounds of F' and of inverse·F' on a box, in the maximum norm; None where there is none."""
    if system.slopes(box, bits) is None or (curved := system.curvatures(box, bits)) is None:
        return None
    count = len(box)
    pairs = sorted({pair for row in curved for pair in row})
    zero = arb(0)
    plain, scaled = [zero], [zero]
    for i in range(count):
        own, mixed = arb(0), arb(0)
        for j, k in pairs:
            weight = 1 if j == k else 2
            own += weight * arb(abs(curved[i].get((j, k), zero)).upper())
            sum_ = sum((inverse[i, m] * curved[m][j, k] for m in range(count) if (j, k) in curved[m]), zero)
            mixed += weight * arb(abs(sum_).upper())
        plain.append(own)
        scaled.append(mixed)
    return size(plain), size(scaled)
