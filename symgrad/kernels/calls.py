"""Calls of kernels: the values are checked and brought into one shape, and a backend computes; without SymPy."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.errors import InputError
from symgrad.kernels.backends import BACKENDS
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points

if TYPE_CHECKING:
    from symgrad.maps import Composition


def call_kernel(
    kernel: Any,
    start: Any,
    parameters: Mapping[Any, Any] | None,
    *,
    depth: int | None,
    threads: int | None,
    trace: bool,
) -> Outcome:
    """Evaluate a kernel, or one that is stored, at every point of the broadcast start and parameters."""
    chain = kernel.composition.at_depth(depth)
    if chain.depth_symbols:
        raise InputError(f"a kernel needs the depth as a number, got {depth}; give e.g. 50")
    points = gather(chain, kernel.needed, start, _by_name(parameters))
    count = threads if threads is not None else min(4, os.cpu_count() or 1)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"threads must be a positive integer, got {count!r}; give e.g. 2")
    if trace and chain.dimension != 1:
        raise InputError("trace lists the factors of scalar layers; leave it out for several components")
    return BACKENDS[kernel.backend](kernel, chain, points, trace, thread_runner(count))


def _by_name(parameters: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Return the values by name, whether given by name or by symbol."""
    if not isinstance(parameters, Mapping | None):
        raise InputError(f"parameters must be a mapping, got {str(parameters)[:60]!r}; give e.g. {{'w': 0.5}}")
    return {str(name): value for name, value in (parameters or {}).items()}


def thread_runner(threads: int) -> Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]:
    """Return a map over tiles that uses so many threads."""

    def run(function: Callable[[Any], Any], tiles: Sequence[Any]) -> list[Any]:
        if threads == 1 or len(tiles) == 1:
            return [function(tile) for tile in tiles]
        from concurrent.futures import ThreadPoolExecutor  # at start-up it would cost 8 ms

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, tiles))

    return run


def gather(chain: "Composition", needed: Sequence[str], start: Any, parameters: dict[str, Any]) -> Points:
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
