"""Finer basins at the cost of their boundaries: only cells with several labels around them are followed again."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.phenomena.basins.attractors import Attractor
from symgrad.phenomena.basins.basin_maps import (
    DIVERGED,
    LONGEST_PERIOD,
    MOST_POINTS,
    UNDECIDED,
    Basins,
    cycle_label,
    largest_size,
    starts_of,
    window_unit,
)
from symgrad.phenomena.basins.labelling import INFINITY, NOBODY, Search, labelled
from symgrad.phenomena.basins.step_functions import Mask, step_function
from symgrad.sweeps import Axis

Index = NDArray[np.intp]
Reals = NDArray[np.float64]


def refine(basins: Basins, factor: int = 2, *, margin: int = 1, threads: int | None = None) -> Basins:
    """Return the basins of a window of the complex plane on a grid ``factor`` times as fine.

    A fine point inside a coarse cell whose corners, and the ``margin`` cells around, have one label inherits it, with
    the interpolated count; all others are followed. An island smaller than that neighbourhood may be missed.

    Raises
    ------
    InputError : basins that are not those of the complex plane, or too fine a grid

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> from symgrad.phenomena.basins.basin_maps import find_basins
    >>> coarse = find_basins(newton("z**2 - 1", "z"), ((-2, 2), (-2, 2)), points=40)
    >>> fine = refine(coarse, 3)
    >>> fine.shape, fine.computed < 0.3
    ((118, 118), True)
    """
    if basins.domain != "complex":
        raise InputError("only basins in the complex plane are refined; ask for more points on the line instead")
    if isinstance(factor, bool) or not isinstance(factor, int) or not 2 <= factor <= 16:
        raise InputError(f"factor must be a whole number from 2 to 16, got {factor!r}; give e.g. 2")
    axes = tuple(Axis(a.name, a.low, a.high, (a.count - 1) * factor + 1) for a in basins.axes)
    if np.prod([axis.count for axis in axes], dtype=float) > MOST_POINTS:
        raise InputError(f"a factor of {factor} makes more than {MOST_POINTS} points; give a smaller one")
    cells = np.ix_(*(np.minimum(np.arange(axis.count) // factor, axis.count // factor - 1) for axis in axes))
    unknown = _near_boundary(basins, margin)[cells]
    followed = np.flatnonzero(unknown)
    labels, smooth = basins.labels[cells], _interpolated(basins.smooth, factor)
    known = {**basins.attractors, **{cycle_label(j): cycle for j, cycle in enumerate(basins.cycles)}}
    search = Search(
        basins.tolerance, largest_size(axes), window_unit(axes), basins.max_steps, LONGEST_PERIOD, basins.roots, threads
    )
    step = step_function(basins.update, "complex").bind(basins.parameters)
    found = labelled(step, starts_of(axes)[followed], search, tuple(known.values()))
    more, table = _extended(basins, list(known), found.attractors)
    labels[unknown], smooth[unknown] = table[found.owners], found.smooth
    share = followed.size / labels.size
    return replace(more, axes=axes, labels=labels, smooth=smooth, computed=share)


def _near_boundary(basins: Basins, margin: int) -> Mask:
    """Return the cells with several labels, with no label of an attractor, or so near to such cells."""
    labels = basins.labels
    corners = [labels[i : labels.shape[0] - 1 + i, j : labels.shape[1] - 1 + j] for i in (0, 1) for j in (0, 1)]
    mixed = np.any([corner != corners[0] for corner in corners], axis=0)
    mixed |= np.any([(corner == UNDECIDED) | (corner == DIVERGED) for corner in corners], axis=0)
    for axis in (0, 1):
        grown = mixed.copy()
        for shift in range(1, margin + 1):
            first, last = [slice(None)] * 2, [slice(None)] * 2
            first[axis], last[axis] = slice(shift, None), slice(None, -shift)
            grown[tuple(first)] |= mixed[tuple(last)]
            grown[tuple(last)] |= mixed[tuple(first)]
        mixed = grown
    return np.asarray(mixed)


def _interpolated(values: Reals, factor: int) -> Reals:
    """Return the bilinear interpolation of a field on a grid ``factor`` times as fine."""
    weights = (np.arange(factor) / factor)[:, None]
    for _ in range(2):
        between = values[:-1, None] * (1 - weights) + values[1:, None] * weights
        values = np.concatenate([between.reshape(-1, values.shape[1]), values[-1:]]).T
    return values


def _extended(basins: Basins, labels: list[int], attractors: tuple[Attractor, ...]) -> tuple[Basins, NDArray[np.int32]]:
    """Return the basins with the attractors found late, and the label of every attractor."""
    roots, cycles, seen = list(basins.roots), list(basins.cycles), dict(basins.attractors)
    for attractor in attractors[len(labels) :]:
        if attractor.period == 1 and not basins.roots_given:
            labels.append(len(roots))
            roots.append(attractor.points[0])
            seen[labels[-1]] = attractor
        else:
            labels.append(cycle_label(len(cycles)))
            cycles.append(attractor)
    table = np.array([*labels, 0, 0], np.int32)
    table[NOBODY], table[INFINITY] = UNDECIDED, DIVERGED
    return replace(basins, roots=tuple(roots), cycles=tuple(cycles), attractors=seen), table
