"""Cliff regions of a loss surface: where a step that suits the valley overshoots by a large factor.

In box units (each parameter divided by the side of its axis) the step that would bring a plain gradient step to the
floor L* is η = (L - L*)/‖∇L‖². A cliff region is a connected part of the plane on which η is smaller than on the
valley by a factor κ. Everything is computed with logarithms, so that neither loss nor gradient can overflow.

A wall may be thinner than a cell of the grid, and then no grid point sees its gradient. The loss still jumps from one
side to the other; by the mean value theorem the gradient somewhere between two neighbouring points is at least their
difference quotient. So each cell is also judged by its edges, with the quotient as the gradient and the larger of the
two losses as L.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.kernels.signed_log import add, negate
from symgrad.sweeps import Axis, Sweep

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

KAPPA = 100.0
VALLEY_SHARE = 0.01
FEWEST_VALLEY_CELLS = 16
TOUCHING = np.ones((3, 3), dtype=int)


@dataclass(frozen=True, eq=False)
class CliffRegion:
    """A connected region of cells that are steep for the valley's step.

    Parameters
    ----------
    cells : the number of grid points in it
    area : its share of the box, between 0 and 1
    parameter_area : its area in units of the two parameters
    outline : closed polylines in parameter units, each of shape (m, 2), columns in the order of the axes
    steepest : the grid point of the largest gradient, name → value
    log_gradient : log‖∇L‖ there, in parameter units
    """

    cells: int
    area: float
    parameter_area: float
    outline: tuple[Array, ...] = field(repr=False)
    steepest: Mapping[str, float]
    log_gradient: float


@dataclass(frozen=True, eq=False)
class CliffRegions:
    """The cliff regions of a loss surface, the largest first.

    Parameters
    ----------
    regions : the regions
    labels : 0 outside, else 1 + the place in ``regions``, the grid's shape
    log_step : log η of every cell in box units, the grid's shape; +inf where the loss is flat, nan where undefined
    log_gradient : log‖∇L‖ of every grid point in parameter units, the grid's shape
    log_reference_step : log η of the valley, in box units
    floor : L*, as log|L*| and sign
    kappa : the factor by which η is smaller on a cliff
    axes : the two axes
    largest : the grid point of the largest gradient, name → value
    largest_log_gradient : log‖∇L‖ there, in parameter units; -inf where no gradient is defined or all are 0
    """

    regions: tuple[CliffRegion, ...]
    labels: NDArray[np.int32] = field(repr=False)
    log_step: Array = field(repr=False)
    log_gradient: Array = field(repr=False)
    log_reference_step: float
    floor: SignedLog = field(repr=False)
    kappa: float
    axes: tuple[Axis, Axis]
    largest: Mapping[str, float]
    largest_log_gradient: float

    @property
    def reference_step(self) -> float:
        """The step η that suits the valley, in box units."""
        return float(np.exp(self.log_reference_step))

    @property
    def verdict(self) -> Verdict:
        """Sampled: between the grid points anything may happen."""
        return Verdict.SAMPLED

    @property
    def statement(self) -> str:
        """What the grid does and does not show, in one sentence."""
        counts = " x ".join(str(axis.count) for axis in self.axes)
        return (
            f"A grid of {counts} points underestimates the height of a wall, because a wall may be far thinner than a "
            "cell: the gradients are the largest seen at grid points, a region is as wide as its cells, and cliffs "
            "between grid points on one level of the loss go unseen."
        )


def cliff_regions(sweep: Sweep, *, ratio: float = KAPPA, floor: float | None = None) -> CliffRegions:
    """Return the cliff regions of a loss surface swept over two parameters.

    The valley is the ``VALLEY_SHARE`` of cells of lowest loss (at least ``FEWEST_VALLEY_CELLS``) among those whose
    gradient is not 0. Its step is the median of log η over these cells, or over all cells where that is smaller: a
    floor that is a flat plain, where any step suits, thus makes no cliff of everything else. Without a given floor
    the smallest loss on the grid stands for L*. As it lies above the true one, cells at about this loss would look like
    cliffs; so L - L* is taken as at least what the loss changes over half a cell of the valley (the median).

    Parameters
    ----------
    sweep : of the gradient of a loss, with two axes, both among the names differentiated by
    ratio : κ, above 1
    floor : L*, the value the loss cannot fall below, where it is known

    Raises
    ------
    InputError : a sweep without loss, without the gradient in its axes, or with a number of axes other than two

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> from symgrad.sweeps import sweep
    >>> from symgrad.symbols import n
    >>> loss = gradient(Map("w*sigmoid(x) + b", "x") ** n, "(sigmoid(x) - 7/10)**2", wrt="w,b")
    >>> plane = sweep(to_kernel(loss), Axis("w", 4, 8, 301), Axis("b", -6, -1, 301), start=0.5, depth=50)
    >>> cliffs = cliff_regions(plane, floor=0)
    >>> len(cliffs.regions), sorted(cliffs.regions[0].steepest), cliffs.verdict.word
    (1, ['b', 'w'], 'sampled')
    """
    axes, loss = _checked(sweep, ratio)
    excess, lowest = _excess(loss, floor)
    log_gradient, log_box, log_cell = (
        _gradient_norm(sweep, axes, scales)
        for scales in ((1.0, 1.0), [axis.side for axis in axes], [axis.spacing for axis in axes])
    )
    valley = _valley(excess, log_box)
    if floor is None and valley.any():
        excess = np.where(np.isnan(excess), np.nan, np.fmax(excess, np.median(log_cell[valley]) - np.log(2)))
    with np.errstate(invalid="ignore"):
        log_point = np.where(np.isneginf(log_box), np.inf, excess - 2 * log_box)
    log_step = _with_edges(log_point, loss, lowest, axes)
    reference = _valley_level(log_point, valley)
    with np.errstate(invalid="ignore"):
        steep = log_step < reference - np.log(ratio)
    from scipy import ndimage  # at start-up it would cost a third of a second

    labels, count = ndimage.label(steep, structure=TOUCHING)
    regions, labels = _regions(labels, int(count), log_gradient, axes)
    steepest, height = _highest(log_gradient, [axis.values for axis in axes], axes)
    return CliffRegions(
        regions,
        labels,
        log_step,
        log_gradient,
        reference,
        lowest,
        float(ratio),
        axes,
        steepest,
        height,
    )


def _checked(sweep: Sweep, ratio: float) -> tuple[tuple[Axis, Axis], SignedLog]:
    """Refuse a sweep or a ratio that says nothing about cliffs."""
    if not isinstance(sweep, Sweep):
        raise InputError(f"cliff_regions takes a sweep, got {type(sweep).__name__}; run sweep first")
    if not isinstance(ratio, float | int) or not 1 < ratio < np.inf:
        raise InputError(f"ratio must be above 1, got {ratio!r}; it is how much smaller the step is, e.g. 100")
    if len(sweep.axes) != 2:
        raise InputError(f"cliff regions need two axes, got {len(sweep.axes)}; sweep two parameters of the loss")
    if sweep.outcome.loss is None:
        raise InputError("cliff regions need a loss, the kernel has none; compile gradient(composition, loss, wrt=...)")
    for axis in sweep.axes:
        if axis.name not in sweep.outcome.gradient:
            wrt = ", ".join(sweep.kernel.target.wrt) or "nothing"
            raise InputError(f"the kernel differentiates by {wrt}, not by the axis {axis.name!r}; add it to wrt")
    return (sweep.axes[0], sweep.axes[1]), sweep.outcome.loss


def _difference(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a - b, undefined where either is."""
    with np.errstate(all="ignore"):
        return add(a, negate(b))


