"""One application of a scalar map to many points: polynomials by Horner's rule, everything else as compiled NumPy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Poly

from symgrad.errors import InputError
from symgrad.kernels.floats import compile_step
from symgrad.kernels.steps import layer_step
from symgrad.maps import Map, expand_activations

Values: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]
Part: TypeAlias = NDArray[np.bool_] | NDArray[np.intp] | slice
Coefficients: TypeAlias = tuple[Any, ...]
LARGEST_DEGREE = 40


@dataclass(frozen=True)
class Rational:
    """z ↦ P(z)/Q(z): coefficients from the highest power on, numbers or arrays with one entry per point."""

    top: Coefficients
    bottom: Coefficients

    def __call__(self, z: Values) -> Values:
        """Return P(z)/Q(z)."""
        above = _horner(self.top, z)
        return above if self.bottom == (1.0,) else np.asarray(above / _horner(self.bottom, z))

    def kept(self, part: Part) -> "Rational":
        """Return the step of the points that stay."""
        return self if self._shared else Rational(_kept(self.top, part), _kept(self.bottom, part))

    @property
    def _shared(self) -> bool:
        return all(np.ndim(c) == 0 for c in self.top + self.bottom)

    @property
    def returns(self) -> bool:
        """Whether infinity repels or is not fixed, so that an orbit far out comes back, however far.

        At infinity P/Q is like (p/q)·z^(deg P − deg Q); for Newton's method of a polynomial of degree d the factor
        is 1 − 1/d (Milnor 2006, *Dynamics in One Complex Variable*, sec. 4).
        """
        excess = len(self.top) - len(self.bottom)
        if excess != 1:
            return excess < 1
        return bool(np.all(np.abs(self.top[0]) < np.abs(self.bottom[0])))

    def at_pole(self, z: Values) -> Mask:
        """Return where the denominator vanishes and the numerator does not."""
        return np.asarray((_horner(self.bottom, z) == 0) & (_horner(self.top, z) != 0))


@dataclass(frozen=True)
class Compiled:
    """A step as one NumPy function of the state and the parameters, numbers or arrays with one entry per point."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    returns: bool = False

    def __call__(self, z: Values) -> Values:
        """Return the new states."""
        return np.asarray(np.broadcast_to(self.function(z, *self.arguments), z.shape))

    def kept(self, part: Part) -> "Compiled":
        """Return the step of the points that stay."""
        return Compiled(self.function, _kept(self.arguments, part))

    def at_pole(self, z: Values) -> Mask:
        """Return where the new state is infinite."""
        return np.asarray(np.isinf(self(z)))


BoundStep: TypeAlias = Rational | Compiled


def _kept(numbers: Coefficients, part: Part) -> Coefficients:
    return tuple(c if np.ndim(c) == 0 else c[part] for c in numbers)


def _horner(coefficients: Coefficients, z: Values) -> Values:
    """Return the polynomial at z; vanishing coefficients cost nothing."""
    first, *rest = coefficients
    if not rest:
        return np.asarray(np.broadcast_to(np.asarray(first, dtype=z.dtype), z.shape))
    value = z * first if np.ndim(first) or first != 1 else z.copy()
    for place, c in enumerate(rest):
        if place:
            value *= z
        if np.ndim(c) or c != 0:
            value += c
    return value


