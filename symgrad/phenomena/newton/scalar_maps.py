"""A scalar map and its derivative as one plain Python function, and the same in many digits where floats give out."""

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import mpmath
import sympy
from sympy import Expr

from symgrad.errors import InputError
from symgrad.kernels.floats import indicator
from symgrad.kernels.steps import hide_activations, numeric_forms, opaque_calls
from symgrad.maps import Map, differentiate, expand_activations

Number = float | complex
Pair = Callable[..., Sequence[Any]]
DIGITS = 240
NAMES = (
    "mpf mpc exp log sqrt cbrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc sec csc cot "
    "sech csch coth sign fabs floor ceil pi e j inf nan expm1 log1p power fmod gamma loggamma"
).split()
UNDEFINED = (ZeroDivisionError, OverflowError, ValueError, TypeError)


@dataclass(frozen=True)
class ScalarMap:
    """A scalar map with values for its parameters, as functions of one number that give N(x) and N'(x).

    Parameters
    ----------
    update : the map
    slope : N'
    values : the parameters, in the order of ``update.parameters``

    Examples
    --------
    >>> halving = scalar_map(Map("x/2 + a", "x"), {"a": 1.0})
    >>> halving.pair(3.0)
    [2.5, 0.5]
    """

    update: Map
    slope: Expr
    values: tuple[Any, ...]

    @cached_property
    def pair(self) -> Callable[[Any], Sequence[Any]]:
        """The fast function on floats (or complex numbers); it raises where a step leaves them."""
        function, values = _compiled(self.update, self.slope), tuple(float(v) for v in self.values)
        return (lambda x: function(x, *values)) if values else function

    @cached_property
    def context(self) -> Any:
        """An mpmath context of ``DIGITS`` digits, shared with nobody."""
        fresh = mpmath.ctx_mp.MPContext()
        fresh.dps = DIGITS
        return fresh

    @cached_property
    def _precise(self) -> Pair:
        known = {name: getattr(self.context, name) for name in NAMES if hasattr(self.context, name)}
        exprs = [expand_activations(e) for e in (self.update.expr, self.slope)]
        symbols = [*self.update.state, *self.update.parameters]
        function: Pair = sympy.lambdify(symbols, exprs, modules=[known, "mpmath"], cse=True)
        return function

    def precise(self, x: Any) -> tuple[Any, Any] | None:
        """Return (N(x), N'(x)) in ``DIGITS`` digits, None where the map has no value of its domain."""
        ctx = self.context
        try:
            found = self._precise(ctx.mpmathify(x), *(_mpf(ctx, v) for v in self.values))
        except UNDEFINED:
            return None
        value, slope = (ctx.mpmathify(part) for part in found)
        outside = self.update.domain == "real" and any(isinstance(part, ctx.mpc) for part in (value, slope))
        return None if outside or not (ctx.isfinite(value) and ctx.isfinite(slope)) else (value, slope)


def _mpf(ctx: Any, value: Any) -> Any:
    return ctx.mpf(int(value.p)) / int(value.q) if isinstance(value, sympy.Rational) else ctx.mpf(float(value))


@lru_cache(maxsize=64)
def _compiled(update: Map, slope: Expr) -> Pair:
    exprs = [hide_activations(update.expr), hide_activations(slope)]
    plain = "math" if update.domain == "real" else "cmath"
    own = {name: _plainly(form) for name, form in numeric_forms(opaque_calls(exprs)).items()}
    own["step"] = _plainly(indicator)
    modules: list[Any] = [own, {"sign": _sign}, math if plain == "math" else cmath]
    function: Pair = sympy.lambdify([*update.state, *update.parameters], exprs, modules=[*modules, plain], cse=True)
    return function


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a NumPy function as one of a plain number."""
    return lambda *arguments: function(*arguments).item()


def _sign(x: Any) -> Any:
    return x / abs(x) if x != 0 else 0.0


def scalar_map(
    update: Map, parameters: Mapping[str, Any] | None = None, *, derivative: Expr | None = None
) -> ScalarMap:
    """Return a scalar map with its derivative and the values of its parameters.

    Raises
    ------
    InputError : several components, a value per layer, a parameter without a value or an unknown one
    """
    if not isinstance(update, Map) or update.dimension != 1 or update.layered:
        raise InputError(f"a map of one component without values per layer is needed, got {str(update)[:60]}")
    given = {str(name): value for name, value in (parameters or {}).items()}
    names = [p.name for p in update.parameters]
    if missing := [name for name in names if name not in given]:
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. {{'{missing[0]}': 0.5}}")
    if unknown := sorted(set(given) - set(names)):
        raise InputError(f"{unknown[0]!r} is not a parameter here; the parameters are {', '.join(names) or 'none'}")
    slope = differentiate(update.expr, update.state[0]) if derivative is None else derivative
    return ScalarMap(update, slope, tuple(_value(name, given[name]) for name in names))


def _value(name: str, value: Any) -> Any:
    try:
        exact = sympy.sympify(value, strict=True) if not isinstance(value, str) else sympy.Rational(value)
        exact = exact if exact.is_Rational else float(exact)
    except (TypeError, ValueError, sympy.SympifyError):
        raise InputError(f"parameter {name!r} must be a number, got {str(value)[:40]!r}; give e.g. 0.5") from None
    if not math.isfinite(float(exact)):
        raise InputError(f"parameter {name!r} must be finite, got {value}; give e.g. 0.5")
    return exact
