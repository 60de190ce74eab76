"""Residuals of several unknowns with derivatives derived by symbols, evaluated in float64 or in many digits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, Symbol

from symgrad.errors import InputError
from symgrad.maps import differentiate, entered, expand_activations
from symgrad.symbols import real


class NoValue(ArithmeticError):
    """The residuals have no finite real value at the point."""


@dataclass(frozen=True)
class Residuals:
    """Expressions r_1, …, r_m of n unknowns.

    Parameters
    ----------
    exprs : the residuals
    unknowns : the symbols, all other symbols being refused
    """

    exprs: tuple[Expr, ...]
    unknowns: tuple[Symbol, ...]

    @property
    def is_square(self) -> bool:
        """Whether there are as many residuals as unknowns."""
        return len(self.exprs) == len(self.unknowns)

    @cached_property
    def jacobian(self) -> tuple[tuple[Expr, ...], ...]:
        """∂r_i/∂x_j."""
        return tuple(tuple(expand_activations(differentiate(e, s)) for s in self.unknowns) for e in self.exprs)

    @cached_property
    def curvature(self) -> tuple[tuple[Expr, ...], ...]:
        """Σ r_i ∂²r_i/∂x_j∂x_k: what the Hessian of half the sum of squares has beside JᵀJ."""
        pairs = list(zip(self.exprs, self.jacobian, strict=True))
        return tuple(
            tuple(
                sum((r * expand_activations(differentiate(row[j], s)) for r, row in pairs), sympy.S.Zero)
                for s in self.unknowns
            )
            for j in range(len(self.unknowns))
        )

    def compiled(self, context: Any) -> "Evaluator":
        """Return residuals and derivatives in the arithmetic of an mpmath context; ``mpmath.fp`` is float64."""
        flat = [*self.exprs, *(e for row in self.jacobian for e in row)]
        curved = [e for row in self.curvature for e in row]
        return Evaluator(
            _compile(flat, self.unknowns, context),
            _compile(curved, self.unknowns, context),
            len(self.exprs),
            len(self.unknowns),
        )


@dataclass(frozen=True)
class Evaluator:
    """Values of residuals, of their Jacobian and of their curvature at points."""

    first: Callable[..., Sequence[Any]]
    second: Callable[..., Sequence[Any]]
    rows: int
    columns: int

    def values(self, point: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """Return r and J.

        Raises
        ------
        NoValue : there is none at the point, or it is not a finite real number
        """
        flat, n = _finite(self.first, point), self.columns
        slopes = flat[self.rows :]
        return flat[: self.rows], [slopes[i * n : (i + 1) * n] for i in range(self.rows)]

    def curvature(self, point: Sequence[Any]) -> list[list[Any]]:
        """Return Σ r_i ∂²r_i."""
        flat, n = _finite(self.second, point), self.columns
        return [flat[i * n : (i + 1) * n] for i in range(n)]


def _finite(function: Callable[..., Sequence[Any]], point: Sequence[Any]) -> list[Any]:
    try:
        found = list(function(*point))
    except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
        raise NoValue(str(error)) from error
    for value in found:
        if hasattr(value, "imag") and value.imag != 0:
            raise NoValue("a residual is not real")
        if not abs(value) < float("inf"):
            raise NoValue("a residual is not finite")
    return [value.real for value in found]


def _compile(exprs: Sequence[Expr], unknowns: Sequence[Symbol], context: Any) -> Callable[..., Sequence[Any]]:
    # At start-up the printer would cost what most commands never use.
    from sympy.printing.pycode import MpmathPrinter

    stand_ins = [Symbol(f"argument_{i}") for i in range(len(unknowns))]
    renamed = [e.xreplace(dict(zip(unknowns, stand_ins, strict=True))) for e in exprs]
    namespace = {name: getattr(context, name) for name in dir(context) if not name.startswith("_")}
    printer = MpmathPrinter({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": False})
    compiled: Callable[..., Sequence[Any]] = sympy.lambdify(
        stand_ins, renamed, modules=[namespace], printer=printer, cse=True
    )
    return compiled


def read_residuals(residuals: Any, variables: Any) -> Residuals:
    """Read residuals (text or expressions) of named unknowns.

    Raises
    ------
    InputError : other symbols occur, an unknown does not occur, or there are fewer residuals than unknowns

    Examples
    --------
    >>> read_residuals(["10*(y - x**2)", "1 - x"], ["x", "y"]).jacobian
    ((-20*x, 10), (-1, 0))
    """
    given = residuals if isinstance(residuals, Sequence) and not isinstance(residuals, str) else [residuals]
    named = variables if isinstance(variables, Sequence) and not isinstance(variables, str) else [variables]
    unknowns = tuple(real(str(v)) for v in named)
    own = [expand_activations(entered(e)) for e in given]
    own = [e.xreplace({s: real(s.name) for s in e.free_symbols}) for e in own]
    present = {s for e in own for s in e.free_symbols}
    if others := sorted(s.name for s in present - set(unknowns)):
        raise InputError(f"{others[0]} has no value; give it one, or name it among the unknowns")
    if missing := [s.name for s in unknowns if s not in present]:
        raise InputError(f"no residual depends on {missing[0]!r}; name unknowns that occur")
    if len(own) < len(unknowns):
        raise InputError(f"{len(own)} residuals do not determine {len(unknowns)} unknowns; give at least as many")
    return Residuals(tuple(own), unknowns)
