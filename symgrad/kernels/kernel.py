"""Kernels: a composition, or the gradient of a loss, compiled once for any depth and evaluated on arrays of points."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from symgrad.derivation import Gradient
from symgrad.kernels.calls import call_kernel
from symgrad.kernels.floats import CompiledStep, compile_step
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.program import Programs, Unsupported, programs_of
from symgrad.kernels.steps import Steps, derive_steps
from symgrad.maps import Block, Composition, Map, composition_from_canonical, expression, to_text
from symgrad.symbols import n


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
        from symgrad.kernels.source import stand_alone  # at start-up its printer would cost 20 ms

        return stand_alone(self.steps)

    @cached_property
    def repeated(self) -> "Kernel":
        """The kernel of the first block alone at any depth, for its state and product."""
        return _repeated(self.composition.blocks[0].body)

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
        return call_kernel(self, start, parameters, depth=depth, threads=threads, trace=trace)

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


def _rebuild(
    canonical: str, loss: str | None, wrt: tuple[str, ...], second_order: bool, backend: str, digits: int | None
) -> Kernel:
    chain = composition_from_canonical(canonical)
    target = None if loss is None else expression(loss)
    return Kernel(Gradient(chain, target, wrt, second_order), backend, digits)


@lru_cache(maxsize=32)
def _repeated(body: tuple[Map, ...]) -> Kernel:
    return Kernel(Gradient(Composition((Block(body, n),)), None, ()), "auto")
