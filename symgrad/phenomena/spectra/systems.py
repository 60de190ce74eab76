"""One step of a map and its Jacobian at many points: of formulas, compiled once, or of the user's own function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.errors import InputError
from symgrad.kernels import to_kernel
from symgrad.kernels.floats import CompiledStep, compile_step
from symgrad.kernels.steps import Step, layer_step
from symgrad.maps import Composition, Map, compose, expand_activations
from symgrad.phenomena.spectra.jacobians import Array, Dense, Entries, Jacobian, Scaled

Values: TypeAlias = Mapping[str, Any]
StepAndJacobian: TypeAlias = Callable[[Array], tuple[Any, Any]]
LEAST_STRUCTURED = 4
LONGEST_BODY = 10_000
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class NumericMap:
    """A map given by one function of the state that returns the new state and the Jacobian.

    Parameters
    ----------
    dimension : d
    function : state (d, points) → new state (d, points) and Jacobian (d, d, points), or (d, d) for all points

    Examples
    --------
    >>> W = np.array([[0.5, 1.0], [0.0, 0.25]])
    >>> layer = NumericMap(2, lambda x: (np.tanh(W @ x), (1 - np.tanh(W @ x) ** 2)[:, None] * W[:, :, None]))
    >>> layer.function(np.zeros((2, 1)))[1][:, :, 0].tolist()
    [[0.5, 1.0], [0.0, 0.25]]
    """

    dimension: int
    function: StepAndJacobian


@dataclass(frozen=True)
class _Layer:
    """One compiled layer: its outputs are the new state, then the entries that ``shape`` names.

    ``core`` holds expressions of the parameters for the structure diag(rows)·core·diag(columns), None without one.
    """

    compiled: CompiledStep
    names: tuple[str, ...]
    core: tuple[Callable[..., Any], ...] | None
    by_rows: bool

    @property
    def dimension(self) -> int:
        """The number of components."""
        return len(self.compiled.step.state)

    def step(self, state: Array, values: Values) -> tuple[Array, Jacobian]:
        """Return the new state and the Jacobian at states of shape (d, points)."""
        d, points = state.shape
        outputs = self.compiled(list(state), [values[name] for name in self.names])
        new = np.empty_like(state)
        for i in range(d):
            new[i] = outputs[i]
        slopes = outputs[d:]
        if self.core is None:
            return new, Entries(tuple(tuple(slopes[i * d : (i + 1) * d]) for i in range(d)))
        arguments = [values[name] for name in self.names]
        core = np.array([float(entry(*arguments)) for entry in self.core]).reshape(d, d)
        scales = np.empty((d, points))
        for i in range(d):
            scales[i] = slopes[i]
        return new, Scaled(core, scales) if self.by_rows else Scaled(core, columns=scales)


@dataclass(frozen=True)
class System:
    """A map ready for numbers: one application of its whole chain of layers is one step.

    Parameters
    ----------
    dimension : d
    names : the parameters, sorted
    frozen : whether the Jacobian does not depend on the state
    source : the map or composition, or the user's own function
    """

    dimension: int
    names: tuple[str, ...]
    frozen: bool
    source: Map | Composition | NumericMap

    def advance(self, state: Array, values: Values) -> tuple[Array, list[Jacobian]]:
        """Return the states after one step, shape (d, points), and the Jacobians of its layers, first layer first."""
        if isinstance(self.source, NumericMap):
            new, matrix = self.source.function(state)
            return np.array(new, dtype=float), [_checked(matrix, state.shape)]
        factors = []
        for layer in self._layers(any(np.ndim(v) for v in values.values())):
            state, factor = layer.step(state, values)
            factors.append(factor)
        return state, factors

    def _layers(self, swept: bool) -> "list[_Layer]":
        return self._plain if swept else self._compiled

    @cached_property
    def _compiled(self) -> list[_Layer]:
        return [_layer(one, True) for one in _body(self.source)]

    @cached_property
    def _plain(self) -> list[_Layer]:
        return [_layer(one, False) for one in _body(self.source)]

    @cached_property
    def scalar(self) -> Callable[..., Sequence[float]] | None:
        """The step of one point in plain Python numbers: (components, parameters) → new components; None without."""
        if isinstance(self.source, NumericMap):
            return None
        layers = _body(self.source)
        state = layers[0].state
        symbols = [sympy.Symbol(name, real=True) for name in self.names]
        functions = [
            sympy.lambdify([*state, *symbols], [expand_activations(e) for e in one.exprs], ["math"], cse=True)
            for one in layers
        ]
        if len(functions) == 1:
            return functions[0]  # type: ignore[no-any-return]
        d = len(state)

        def step(*arguments: float) -> Sequence[float]:
            here, given = arguments[:d], arguments[d:]
            for function in functions:
                here = tuple(function(*here, *given))
            return here

        return step


def _checked(matrix: Any, shape: tuple[int, ...]) -> Jacobian:
    """Refuse a Jacobian that is not square or does not fit the state."""
    found = np.asarray(matrix, dtype=float)
    if found.ndim not in (2, 3) or found.shape[0] != found.shape[1]:
        raise InputError(
            f"a Lyapunov spectrum needs square Jacobians, got shape {found.shape}; for layers of changing width use "
            "singular_values_of_product"
        )
    if found.shape[0] != shape[0] or (found.ndim == 3 and found.shape[2] != shape[1]):
        raise InputError(f"the Jacobian has shape {found.shape}, the state {shape}; they must fit: (d, d, points)")
    return Dense(found)


def _body(source: Any) -> tuple[Map, ...]:
    """Return the layers of one step, the first applied first."""
    if isinstance(source, Map):
        return (source,)
    layers: list[Map] = []
    for block in source.blocks:
        times = int(block.depth) if block.depth.is_Integer else 1
        layers += list(block.body) * times
    return tuple(layers)


def _layer(one: Map, structured: bool) -> _Layer:
    step = layer_step(one, (), False)
    found = _structure(step) if structured and one.dimension >= LEAST_STRUCTURED else _numbers_only(step)
    if found is None:
        return _Layer(compile_step(step), step.names, None, False)
    core, scales, by_rows = found
    functions = tuple(sympy.lambdify(step.arguments, c, "math") for c in core)
    return _Layer(compile_step(replace(step, jacobian=scales)), step.names, functions, by_rows)


_Structure: TypeAlias = tuple[tuple[Expr, ...], tuple[Expr, ...], bool]


def _structure(step: Step) -> _Structure | None:
    """Split the Jacobian into a core without the state and factors of its rows or columns, if it has such."""
    return _numbers_only(step) or _split(step, [e.as_independent(*step.state, as_Add=False) for e in step.jacobian])


def _numbers_only(step: Step) -> _Structure | None:
    """Split the Jacobian into numbers and factors of its rows or columns, if it has such."""
    if len(step.state) < LEAST_STRUCTURED:
        return None
    return _split(step, [e.as_coeff_Mul() for e in step.jacobian])


def _split(step: Step, parts: Sequence[tuple[Expr, Expr]]) -> _Structure | None:
    d = len(step.state)
    for by_rows in (True, False):
        scales: list[Expr] = []
        for i in range(d):
            places = [i * d + j if by_rows else j * d + i for j in range(d)]
            rests = {parts[p][1] for p in places if parts[p][0] != 0}
            if len(rests) > 1:
                break
            scales.append(rests.pop() if rests else sympy.Integer(1))
        if len(scales) == d:
            core = tuple(c for c, _ in parts)
            return core, tuple(scales), by_rows
    return None


@lru_cache(maxsize=32)
def system_of(source: Map | Composition | NumericMap) -> System:
    """Return a map, a composition or the user's own function as a system.

    Raises
    ------
    InputError : complex states, values per layer, a body of more than ten thousand layers, or something else
    """
    if isinstance(source, NumericMap):
        if isinstance(source.dimension, bool) or not isinstance(source.dimension, int) or source.dimension < 1:
            raise InputError(f"a map needs at least one unit, got {source.dimension!r}; give e.g. NumericMap(8, …)")
        return System(source.dimension, (), False, source)
    if not isinstance(source, Map | Composition):
        raise InputError(
            f"a map, a composition or a NumericMap is needed, got {str(source)[:60]!r}; e.g. Map('4*x*(1-x)', 'x')"
        )
    if source.domain == "complex":
        raise InputError("a spectrum needs a real map, got a complex one; write real and imaginary part as components")
    if source.layered:
        raise InputError(
            f"a spectrum iterates one map, {source.layered[0]!r} has a value per layer; give it one value, or multiply "
            "the Jacobians with singular_values_of_product"
        )
    depths = [b.depth for b in source.blocks] if isinstance(source, Composition) else []
    if sum(int(n) for n in depths if n.is_Integer) > LONGEST_BODY:
        raise InputError(f"one step has more than {LONGEST_BODY} layers; iterate a shorter chain with more steps")
    state = set(source.state)
    layers = _body(source)
    frozen = not any(e.free_symbols & state for m in layers for row in m.jacobian for e in row)
    names = tuple(sorted({p.name for m in layers for p in m.parameters}))
    return System(source.dimension, names, frozen, source)


def log_factors(system: System, factors: Sequence[Jacobian], states: Array, values: Values) -> Array:
    """Return log|f'| of a scalar map at states of shape (1, points), also where f' is below float64; shape (1, points).

    -inf stands for a factor of exactly zero.
    """
    points = states.shape[1]
    with np.errstate(all="ignore"):
        slopes = [np.abs(f.dense(points)[0]) for f in factors]
        logs = np.asarray(sum(np.log(slope) for slope in slopes))
        small = np.any([slope < TINY for slope in slopes], axis=0)[0]
    if small.any():
        small = small & _flat_beside(system, states, values)
    if not isinstance(system.source, NumericMap) and small.any():
        kernel = to_kernel(compose(*_body(system.source)))
        given = {name: v[small] if np.ndim(v) else v for name, v in values.items()}
        logs[0, small] = kernel(states[0, small], given).growth[0]
    return logs


def _flat_beside(system: System, states: Array, values: Values) -> NDArray[np.bool_]:
    """Return where the factor is below float64 at the next float too: not because it crosses zero, shape (points,)."""
    beside = np.nextafter(states, np.inf)
    with np.errstate(all="ignore"):
        slopes = [np.abs(f.dense(states.shape[1])[0, 0]) for f in system.advance(beside, values)[1]]
    return np.asarray(np.any([slope < TINY for slope in slopes], axis=0))


@dataclass(frozen=True)
class ScalarOrbit:
    """One orbit: its finite states, shape (d, count + 1), and the step that left float64 (0: none; or no number)."""

    states: Array
    exploded: int
    undefined: bool


def scalar_orbit(system: System, start: Sequence[float], values: Values, steps: int) -> ScalarOrbit | None:
    """Return the states x_0 … x_steps of one orbit, computed in plain Python numbers; None where they do not do.

    A step that plain numbers refuse, such as exp(800), is made with NumPy.
    """
    function = system.scalar
    if function is None:
        return None
    given = [float(values[name]) for name in system.names]
    here: Sequence[float] = [float(v) for v in start]
    flat, d = list(here), system.dimension
    extend = flat.extend
    while (done := len(flat) // d - 1) < steps:
        try:
            for _ in range(steps - done):
                here = function(*here, *given)
                extend(here)
        except (OverflowError, ValueError, ZeroDivisionError, TypeError, NameError):
            with np.errstate(all="ignore"):
                column = np.array(here, dtype=complex).reshape(d, 1)
                new = system.advance(column.real, values)[0][:, 0]
            here = new.tolist()
            extend(here)
            if not np.isfinite(new).all() or np.any(column.imag != 0):
                break
    try:
        states = np.array(flat, dtype=float).reshape(-1, d).T
    except TypeError:
        return None
    finite = np.isfinite(states).all(axis=0)
    if finite.all():
        return ScalarOrbit(np.ascontiguousarray(states), 0, False)
    first = int(np.argmin(finite))
    return ScalarOrbit(np.ascontiguousarray(states[:, :first]), first, not np.isinf(states[:, first]).any())