@dataclass(frozen=True)
class StepFunction:
    """A scalar map ready for numbers; ``bind`` puts values for its parameters.

    Parameters
    ----------
    names : the parameters, sorted
    complex : whether states are complex128 (else float64)
    top, bottom : functions of the parameters that return the coefficients of P and Q; None for other maps
    function : the map as a function of state and parameters, for other maps
    """

    names: tuple[str, ...]
    complex: bool
    top: tuple[Callable[..., Any], ...] | None
    bottom: tuple[Callable[..., Any], ...]
    function: Callable[..., Any] | None

    def bind(self, values: Mapping[str, Any]) -> BoundStep:
        """Return the step at these parameters: numbers, or arrays with one entry per point.

        Examples
        --------
        >>> newton = step_function(Map("z - (z**2 - a)/(2*z)", "z"), "complex")
        >>> newton.bind({"a": -1.0})(np.array([1 + 1j])).tolist()
        [(0.25+0.75j)]
        """
        arguments = [values[name] for name in self.names]
        if self.top is None:
            assert self.function is not None
            return Compiled(self.function, tuple(arguments))
        with np.errstate(all="ignore"):
            top = _trimmed([_number(c(*arguments)) for c in self.top])
            bottom = _trimmed([_number(c(*arguments)) for c in self.bottom])
        if len(bottom) == 1:
            return Rational(tuple(_number(c / bottom[0]) for c in top), (1.0,))
        return Rational(top, bottom)


def _number(value: Any) -> Any:
    """Return an array as it is, a number as float where its imaginary part is zero."""
    if np.ndim(value):
        return value
    return float(value.real) if np.imag(value) == 0 else complex(value)


def _trimmed(coefficients: Sequence[Any]) -> Coefficients:
    """Leave out leading coefficients that are zero at these parameters."""
    kept = list(coefficients)
    while len(kept) > 1 and np.ndim(kept[0]) == 0 and kept[0] == 0:
        kept.pop(0)
    return tuple(kept)


@lru_cache(maxsize=32)
def step_function(update: Map, domain: str) -> StepFunction:
    """Compile a scalar map for states of a domain, whatever the domain its symbols were entered with.

    Raises
    ------
    InputError : several components, values per layer, a complex map on the real line, an unknown domain
    """
    if domain not in ("real", "complex"):
        raise InputError(f"domain must be 'complex' or 'real', got {domain!r}; give one of them")
    if update.dimension != 1:
        raise InputError(f"basins need a map of one component, got {update.dimension}; give a scalar update")
    if update.layered:
        raise InputError(f"basins repeat one map, {update.layered[0]!r} has a value per layer; give it one value")
    if domain == "real" and update.domain == "complex":
        raise InputError("a complex map has no basins on the real line alone; give domain='complex'")
    own = update if update.domain == domain else Map(update.exprs, [s.name for s in update.state], domain=domain)
    names = tuple(p.name for p in own.parameters)
    if (fraction := _fraction(own)) is not None:
        top, bottom = (tuple(sympy.lambdify(own.parameters, c, "numpy") for c in part) for part in fraction)
        return StepFunction(names, domain == "complex", top, bottom, None)
    function = _real_function(own) if domain == "real" else _complex_function(own)
    return StepFunction(names, domain == "complex", None, (), function)


def _fraction(update: Map) -> tuple[list[Expr], list[Expr]] | None:
    """Return the coefficients of numerator and denominator in lowest terms, None for a map that is not rational."""
    (z,) = update.state
    if not update.expr.is_rational_function(z):
        return None
    top, bottom = sympy.fraction(sympy.cancel(sympy.together(update.expr)))
    try:
        above, below = Poly(top, z), Poly(bottom, z)
    except sympy.PolynomialError:
        return None
    if z in above.free_symbols_in_domain or max(above.degree(), below.degree()) > LARGEST_DEGREE:
        return None
    scale = below.LC() if below.LC().is_number else sympy.Integer(1)
    return [c / scale for c in above.all_coeffs()], [c / scale for c in below.all_coeffs()]


def _real_function(update: Map) -> Callable[..., Any]:
    """Return the map in the cancellation-free forms of the kernels."""
    step = compile_step(replace(layer_step(update, (), False), jacobian=(), local=()))
    order = [update.parameters.index(update.symbol(name)) for name in step.step.names]
    return lambda z, *parameters: step([z], [parameters[place] for place in order])[0]


def _complex_function(update: Map) -> Callable[..., Any]:
    arguments = [*update.state, *update.parameters]
    compiled: Callable[..., Any] = sympy.lambdify(arguments, expand_activations(update.expr), "numpy", cse=True)
    return compiled
