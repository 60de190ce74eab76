"""The coordinates of the cells of a box of parameters: the parameters themselves, or the distance from a line.

With a line b = c(w) the cells are products of a w-interval and an interval of u = b - c(w); u is split by its
logarithm down to ``NEAREST``, so a wall 1e-18 wide, or 1e-270 wide, takes as many cells as one that can be seen. The
shear from (w, b) to (w, u) keeps areas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Symbol

from symgrad.certify import box_expressions
from symgrad.certify.boxes import Array, Intervals
from symgrad.certify.covered_layers import Reference, exact
from symgrad.certify.orbit_enclosures import Cells
from symgrad.errors import InputError
from symgrad.maps import differentiate

NEAREST = 2.0**-960


@dataclass(frozen=True)
class Frame:
    """A box and the coordinates of its cells.

    Parameters
    ----------
    symbols : the parameters, one for each axis
    sides : shape (axes, 2), the float box inside which everything is said
    reference : the line, None for cells in the parameters themselves
    """

    symbols: tuple[Symbol, ...]
    sides: Array
    reference: Reference | None = None

    @property
    def axis(self) -> int | None:
        """The axis that holds the distance from the line."""
        return None if self.reference is None else self.symbols.index(self.reference.parameter)

    @cached_property
    def is_straight(self) -> bool:
        """Whether the line is straight, so that the areas of cut cells are known in closed form."""
        if self.reference is None:
            return True
        return all(differentiate(differentiate(self.reference.line, s), s) == 0 for s in self.symbols)

    @property
    def area(self) -> float:
        """The area of the box (a length for one parameter, a volume for three)."""
        return float(np.prod(self.sides[:, 1] - self.sides[:, 0]))

    def line(self, cells: Array) -> Intervals:
        """Enclose the line over the cells, shape (cells,)."""
        assert self.reference is not None
        others = {s: _side(cells, i) for i, s in enumerate(self.symbols) if i != self.axis}
        value = box_expressions.values(self.reference.line, others)
        return Intervals(np.broadcast_to(value.low, len(cells)), np.broadcast_to(value.high, len(cells)))

    def first(self) -> Array:
        """Return the cells to begin with, shape (cells, axes, 2): the whole box, or the line and its two sides."""
        whole = self.sides[None].copy()
        if self.axis is None:
            return whole
        line = self.line(whole)
        low, high = float(self.sides[self.axis, 0] - line.high[0]), float(self.sides[self.axis, 1] - line.low[0])
        low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
        strips = [(low, min(high, -NEAREST)), (max(low, -NEAREST), min(high, NEAREST)), (max(low, NEAREST), high)]
        cells = []
        for strip in strips:
            if strip[0] < strip[1]:
                cell = whole[0].copy()
                cell[self.axis] = strip
                cells.append(cell)
        return np.array(cells)

    def grid(self, cuts: int) -> Array:
        """Return the first cells after that many halvings, the axes taking turns."""
        cells = self.first()
        for i in range(cuts):
            cells = self.halves(cells, i % len(self.symbols))
            cells = cells[self.meets(cells)]
        return cells

    def parameters(self, cells: Array) -> Cells:
        """Return the cells as intervals of the parameters, with the distance from the line."""
        sides = {s: _side(cells, i) for i, s in enumerate(self.symbols)}
        if self.axis is None:
            return Cells(sides)
        distance = sides[self.symbols[self.axis]]
        sides[self.symbols[self.axis]] = self.line(cells) + distance
        return Cells(sides, distance)

    def halves(self, cells: Array, axis: int) -> Array:
        """Cut cells in two across an axis; the distance from the line is cut by its logarithm."""
        low, high = cells[:, axis, 0], cells[:, axis, 1]
        middle = low / 2 + high / 2
        if axis == self.axis:
            wide = (low > 0) & (high > 2 * low) | (high < 0) & (low < 2 * high)
            inner = (
                np.sign(high) * np.sqrt(np.abs(np.where(wide, low, 1.0))) * np.sqrt(np.abs(np.where(wide, high, 1.0)))
            )
            middle = np.where(wide, inner, middle)
        first, second = cells.copy(), cells.copy()
        first[:, axis, 1] = middle
        second[:, axis, 0] = middle
        return np.concatenate([first, second])

    def middles(self, cells: Array) -> Array:
        """Return one point of each cell as a cell of no width, inside the box where the cell is."""
        middle = cells[:, :, 0] / 2 + cells[:, :, 1] / 2
        if self.axis is not None:
            low, high = cells[:, self.axis, 0], cells[:, self.axis, 1]
            apart = low * high > 0
            inner = np.sign(high) * np.sqrt(np.abs(np.where(apart, low, 1))) * np.sqrt(np.abs(np.where(apart, high, 1)))
            middle[:, self.axis] = np.where(apart, inner, middle[:, self.axis])
        return np.stack([middle, middle], axis=2)

    def meets(self, cells: Array) -> Any:
        """Say which cells have, or may have, a part in the box."""
        if self.axis is None:
            return np.ones(len(cells), dtype=bool)
        b = self.line(cells) + _side(cells, self.axis)
        return (b.high >= self.sides[self.axis, 0]) & (b.low <= self.sides[self.axis, 1])

    def holds(self, cells: Array) -> Any:
        """Say which cells certainly lie in the box."""
        if self.axis is None:
            return np.ones(len(cells), dtype=bool)
        b = self.line(cells) + _side(cells, self.axis)
        return (b.low >= self.sides[self.axis, 0]) & (b.high <= self.sides[self.axis, 1])

    def areas(self, cells: Array) -> Array:
        """Return the area of each cell's part in the box; beside a curved line the whole cell's, an upper bound."""
        plain = np.prod(cells[:, :, 1] - cells[:, :, 0], axis=1)
        if self.axis is None or len(cells) == 0:
            return np.asarray(plain)
        if self.is_straight and len(self.symbols) == 2 and np.any(cut := ~self.holds(cells)):
            plain[cut] = self._cut_areas(cells[cut])
        return np.asarray(plain)

    def _cut_areas(self, cells: Array) -> Array:
        """Integrate the overlap of [u] and the box's range over w, the line being straight."""
        assert self.axis is not None
        other = 1 - self.axis
        at = [self._line_at(cells, other, end) for end in (0, 1)]
        (low, high), (bottom, top) = cells[:, self.axis].T, self.sides[self.axis]
        width = cells[:, other, 1] - cells[:, other, 0]
        ends = ((top - low, 1.0), (top - high, -1.0), (bottom - low, -1.0), (bottom - high, 1.0))
        overlap = np.sum([sign * _mean_ramp(end - at[0], end - at[1]) for end, sign in ends], axis=0)
        return np.asarray(np.clip(overlap, 0.0, high - low) * width)

    def _line_at(self, cells: Array, other: int, end: int) -> Array:
        points = cells.copy()
        points[:, other, :] = cells[:, other, end][:, None]
        return np.asarray(self.line(points).low)


