"""A kernel on the grid of its axes, evaluated chunk by chunk with progress on the terminal."""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.sweeps.assembly import Assembly
from symgrad.sweeps.axes import Axis

if TYPE_CHECKING:
    from symgrad.kernels import Kernel, Outcome

Array = NDArray[np.float64]
MOST_POINTS = 20_000_000
TEMPORARY_BYTES = 48_000_000
COPIES = 4  # how many copies of its results a kernel holds while it joins its tiles
LARGEST_CHUNK, SMALLEST_CHUNK = 1 << 17, 256
SECONDS_BEFORE_PROGRESS = 1.0


@dataclass(frozen=True, eq=False)
class Sweep:
    """A kernel evaluated at every point of a grid; the grid's shape is the counts of the axes, in order.

    Parameters
    ----------
    kernel : what was evaluated
    axes : the swept names
    start : the start of each component, None where an axis sweeps it
    parameters : the values of the parameters that are not swept
    depth : how often the chain was applied, None for the kernel's own literal depth
    outcome : the results, every array with the grid's shape last
    """

    kernel: "Kernel"
    axes: tuple[Axis, ...]
    start: tuple[Any, ...]
    parameters: Mapping[str, Any]
    depth: int | None
    outcome: "Outcome" = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The counts of the axes."""
        return tuple(axis.count for axis in self.axes)

    def axis(self, name: str) -> Axis:
        """Return the axis of that name."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        known = ", ".join(axis.name for axis in self.axes) or "none"
        raise InputError(f"{name!r} is not an axis of this sweep; its axes are {known}")

    def grid(self, name: str) -> Array:
        """Return the values of an axis at every point of the grid, shape ``self.shape``."""
        place = self.axes.index(self.axis(name))
        along = [1] * len(self.axes)
        along[place] = -1
        return np.broadcast_to(self.axes[place].values.reshape(along), self.shape)

    def inputs(self, index: NDArray[np.intp]) -> tuple[Any, dict[str, Any]]:
        """Return the start and the parameters of a kernel call at the flat points ``index``.

        >>> import numpy as np
        >>> from symgrad.kernels import to_kernel
        >>> from symgrad.maps import Map
        >>> plane = sweep(to_kernel(Map("w*x", "x")), Axis("w", 0, 1, 3), Axis("x", 1, 2, 2))
        >>> plane.inputs(np.array([1, 4]))
        (array([2., 1.]), {'w': array([0., 1.])})
        """
        return _inputs(self.kernel, self.axes, self.start, self.parameters, index)


def _inputs(
    kernel: "Kernel",
    axes: Sequence[Axis],
    start: Sequence[Any],
    parameters: Mapping[str, Any],
    index: NDArray[np.intp],
) -> tuple[Any, dict[str, Any]]:
    values: dict[str, Any] = {}
    if axes:
        places = np.unravel_index(index, tuple(axis.count for axis in axes))
        values = {axis.name: axis.values[place] for axis, place in zip(axes, places, strict=True)}
    names = [s.name for s in kernel.composition.state]
    components = [values.pop(name, given) for name, given in zip(names, start, strict=True)]
    begin = components[0] if len(components) == 1 else _columns(components)
    return begin, {**parameters, **values}


def _columns(components: Sequence[Any]) -> list[Any]:
    """Return the components in one shape, as they are where no axis sweeps one."""
    if all(np.ndim(c) == 0 for c in components):
        return list(components)
    return [np.array(c) for c in np.broadcast_arrays(*(np.asarray(c, dtype=float) for c in components))]


def sweep(
    kernel: "Kernel",
    *axes: Axis,
    start: Any = None,
    parameters: Mapping[str, Any] | None = None,
    depth: int | None = None,
    progress: bool | None = None,
    chunk: int | None = None,
) -> Sweep:
    """Evaluate a kernel at every point of the grid of its axes.

    Parameters
    ----------
    kernel : the compiled composition or gradient
    axes : an axis whose name is a component of the state sweeps the start of that component
    start : the first state, a number or a sequence of one number for each component; the entry of a swept component
        of several is not used, and a single swept component needs no start
    parameters : name → number for every parameter that is not swept (a list where it has a value per layer)
    depth : the value of the composition's depth symbol
    progress : False silences the progress bar, which otherwise appears on a terminal after a second
    chunk : how many points are evaluated at once (default: as many as keep temporary arrays below about 60 MB)

    Raises
    ------
    InputError : an unknown, repeated or doubly given name, a value that is no number, a grid that is too large

    Examples
    --------
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> kernel = to_kernel(Map("w*x + b", "x") ** n)
    >>> sweep(kernel, Axis("w", 0, 2, 3), start=1.0, parameters={"b": 0.5}, depth=3).outcome.product.value
    array([0., 1., 8.])
    """
    from symgrad.kernels import Kernel

    if not isinstance(kernel, Kernel):
        raise InputError(f"a sweep needs a kernel, got {type(kernel).__name__}; compile with to_kernel first")
    given = dict(parameters or {})
    _check_names(kernel, axes, given)
    components = _start(kernel, axes, start)
    if not axes:
        raise InputError("a sweep needs at least one axis; write e.g. Axis('w', -2, 2, 101), or call the kernel itself")
    points = math.prod(axis.count for axis in axes)
    if points > MOST_POINTS:
        raise InputError(f"the grid has {points} points, at most {MOST_POINTS} fit; lower the counts of the axes")
    size = _chunk_size(kernel, depth) if chunk is None else chunk
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InputError(f"chunk must be a positive number of points, got {chunk!r}; leave it out or give e.g. 65536")
    assembly = Assembly(points)
    for first in _progress(range(0, points, size), points, size, progress):
        index = np.arange(first, min(first + size, points))
        begin, values = _inputs(kernel, axes, components, given, index)
        assembly.add(first, kernel(begin, values, depth=depth))
    shape = tuple(axis.count for axis in axes)
    return Sweep(kernel, tuple(axes), components, given, depth, assembly.outcome(shape))


