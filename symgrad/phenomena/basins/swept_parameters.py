"""Basins on the real line over a parameter: start by parameter value, roots followed from value to value."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from symgrad.maps import Map
from symgrad.phenomena.basins.attractors import Attractor
from symgrad.phenomena.basins.basin_maps import DIVERGED, UNDECIDED, Basins, Setting, cycle_label, same_place
from symgrad.phenomena.basins.following import on_threads
from symgrad.phenomena.basins.labelling import INFINITY, NOBODY, Labelled, labelled
from symgrad.sweeps import Axis

SAME_BRANCH = 0.25


class _Branches:
    """The attractors named so far, each with where it was seen last."""

    def __init__(self, reach: float) -> None:
        self.reach = reach
        self.first: list[Attractor] = []
        self.last: list[complex] = []

    def named(self, attractors: tuple[Attractor, ...]) -> list[int]:
        """Return the branch of each attractor: the nearest one of its period, each once, else a new one."""
        pairs = sorted(
            (abs(self.last[b] - a.points[0]), j, b)
            for j, a in enumerate(attractors)
            for b in range(len(self.first))
            if self.first[b].period == a.period
        )
        names: dict[int, int] = {}
        for distance, j, b in pairs:
            if j not in names and b not in names.values() and distance <= self.reach:
                names[j] = b
        for j in sorted(range(len(attractors)), key=lambda j: attractors[j].points[0].real):
            if j not in names:
                names[j] = len(self.first)
                self.first.append(attractors[j])
                self.last.append(attractors[j].points[0])
            self.last[names[j]] = attractors[j].points[0]
        return [names[j] for j in range(len(attractors))]


def swept_basins(update: Map, setting: Setting, axes: tuple[Axis, ...]) -> Basins:
    """Return basins over (parameter, start): each value of the parameter on its own, its roots joined to the last's.

    A root keeps its label from one value to the next while it moves by less than a quarter of the window.
    """
    across, line = axes
    starts, search = line.values, replace(setting.search, threads=1)

    def column(value: float) -> Labelled:
        return labelled(setting.bound(**{across.name: value}), starts, search)

    columns: list[Labelled] = on_threads(column, [float(v) for v in across.values], setting.search.threads)
    branches = _Branches(SAME_BRANCH * line.side)
    names = [branches.named(column.attractors) for column in columns]
    roots = [b for b, a in enumerate(branches.first) if a.period == 1 and _is_root(a, search.known)]
    cycles = [b for b in range(len(branches.first)) if b not in roots]
    labels = {b: k for k, b in enumerate(roots)} | {b: cycle_label(place) for place, b in enumerate(cycles)}
    places = np.full((len(roots), across.count), np.nan)
    for number, (found, own) in enumerate(zip(columns, names, strict=True)):
        for j, b in enumerate(own):
            if b in roots:
                places[roots.index(b), number] = found.attractors[j].points[0].real
    return Basins(
        update,
        setting.parameters,
        axes,
        np.stack([_relabelled(found, own, labels) for found, own in zip(columns, names, strict=True)]),
        np.stack([found.smooth for found in columns]),
        tuple(branches.first[b].points[0] for b in roots),
        tuple(branches.first[b] for b in cycles),
        {k: branches.first[b] for k, b in enumerate(roots)},
        "real",
        search.steps,
        search.tolerance,
        places,
    )


def _is_root(attractor: Attractor, known: tuple[complex, ...]) -> bool:
    return not known or any(same_place(root, attractor.points[0]) for root in known)


def _relabelled(found: Labelled, own: list[int], labels: dict[int, int]) -> NDArray[np.int32]:
    table = np.empty(len(own) + 2, np.int32)
    table[NOBODY], table[INFINITY] = UNDECIDED, DIVERGED
    for j, b in enumerate(own):
        table[j] = labels[b]
    relabelled: NDArray[np.int32] = table[found.owners]
    return relabelled
