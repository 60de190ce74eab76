"""One application of a tied chain as plain NumPy: values alone, or with Jacobian and sensitivity to one parameter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.floats import CompiledStep, compile_step
from symgrad.kernels.points import floats_of
from symgrad.kernels.steps import layer_step
from symgrad.maps import Composition, Map, as_composition

Array = NDArray[np.float64]
Step = Callable[[Array], Array]
LinearStep = Callable[[Array], tuple[Array, Array, Array]]


@dataclass(frozen=True)
class TiedStep:
    """A compiled application of a tied chain; states have shape (d, points), Jacobians (d, d, points).

    Parameters
    ----------
    names : the parameters, sorted
    along : the parameter the sensitivity belongs to, None for none
    values : one compiled layer after the other, new states alone
    linear : the same with Jacobian and sensitivity
    """

    names: tuple[str, ...]
    dimension: int
    along: str | None
    values: tuple[CompiledStep, ...]
    linear: tuple[CompiledStep, ...]

    def step(self, values: Mapping[str, Array]) -> Step:
        """Return x ↦ f(x) at these parameters, arrays of one entry per point."""
        layers = [(layer, [values[name] for name in layer.step.names]) for layer in self.values]

        def advance(state: Array) -> Array:
            for layer, arguments in layers:
                state = _rows(layer(list(state), arguments), state.shape)
            return state

        return advance

    def linearised(self, values: Mapping[str, Array]) -> LinearStep:
        """Return x ↦ (f(x), ∂f/∂x, ∂f/∂θ) at these parameters."""
        layers = [(layer, [values[name] for name in layer.step.names]) for layer in self.linear]
        d = self.dimension

        def advance(state: Array) -> tuple[Array, Array, Array]:
            shape = state.shape
            product: Array | None = None
            sensitivity = np.zeros(shape)
            for layer, arguments in layers:
                numbers = layer(list(state), arguments)
                jacobian = _rows(numbers[d : d + d * d], (d * d, *shape[1:])).reshape(d, d, *shape[1:])
                local = _rows(numbers[d + d * d :], shape) if self.along is not None else 0.0
                sensitivity = times(jacobian, sensitivity) + local
                product = jacobian if product is None else times(jacobian, product)
                state = _rows(numbers[:d], shape)
            assert product is not None
            return state, product, sensitivity

        return advance


def times(matrix: Array, other: Array) -> Array:
    """Return the product of matrices (d, d, points) with vectors (d, points) or matrices (d, d, points)."""
    if matrix.shape[0] == 1:
        product: Array = matrix[0, 0] * other
        return product
    return np.asarray(np.einsum("ij...,j...->i...", matrix, other))


def _rows(numbers: Sequence[Any], shape: tuple[int, ...]) -> Array:
    """Return the numbers as one array, constants repeated at every point."""
    if len(numbers) == 1 and isinstance(numbers[0], np.ndarray) and numbers[0].shape == shape[1:]:
        row: Array = numbers[0][None]
        return row
    rows = np.empty(shape)
    for place, number in enumerate(numbers):
        rows[place] = number
    return rows


def tied_step(chain: Map | Composition, along: str | None = None) -> TiedStep:
    """Compile one application of a tied chain, whatever its depth.

    Raises
    ------
    InputError : values per layer, several blocks, or a complex state

    Examples
    --------
    >>> step = tied_step(Map("w*x + b", "x"), "b")
    >>> at = {"w": np.array([0.5, 2.0]), "b": np.array([1.0, 1.0])}
    >>> step.step(at)(np.array([[2.0, 2.0]])).tolist()
    [[2.0, 5.0]]
    """
    whole = as_composition(chain)
    if whole.layered:
        raise InputError(f"fates need a tied chain, {whole.layered[0]!r} has a value per layer; use pull_back instead")
    if len(whole.blocks) != 1 or whole.domain != "real":
        raise InputError(
            "fates need one real chain that is repeated, got another; give e.g. Map('w*sigmoid(x) + b', 'x')"
        )
    body = whole.blocks[0].body
    names = tuple(p.name for p in whole.parameters)
    if along is not None and along not in names:
        listing = ", ".join(names) or "none"
        raise InputError(f"{along!r} is not a parameter of the chain; the parameters are {listing}")
    return _compiled(body, names, along)


@lru_cache(maxsize=32)
def _compiled(body: tuple[Map, ...], names: tuple[str, ...], along: str | None) -> TiedStep:
    steps = [layer_step(layer, () if along is None else (along,), False) for layer in body]
    plain = tuple(compile_step(replace(step, jacobian=(), local=())) for step in steps)
    return TiedStep(names, len(body[0].state), along, plain, tuple(compile_step(step) for step in steps))


def gathered(step: TiedStep, start: Any, parameters: Mapping[Any, Any]) -> tuple[Array, dict[str, Array]]:
    """Return the start, shape (d, *points), and every parameter, shape points, broadcast to one shape.

    Raises
    ------
    InputError : a missing or an unknown parameter, or shapes that do not fit
    """
    given = {str(name): value for name, value in parameters.items()}
    listing = ", ".join(step.names) or "none"
    if unknown := sorted(set(given) - set(step.names)):
        raise InputError(f"{unknown[0]!r} is not a parameter of the chain; the parameters are {listing}")
    if missing := sorted(set(step.names) - set(given)):
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. {{'{missing[0]}': 0.5}}")
    components = [start] if step.dimension == 1 else list(start) if np.ndim(start) else [start]
    if len(components) != step.dimension:
        need = step.dimension
        raise InputError(f"a state of {need} components needs {need} start values, got {len(components)}; give a list")
    rows = [floats_of("the start", c) for c in components]
    arrays = [floats_of(f"parameter {name!r}", given[name]) for name in step.names]
    try:
        every = np.broadcast_arrays(*rows, *arrays)
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in (*rows, *arrays))
        raise InputError(f"start and parameters do not broadcast to one shape: {shapes}; give arrays that do") from None
    d = step.dimension
    return np.stack(every[:d]).astype(float), dict(zip(step.names, every[d:], strict=True))