def _check_names(kernel: "Kernel", axes: Sequence[Axis], given: Mapping[str, Any]) -> None:
    """Refuse axes and parameters that are not of the kernel, repeat, or have no single value."""
    layered = set(kernel.composition.layered)
    states = [s.name for s in kernel.composition.state]
    shared = [name for name in kernel.needed if name not in layered]
    known = ", ".join([*shared, *(f"{name} (its start)" for name in states)])
    for axis in axes:
        if not isinstance(axis, Axis):
            raise InputError(f"a sweep takes axes, got {str(axis)[:40]!r}; write e.g. Axis('w', -2, 2, 101)")
        if axis.name in layered:
            raise InputError(f"{axis.name!r} has a value per layer and no axis; the names to sweep are {known}")
        if axis.name not in shared and axis.name not in states:
            raise InputError(f"{axis.name!r} is not a name of the kernel; the names to sweep are {known}")
        if sum(other.name == axis.name for other in axes) > 1:
            raise InputError(f"two axes are named {axis.name!r}; give each its own name among {known}")
        if axis.name in given:
            raise InputError(f"{axis.name!r} has an axis and a value; leave one of them out")
    for name, value in given.items():
        if name not in layered:
            _check_number(f"parameter {name!r}", value)


def _check_number(what: str, value: Any) -> None:
    """Refuse what is not one finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"{what} must be one finite number in a sweep, got {str(value)[:40]!r}; give e.g. 0.5")


def _start(kernel: "Kernel", axes: Sequence[Axis], start: Any) -> tuple[Any, ...]:
    """Return the start of each component, None where an axis sweeps it."""
    names = [s.name for s in kernel.composition.state]
    swept = {axis.name for axis in axes}
    single = len(names) == 1
    if single and start is not None and names[0] in swept:
        raise InputError(f"{names[0]!r} has an axis, which sweeps its start, and a start; leave one of them out")
    array = isinstance(start, np.ndarray) and start.ndim > 0
    several = array or (isinstance(start, Sequence) and not isinstance(start, str))
    components = list(start) if several else [start] * (1 if start is not None else len(names))
    if len(components) != len(names):
        raise InputError(
            f"the state has {len(names)} components, got {len(components)} start values; give one for each"
        )
    for name, value in zip(names, components, strict=True):
        if name in swept:
            continue
        if value is None:
            raise InputError(f"{name!r} has no start; give start, or an axis named {name!r} that sweeps it")
        _check_number(f"the start of {name!r}", value)
    return tuple(None if name in swept else value for name, value in zip(names, components, strict=True))


def _chunk_size(kernel: "Kernel", depth: int | None) -> int:
    """Return how many points keep the temporary arrays of a kernel call within bounds."""
    chain, target = kernel.composition.at_depth(depth), kernel.target
    d, layered = chain.dimension, set(chain.layered)
    layers = sum(int(block.depth) for block in chain.blocks)
    shared = sum(name not in layered for name in target.wrt)
    numbers = 3 * d + 2 * d * d + 2 + 2 * (1 if target.loss is not None else d) * shared
    numbers += 2 * layers * (len(target.wrt) - shared) + (2 * shared * shared if target.second_order else 0)
    return max(SMALLEST_CHUNK, min(LARGEST_CHUNK, TEMPORARY_BYTES // (8 * COPIES * numbers)))


def _progress(steps: Iterable[int], points: int, size: int, wanted: bool | None) -> Iterator[int]:
    """Yield the first point of each chunk, with a progress bar where someone can see it."""
    if wanted is False or not sys.stderr.isatty():
        yield from steps
        return
    from tqdm import tqdm  # at start-up it would cost 30 ms

    with tqdm(
        total=points, unit="point", unit_scale=True, delay=SECONDS_BEFORE_PROGRESS, leave=False, file=sys.stderr
    ) as bar:
        for first in steps:
            yield first
            bar.update(min(size, points - first))