def _log(a: SignedLog) -> Array:
    """Return log|a| in nats: -inf where a is 0, nan where it is undefined."""
    return np.where(np.isnan(a.mantissa), np.nan, a.log_abs)


def _excess(loss: SignedLog, floor: float | None) -> tuple[Array, SignedLog]:
    """Return log(L - L*) of every point and L*; losses that are not finite are nan."""
    usable = np.isfinite(loss.mantissa) & np.isfinite(loss.exponent)
    if floor is not None:
        if not isinstance(floor, float | int) or not np.isfinite(floor):
            raise InputError(f"floor must be a finite number, got {floor!r}; leave it out to take the grid's smallest")
        lowest = SignedLog.from_float(float(floor))
    else:
        lowest = _smallest(loss, usable)
    above = _difference(loss, lowest)
    if floor is not None and np.any(usable & (above.mantissa < 0)):
        raise InputError(f"the loss falls below the floor {floor:g} on this grid; give a lower floor or leave it out")
    excess = np.where(usable, _log(above), np.nan)
    return excess, lowest


def _smallest(loss: SignedLog, usable: Mask) -> SignedLog:
    """Return the smallest finite loss; 0 where there is none."""
    if not usable.any():
        return SignedLog.from_float(0.0)
    signs = np.where(usable, np.sign(loss.mantissa), np.inf)
    least = signs.min()
    size = np.where(signs == least, loss.log_abs, np.nan)
    place = int(np.nanargmax(size) if least < 0 else np.nanargmin(size))
    return loss[np.unravel_index(place, loss.shape)]


