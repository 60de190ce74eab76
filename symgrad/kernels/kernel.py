"""Kernels: a composition, or the gradient of a loss, compiled once for any depth and evaluated on arrays of points."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.kernels.backends import BACKENDS
from symgrad.kernels.floats import CompiledStep, compile_step
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.program import Programs, Unsupported, programs_of
from symgrad.kernels.source import stand_alone
from symgrad.kernels.steps import Steps, derive_steps
from symgrad.maps import Composition, Map, composition_from_canonical, expression, to_text

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A compiled step that is folded over depth; calling it evaluates arrays of points.

    Parameters
    ----------
    target : what is computed: a composition, its loss, and the parameters differentiated by
    backend : "lambdify" (float64 arrays) or "mpmath" (any number of digits)
    digits : decimal digits of the mpmath backend

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.symbols import n
    >>> kernel = to_kernel(gradient(Map("w*x + b", "x") ** n, wrt=("b",)))
    >>> outcome = kernel(1.0, {"w": [0.5, 2.0], "b": 1.0}, depth=3)
    >>> outcome.product.value.tolist(), outcome.gradient["b"].value.tolist()
    ([0.125, 8.0], [1.75, 7.0])
    """

    target: Gradient
    backend: str
    digits: int | None = None

    @property
    def composition(self) -> Composition:
        """The chain of layers."""
        return self.target.composition

    @cached_property
    def steps(self) -> Steps:
        """The derived step of every distinct layer, and of the loss."""
        return derive_steps(self.target)

    @cached_property
    def compiled(self) -> Mapping[Map, CompiledStep]:
        """The compiled step of every distinct layer."""
        return {layer: compile_step(step) for layer, step in self.steps.layers.items()}

    @cached_property
    def compiled_loss(self) -> CompiledStep | None:
        """The compiled loss."""
        return None if self.steps.loss is None else compile_step(self.steps.loss)

    @cached_property
    def programs(self) -> Programs | str:
        """The straight-line programs of the steps, or why there are none."""
        try:
            return programs_of(self.steps)
        except Unsupported as reason:
            return str(reason)

    @cached_property
    def bodies(self) -> dict[Any, Any]:
        """What fast backends prepared from the programs, kept for the next call."""
        return {}

    @cached_property
    def source(self) -> str:
        """The same step as a plain NumPy/SciPy module that runs without symgrad."""
        return stand_alone(self.steps)

    @property
    def needed(self) -> tuple[str, ...]:
        """The names that need a value, sorted."""
        loss = () if self.steps.loss is None else self.steps.loss.names
        names = {p.name for p in self.composition.parameters} | set(self.composition.layered) | set(loss)
        return tuple(sorted(names))

    def __call__(
        self,
        start: Any,
        parameters: Mapping[Any, Any] | None = None,
        *,
        depth: int | None = None,
        threads: int | None = None,
        trace: bool = False,
    ) -> Outcome:
        """Evaluate the composition at every point of the broadcast start and parameters.

        Parameters
        ----------
        start : the first state: a number or array for one component, else a sequence of d of them
        parameters : name (or symbol) → number or array; a name with a value per layer has the layer as its first axis
        depth : the value of the composition's depth symbol
        threads : how many threads share the tiles (default: the processors, at most 4)
        trace : also return log|factor| of every layer

        Raises
        ------
        InputError : a parameter without a value, an unknown one, a wrong number of layers or components
        """
        chain = self.composition.at_depth(depth)
        if chain.depth_symbols:
            raise InputError(f"a kernel needs the depth as a number, got {depth}; give e.g. 50")
        points = gather(chain, self.needed, start, _by_name(parameters))
        count = threads if threads is not None else min(4, os.cpu_count() or 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InputError(f"threads must be a positive integer, got {count!r}; give e.g. 2")
        if trace and chain.dimension != 1:
            raise InputError("trace lists the factors of scalar layers; leave it out for several components")
        return BACKENDS[self.backend](self, chain, points, trace, _runner(count))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle as formulas, never as compiled code."""
        loss = None if self.target.loss is None else to_text(self.target.loss)
        return _rebuild, (
            self.composition.canonical,
            loss,
            self.target.wrt,
            self.target.second_order,
            self.backend,
            self.digits,
        )


def _by_name(parameters: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Return the values by name, whether given by name or by symbol."""
    if not isinstance(parameters, Mapping | None):
        raise InputError(f"parameters must be a mapping, got {str(parameters)[:60]!r}; give e.g. {{'w': 0.5}}")
    return {str(name): value for name, value in (parameters or {}).items()}


def _rebuild(
    canonical: str, loss: str | None, wrt: tuple[str, ...], second_order: bool, backend: str, digits: int | None
) -> Kernel:
    chain = composition_from_canonical(canonical)
    target = None if loss is None else expression(loss)
    return Kernel(Gradient(chain, target, wrt, second_order), backend, digits)


def _runner(threads: int) -> Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]:
    """Return a map over tiles that uses so many threads."""

    def run(function: Callable[[Any], Any], tiles: Sequence[Any]) -> list[Any]:
        if threads == 1 or len(tiles) == 1:
            return [function(tile) for tile in tiles]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, tiles))

    return run


def gather(chain: Composition, needed: Sequence[str], start: Any, parameters: dict[str, Any]) -> Points:
    """Check the values of a call and bring them into one broadcast shape."""
    unknown = sorted(set(parameters) - set(needed))
    if unknown:
        listing = ", ".join(needed) or "none"
        raise InputError(f"{unknown[0]!r} is not a parameter here; the parameters are {listing}")
    missing = sorted(set(needed) - set(parameters))
    if missing:
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. {{'{missing[0]}': 0.5}}")
    d = chain.dimension
    components = [start] if d == 1 else list(start) if isinstance(start, Sequence) or np.ndim(start) > 0 else [start]
    if d > 1 and len(components) != d:
        raise InputError(f"a state of {d} components needs {d} start values, got {len(components)}; e.g. (0.1, 0.2)")
    longest = dict.fromkeys(chain.layered, 0)
    for block in chain.blocks:
        for name in {n for layer in block.body for n in layer.layered}:
            longest[name] = max(longest[name], int(block.depth))
    return Points.gather(components, parameters, longest)