def _mean_ramp(a: Array, b: Array) -> Array:
    """Return the mean of max(0, ·) over the numbers between a and b."""
    a, b = np.minimum(a, b), np.maximum(a, b)
    span = b - a
    crossing = np.maximum(b, 0.0) ** 2 / np.where(span > 0, 2 * span, 1.0)
    return np.asarray(np.where(a >= 0, (a + b) / 2, np.where(b <= 0, 0.0, crossing)))


@dataclass(frozen=True)
class Splits:
    """How each cell came about, which tells where to cut it next.

    To first order the width of an enclosure is a sum over the axes. A cut that narrowed it from W to V across one axis
    leaves W - V to that axis and the rest of V to the others; the larger part is cut next.

    Parameters
    ----------
    axis : the axis across which the parent was cut, -1 for none
    width : the width of the enclosure over the cell once it is known, before that over the parent
    next : the axis to cut next
    """

    axis: Any
    width: Array
    next: Any

    @staticmethod
    def none(cells: Array) -> "Splits":
        """Return the record of cells that have not been cut."""
        count = len(cells)
        return Splits(np.full(count, cells.shape[1] - 1), np.zeros(count), np.zeros(count, dtype=np.int64))

    def at(self, index: Any) -> "Splits":
        """Return the record of some of the cells."""
        return Splits(self.axis[index], self.width[index], self.next[index])

    def joined(self, others: "Splits") -> "Splits":
        """Return this record with another one below it."""
        pairs = zip((self.axis, self.width, self.next), (others.axis, others.width, others.next), strict=True)
        axis, width, following = (np.concatenate(pair) for pair in pairs)
        return Splits(axis, width, following)

    def seen(self, width: Array, axes: int) -> "Splits":
        """Enter the widths of the enclosures over the cells."""
        own = np.maximum(self.width - width, 0.0)
        others = (np.maximum(width, 0.0) - own) / max(axes - 1, 1)
        return Splits(self.axis, width, np.where(own > others, self.axis, (self.axis + 1) % axes))


def cut(frame: Frame, cells: Array, splits: Splits) -> tuple[Array, Splits, Any]:
    """Cut each cell in two across its most promising axis, and drop the parts outside the box.

    Returns
    -------
    the parts, their records, and for each part the row of the cell it comes from
    """
    parts, parents, axes = [cells[:0]], [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for i in range(len(frame.symbols)):
        chosen = np.flatnonzero(splits.next == i)
        if len(chosen):
            halves = frame.halves(cells[chosen], i)
            kept = frame.meets(halves)
            parts.append(halves[kept])
            parents.append(np.concatenate([chosen, chosen])[kept])
            axes.append(np.full(len(parts[-1]), i))
    rows, axis = np.concatenate(parents), np.concatenate(axes)
    return np.concatenate(parts), Splits(axis, splits.width[rows], axis), rows


def _side(cells: Array, axis: int) -> Intervals:
    return Intervals(np.ascontiguousarray(cells[:, axis, 0]), np.ascontiguousarray(cells[:, axis, 1]))


def frame_of(box: Mapping[str, tuple[Any, Any]], symbols: Mapping[str, Symbol], reference: Reference | None) -> Frame:
    """Return the frame of a box of floats; a bound that is no float is moved inwards, and the statement shows it.

    Raises
    ------
    InputError : a side whose low end is not below its high end
    """
    sides = []
    for name, (low, high) in box.items():
        first, last = (box_expressions.constant(exact(end, f"a bound of {name}")) for end in (low, high))
        if not first.high < last.low or not np.isfinite([first.high, last.low]).all():
            raise InputError(f"the box has {name} from {low} to {high}; a finite low end below the high end is needed")
        sides.append([float(first.high), float(last.low)])
    return Frame(tuple(symbols[name] for name in box), np.array(sides), reference)
