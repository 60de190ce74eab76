"""The backends by name, and the choice among them; what needs SymPy is imported by the backend that uses it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.numpy_backend import obstacle, run_numpy
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.since import Since
from symgrad.kernels.stacking import Stacked

if TYPE_CHECKING:
    from symgrad.maps import Composition

WORTH_COMPILING = 20_000_000  # steps of points that take the NumPy backend longer than compiling takes
FEW, SOON = 64, 1200


def _rescue(kernel: Any, chain: "Composition", points: Points) -> Callable[..., Stacked]:
    """Return what runs lost points with unlimited exponents, from the start or since float64 lost them."""

    def run(index: NDArray[np.intp], since: Since | None = None) -> Stacked:
        if not len(index):
            return Stacked({})
        from symgrad.kernels import lambdified, unlimited

        return unlimited.run_unlimited(kernel.steps, lambdified.EXTENDED, chain, points, index, since)

    return run


def run_lambdify(kernel: Any, chain: "Composition", points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate by the general backend, compiled from the expressions themselves."""
    from symgrad.kernels import lambdified

    return lambdified.run_lambdify(kernel, chain, points, trace, runner)


def run_mpmath(kernel: Any, chain: "Composition", points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate with any number of digits."""
    from symgrad.kernels import oracle

    return oracle.run_mpmath(kernel, chain, points, trace, runner)


def run_fast(kernel: Any, chain: "Composition", points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate by the NumPy backend, whose lost points are run with unlimited exponents."""
    reason = _obstacle(kernel, chain, trace)
    if reason is not None:
        raise InputError(f"the numpy backend does not compute {reason}; use the backend auto or lambdify")
    if chain.dimension > 1:
        from symgrad.kernels import vectors

        return vectors.run_vector_states(kernel, chain, points, runner, _rescue(kernel, chain, points))
    return run_numpy(kernel, chain, points, runner, _rescue(kernel, chain, points))


def _obstacle(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why the NumPy backend, for one component or several, cannot compute this, None if it can."""
    if chain.dimension == 1:
        return obstacle(kernel, chain, trace)
    from symgrad.kernels import vectors

    return vectors.obstacle(kernel, chain, trace)


def run_vectors(kernel: Any, chain: "Composition", points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate by vector code compiled for this processor."""
    from symgrad.kernels import llvm

    reason = llvm.obstacle(kernel, chain, trace)
    if reason is not None:
        raise InputError(f"the llvm backend does not compute {reason}; use the backend auto or numpy")
    return llvm.run_llvm(kernel, chain, points, runner, _rescue(kernel, chain, points))


def run_auto(kernel: Any, chain: "Composition", points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate by the fastest backend that can."""
    work = points.size * sum(int(block.layers) for block in chain.blocks)
    run = run_lambdify if _obstacle(kernel, chain, trace) else run_fast
    deep = work >= WORTH_COMPILING and run is run_fast and chain.dimension == 1
    if deep and not _settles_soon(kernel, points, runner) and _compiles(kernel, chain, trace):
        run = run_vectors
    return run(kernel, chain, points, trace, runner)


def _compiles(kernel: Any, chain: "Composition", trace: bool) -> bool:
    from symgrad.kernels import llvm

    return llvm.obstacle(kernel, chain, trace) is None


def _settles_soon(kernel: Any, points: Points, runner: Any) -> bool:
    """Say whether a few points all settle in so few steps that compiling for them would take longest."""

    def leave(index: NDArray[np.intp]) -> Stacked:
        raise _Lost

    once = kernel.repeated
    if points.size > FEW or isinstance(once.programs, str):
        return False
    try:
        return run_numpy(once, once.composition.at_depth(SOON), points, runner, leave).settled == 1.0
    except _Lost:
        return False


class _Lost(Exception):
    """A point left float64 while it was looked at."""


Backend = Callable[[Any, "Composition", Points, bool, Any], Outcome]
BACKENDS: Mapping[str, Backend] = {
    "auto": run_auto,
    "numpy": run_fast,
    "llvm": run_vectors,
    "lambdify": run_lambdify,
    "mpmath": run_mpmath,
}


def resolve_backend(name: str, digits: int | None) -> str:
    """Return the backend that ``name`` stands for: "auto" picks the fastest at each call, or mpmath for digits."""
    if name == "auto" and digits is not None:
        name = "mpmath"
    if name not in BACKENDS:
        raise InputError(f"no backend is named {name!r}; known: {', '.join(BACKENDS)}")
    if digits is not None and name != "mpmath":
        raise InputError(f"digits need the mpmath backend, got backend {name!r}; leave the backend out")
    if digits is not None and (isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 10000):
        raise InputError(f"digits must be a whole number from 1 to 10000, got {digits!r}; give e.g. 50")
    return name