def _gradient_norm(sweep: Sweep, axes: Sequence[Axis], scales: Sequence[float]) -> Array:
    """Return log‖∇L‖ with each derivative multiplied by its scale; nan where it is not finite."""
    logs = [_log(sweep.outcome.gradient[axis.name]) + np.log(scale) for axis, scale in zip(axes, scales, strict=True)]
    with np.errstate(invalid="ignore"):
        norm = 0.5 * np.logaddexp(2 * logs[0], 2 * logs[1])
    return np.where(np.isposinf(norm), np.nan, norm)


def _pairs(place: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the index of the first and of the second point of every edge along an axis."""
    first, second = [slice(None)] * 2, [slice(None)] * 2
    first[place], second[place] = slice(None, -1), slice(1, None)
    return (first[0], first[1]), (second[0], second[1])


def _with_edges(log_point: Array, loss: SignedLog, lowest: SignedLog, axes: Sequence[Axis]) -> Array:
    """Return log η of the cells: the least of the point's own and those of its edges."""
    whole = _log(_difference(loss, lowest))
    log_step = log_point.copy()
    for place, axis in enumerate(axes):
        first, second = _pairs(place)
        slope = _log(_difference(loss[second], loss[first])) + np.log(axis.count - 1)
        with np.errstate(invalid="ignore"):
            edge = np.where(np.isfinite(slope), np.maximum(whole[first], whole[second]) - 2 * slope, np.nan)
        for part in (first, second):
            log_step[part] = np.fmin(log_step[part], edge)
    return np.where(np.isnan(log_point), np.nan, log_step)


def _valley(excess: Array, log_box: Array) -> Mask:
    """Return the cells of the valley: the lowest ones whose gradient is finite and not 0."""
    usable = np.isfinite(log_box) & ~np.isnan(excess)
    places = np.flatnonzero(usable)
    count = max(FEWEST_VALLEY_CELLS, int(VALLEY_SHARE * places.size))
    valley = np.zeros(usable.shape, dtype=bool)
    valley.flat[places[np.argsort(excess.flat[places], kind="stable")[:count]]] = True
    return valley


def _valley_level(log_point: Array, valley: Mask) -> float:
    """Return log η of the valley, -inf where there is none."""
    finite = np.isfinite(log_point)
    if not (valley & finite).any():
        return -np.inf
    return float(min(np.median(log_point[valley & finite]), np.median(log_point[finite])))


def _highest(log_gradient: Array, values: Sequence[Array], axes: Sequence[Axis]) -> tuple[dict[str, float], float]:
    """Return the point of the largest gradient, and log‖∇L‖ there, -inf where it is 0 or undefined everywhere."""
    heights = np.where(np.isnan(log_gradient), -np.inf, log_gradient)
    place = np.unravel_index(int(np.argmax(heights)), heights.shape)
    point = {axis.name: float(along[i]) for axis, along, i in zip(axes, values, place, strict=True)}
    return point, float(heights[place])


def _regions(
    labels: NDArray[Any], count: int, log_gradient: Array, axes: tuple[Axis, Axis]
) -> tuple[tuple[CliffRegion, ...], NDArray[np.int32]]:
    """Return the labelled regions, the largest first, and the labels in that order."""
    found = list(_described(labels, count, log_gradient, axes))
    order = sorted(range(count), key=lambda i: (-found[i].cells, i))
    renumbered = np.zeros(count + 1, dtype=np.int32)
    for place, old in enumerate(order, start=1):
        renumbered[old + 1] = place
    return tuple(found[i] for i in order), renumbered[labels]


def _described(labels: NDArray[Any], count: int, log_gradient: Array, axes: tuple[Axis, Axis]) -> Iterator[CliffRegion]:
    from scipy import ndimage

    for number, box in enumerate(ndimage.find_objects(labels, max_label=count), start=1):
        part = labels[box] == number
        cells = int(part.sum())
        share = cells / labels.size
        inside = [axis.values[along] for axis, along in zip(axes, box, strict=True)]
        steepest, height = _highest(np.where(part, log_gradient[box], -np.inf), inside, axes)
        area = share * axes[0].side * axes[1].side
        yield CliffRegion(cells, share, area, _outline(part, inside, axes), steepest, height)


def _outline(part: Mask, inside: Sequence[Array], axes: Sequence[Axis]) -> tuple[Array, ...]:
    """Return closed polylines half a cell around the cells of a region, cut at the box."""
    import contourpy

    around = []
    for values, axis in zip(inside, axes, strict=True):
        around.append(np.concatenate([[values[0] - axis.spacing], values, [values[-1] + axis.spacing]]))
    generator = contourpy.contour_generator(around[0], around[1], np.pad(part, 1).T.astype(float))
    low, high = [a.low for a in axes], [a.high for a in axes]
    return tuple(np.clip(np.asarray(line), low, high) for line in generator.lines(0.5))
