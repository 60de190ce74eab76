"""Enclosures of the state after T steps, of its sensitivities and of the loss gradient, over many parameter boxes.

Each step is evaluated by its natural interval extension, the hull of φ being exact. Where a step increases in the
state and moves one way with each parameter, as wφ(x) + b does for w > 0 and φ ≥ 0, the lowest and the highest state
are those of two corners of the box, and the enclosure of the orbit is its exact hull at every depth.

Near a line on which the start comes to rest the orbit is enclosed through its deviation e from the orbit on the
line, which a step takes to A(φ(z + h) - φ(z)) + …, h = αe + …: without cancellation at any distance, since for small
h the difference is taken as h·φ'([z, z + h]).
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from symgrad.certify import box_expressions
from symgrad.certify.box_functions import Shape
from symgrad.certify.boxes import Intervals
from symgrad.certify.covered_layers import Layer, Reference
from symgrad.certify.factors import Factor, factor_of, intervals_of, plus, times
from symgrad.maps import differentiate

LARGE = 2.0**200
CHECKED_EVERY = 4


@dataclass(frozen=True)
class Cells:
    """Boxes of parameters, in the parameters themselves or as (others, distance from a line).

    Parameters
    ----------
    parameters : each swept parameter's interval; the one of a line holds line + distance
    distance : the parameter of the line minus the line, None without a line
    """

    parameters: Mapping[Symbol, Intervals]
    distance: Intervals | None = None


@dataclass(frozen=True)
class _Coefficients:
    """The coefficients of one layer over the cells, and their derivatives by name."""

    shape: Shape
    outer: Factor
    scale: Factor
    inner: Factor
    offset: Factor
    slopes: Mapping[str, tuple[Factor, Factor, Factor, Factor]]

    def call(self, z: Factor) -> Factor:
        return z if self.shape.name == "identity" else self.shape.values(intervals_of(z))

    def slope(self, z: Factor) -> Factor:
        return 1 if self.shape.name == "identity" else self.shape.slopes(intervals_of(z))

    def local(self, name: str, x: Factor, call: Factor, slope: Factor) -> Factor:
        """Return ∂f/∂name = A_a φ + A φ'·(α_a x + β_a) + B_a."""
        outer, scale, inner, offset = self.slopes[name]
        inside = times(times(self.outer, slope), plus(times(scale, x), inner))
        return plus(plus(times(outer, call), inside), offset)


@dataclass(frozen=True)
class OrbitEnclosure:
    """Where the state after the last step and its sensitivities lie, cell by cell.

    Parameters
    ----------
    state : shape (cells,)
    sensitivities : name → ∂x_T/∂name, to be multiplied by 2**exponent
    exponent : whole numbers, shape (cells,)
    """

    state: Intervals
    sensitivities: Mapping[str, Intervals]
    exponent: Any


@dataclass(frozen=True)
class GradientEnclosure:
    """Enclosures of the gradient over boxes: intervals times 2**exponent, for each name."""

    parts: Mapping[str, Intervals]
    exponent: Any

    def size(self, wrt: str | None) -> Intervals:
        """Return the absolute value of one part, or the Euclidean norm, before the power of two."""
        if wrt is not None:
            part = self.parts[wrt]
            return Intervals(part.mignitude, part.magnitude)
        squares = [part**2 for part in self.parts.values()]
        total = squares[0]
        for square in squares[1:]:
            total = total + square
        low, high = np.sqrt(np.maximum(total.low, 0.0)), np.sqrt(total.high)
        return Intervals(np.maximum(low * (1 - 2.0**-50), 0.0), high * (1 + 2.0**-50))


@dataclass(frozen=True)
class OrbitProgram:
    """A tied chain with its depth, start and loss, ready to be enclosed over cells.

    Parameters
    ----------
    layers : of one application
    depth : how often they are applied
    start : the first state, an exact number
    names : the parameters the gradient is taken in
    state : the symbol of the state
    loss : an expression of the state and of parameters, None for the last state itself
    reference : the orbit on a line, for cells with a distance
    """

    layers: tuple[Layer, ...]
    depth: int
    start: Expr
    names: tuple[str, ...]
    state: Symbol
    loss: Expr | None = None
    reference: Reference | None = None
    symbols: tuple[Symbol, ...] = field(default=())

    @cached_property
    def _derivatives(self) -> tuple[Mapping[str, tuple[Expr, Expr, Expr, Expr]], ...]:
        """For each layer the derivative of each coefficient in each name, and in the line's parameter."""
        wanted = {*self.names, self.state.name} | ({self.reference.parameter.name} if self.reference else set())
        by_name = {s.name: s for s in self.symbols}
        found = []
        for layer in self.layers:
            rows = {}
            for name in sorted(wanted):
                symbol = by_name.get(name)
                parts = [differentiate(c, symbol) if symbol else Integer(0) for c in layer.coefficients]
                rows[name] = (parts[0], parts[1], parts[2], parts[3])
            found.append(rows)
        return tuple(found)

    def _coefficients(self, cells: Mapping[Symbol, Intervals]) -> list[_Coefficients]:
        result = []
        for layer, rows in zip(self.layers, self._derivatives, strict=True):
            outer, scale, inner, offset = (factor_of(c, cells) for c in layer.coefficients)
            slopes = {}
            for name, row in rows.items():
                a, b, c, d = (factor_of(e, cells) for e in row)
                slopes[name] = (a, b, c, d)
            result.append(_Coefficients(layer.shape, outer, scale, inner, offset, slopes))
        return result

    def orbit(self, cells: Cells) -> OrbitEnclosure:
        """Enclose the last state and its sensitivities."""
        walk = Walk(self, cells)
        for application in range(self.depth):
            walk.apply(application)
        return OrbitEnclosure(
            walk.widened(walk.x), {n: walk.widened(s) for n, s in walk.s.items()}, np.asarray(walk.exponent)
        )

    def step(self, cells: Cells, x: Intervals) -> tuple[Intervals, Intervals]:
        """Enclose one application of the chain to given states, and the size of its derivative in the state."""
        walk = Walk(self, Cells(cells.parameters))
        walk.x, walk.s = x, {self.state.name: 1}
        walk.apply(0)
        slope = walk.widened(walk.s[self.state.name])
        return walk.widened(walk.x), Intervals(slope.mignitude, slope.magnitude)

    def gradient(self, cells: Cells, orbit: OrbitEnclosure | None = None) -> GradientEnclosure:
        """Enclose the gradient of the loss, or of the last state, in every name, from an orbit that is known."""
        orbit = self.orbit(cells) if orbit is None else orbit
        if self.loss is None:
            return GradientEnclosure(orbit.sensitivities, orbit.exponent)
        where = {**cells.parameters, self.state: orbit.state}
        outer = box_expressions.slopes(self.loss, where, self.state)
        parts = {}
        for name, sensitivity in orbit.sensitivities.items():
            part = outer * sensitivity
            own = next((s for s in self.symbols if s.name == name and s in self.loss.free_symbols), None)
            if own is not None and own != self.state:
                part = part + scaled_down(box_expressions.slopes(self.loss, where, own), orbit.exponent)
            parts[name] = part
        return GradientEnclosure(parts, orbit.exponent)


def scaled_down(x: Intervals, exponent: Any) -> Intervals:
    """Return x·2**-exponent, exponents from 0 on; beyond 2**-1000 what is left lies between that and 0."""
    if not exponent.any():
        return x
    small, beyond = x.scaled(-np.minimum(exponent, 1000.0)), exponent > 1000
    low, high = np.where(beyond, np.minimum(small.low, 0.0), small.low), np.maximum(small.high, 0.0)
    return Intervals(low, np.where(beyond, high, small.high))


@dataclass(frozen=True)
class _Place:
    """Where the orbit on a line passes a layer: z = αx + β, the state after it, A, and how A, α, β, B move off it."""

    z: Factor
    after: Factor
    outer: Factor
    moves: tuple[Factor, Factor, Factor, Factor]
    expansion: "Expansion | None"


class Walk:
    """The running enclosures of one batch of cells; the one mutable thing here, and private to the room."""

    def __init__(self, program: OrbitProgram, cells: Cells) -> None:
        self.program, self.cells = program, cells
        self.count = max(np.size(side.low) for side in cells.parameters.values())
        self.layers = program._coefficients(cells.parameters)
        self.x: Factor = factor_of(program.start, {})
        self.s: dict[str, Factor] = {n: 1 if n == program.state.name else 0 for n in program.names}
        self.exponent: Any = np.zeros(self.count)
        self.e: Factor = 0
        self.unit: Factor = 1  # 2**-exponent, by which the local terms are multiplied
        self.passed = 0
        self.is_product = program.names == (program.state.name,)  # no local terms, so the scale may shrink as well
        if cells.distance is not None:
            self._on_line = self._reference()

    def widened(self, a: Factor) -> Intervals:
        """Return one interval for each cell."""
        a = intervals_of(a)
        return Intervals(np.broadcast_to(a.low, (self.count,)), np.broadcast_to(a.high, (self.count,)))

    def _reference(self) -> list[list[_Place]]:
        """Return each application on the line, layer by layer."""
        reference, cells = self.program.reference, self.cells.parameters
        assert reference is not None
        others = {s: v for s, v in cells.items() if s != reference.parameter}
        put = {reference.parameter: reference.line}
        rows = []
        for application in reference.applications:
            row = []
            for (z, y), layer, slopes in zip(application, self.program.layers, self.program._derivatives, strict=True):
                a, b, c, d = (factor_of(e.xreplace(put), others) for e in slopes[reference.parameter.name])
                at, after = factor_of(z, others), factor_of(y, others)
                expansion = None if layer.shape.name == "identity" else Expansion.around(layer.shape, intervals_of(at))
                row.append(_Place(at, after, factor_of(layer.outer.xreplace(put), others), (a, b, c, d), expansion))
            rows.append(row)
        return rows

    def part(self, index: Any) -> "Walk":
        """Return the walk of some of the cells."""
        walk = copy(self)
        walk.count = len(index)

        def some(value: Any) -> Any:
            return _at(value, index, self.count)

        walk.cells = some(self.cells)
        walk.layers = [some(layer) for layer in self.layers]
        walk.x, walk.e, walk.unit, walk.exponent = some(self.x), some(self.e), some(self.unit), some(self.exponent)
        walk.s = {name: some(s) for name, s in self.s.items()}
        if self.cells.distance is not None:
            walk._on_line = [[some(place) for place in row] for row in self._on_line]
        return walk

    def apply(self, application: int) -> None:
        """Apply the chain once."""
        for position, layer in enumerate(self.layers):
            if self.cells.distance is None:
                z = plus(times(layer.scale, self.x), layer.inner)
                call, slope = layer.call(z), layer.slope(z)
                after = plus(times(layer.outer, call), layer.offset)
            else:
                call, slope, after = self._deviate(application, position, layer)
            self._sensitivities(layer, call, slope)
            self.x = after

    def _deviate(self, application: int, position: int, layer: _Coefficients) -> tuple[Factor, Factor, Factor]:
        """Take the deviation from the orbit on the line through one layer."""
        u = self.cells.distance
        assert u is not None
        place = self._on_line[min(application, len(self._on_line) - 1)][position]
        inner, moves = self.before(application, position), place.moves
        h = plus(times(layer.scale, self.e), times(u, plus(times(moves[1], inner), moves[2])))
        call: Factor
        slope: Factor
        difference: Factor
        if place.expansion is None:
            call, slope, difference = plus(place.z, h), 1, h
        else:
            call, slope, difference = place.expansion.at(intervals_of(h))
        self.e = plus(times(place.outer, difference), times(u, plus(times(moves[0], call), moves[3])))
        return call, slope, plus(place.after, self.e)

    def before(self, application: int, position: int) -> Factor:
        """Return the state on the line that enters a layer."""
        if position:
            return self._on_line[min(application, len(self._on_line) - 1)][position - 1].after
        if application == 0:
            return factor_of(self.program.start, {})
        return self._on_line[min(application - 1, len(self._on_line) - 1)][-1].after

    def _sensitivities(self, layer: _Coefficients, call: Factor, slope: Factor) -> None:
        carried = times(times(layer.outer, layer.scale), slope)
        for name, s in self.s.items():
            local = layer.local(name, self.x, call, slope)
            self.s[name] = plus(times(carried, s), times(self.unit, local))
        self.passed += 1
        if self.passed % CHECKED_EVERY:
            return
        sizes = [intervals_of(s).magnitude for s in self.s.values()]
        shrinks = self.is_product and float(sizes[0].min()) < 1 / LARGE
        if shrinks or max(float(size.max()) for size in sizes) > LARGE:
            self._rescale(np.broadcast_to(np.max(np.broadcast_arrays(*sizes), axis=0), (self.count,)))

    def _rescale(self, size: Any) -> None:
        """Divide all sensitivities of a cell by the power of two that brings the largest near 1."""
        leaves = (size > LARGE) | (self.is_product & (size > 0) & (size < 1 / LARGE))
        finite = np.where(np.isfinite(size), size, 1.0)
        shift = np.where(leaves, np.frexp(finite)[1], 0)
        self.exponent = self.exponent + shift
        self.s = {name: self.widened(s).scaled(-shift) for name, s in self.s.items()}
        if not self.is_product:
            self.unit = scaled_down(Intervals(np.ones(self.count), np.ones(self.count)), self.exponent)


def _at(value: Any, index: Any, count: int) -> Any:
    """Return the rows of some cells of whatever holds arrays of one entry for each cell."""
    if isinstance(value, np.ndarray):
        return value[index] if value.shape == (count,) else value
    if isinstance(value, tuple):
        return tuple(_at(v, index, count) for v in value)
    if isinstance(value, Mapping):
        return {key: _at(v, index, count) for key, v in value.items()}
    if isinstance(value, Intervals | Cells | _Coefficients | _Place | Expansion):
        return replace(value, **{f.name: _at(getattr(value, f.name), index, count) for f in fields(value)})
    return value


@dataclass(frozen=True)
class Expansion:
    """φ around the places z where the orbit on a line enters a layer.

    Parameters
    ----------
    shape : φ
    z, base : the places and φ there
    ends : φ' at the two ends of z
    """

    shape: Shape
    z: Intervals
    base: Intervals
    ends: tuple[Any, Any]

    @staticmethod
    def around(shape: Shape, z: Intervals) -> "Expansion":
        """Return the expansion of φ around z.

        >>> from symgrad.certify.box_functions import shape_of
        >>> near = Expansion.around(shape_of("sigmoid"), Intervals(np.array([0.5]), np.array([0.5])))
        >>> call, slope, difference = near.at(Intervals(np.array([1e-200]), np.array([1e-200])))
        >>> bool(difference.low[0] > 2.35003e-201), bool(difference.high[0] < 2.35004e-201)
        (True, True)
        """
        return Expansion(shape, z, shape.values(z), (shape.slope(z.low), shape.slope(z.high)))

    def at(self, h: Intervals) -> tuple[Intervals, Intervals, Intervals]:
        """Enclose φ(z + h), φ'(z + h) and φ(z + h) - φ(z), the last to full relative accuracy however small h is.

        The difference is what the enclosures of the two values leave of h·φ'(between z and z + h).
        """
        shape, z, there = self.shape, self.z, self.z + h
        call = shape.values(there)
        at_low, at_high = shape.slope(there.low), shape.slope(there.high)
        between = z.hull(there)
        first = np.where(there.low < z.low, at_low, self.ends[0])
        last = np.where(there.high > z.high, at_high, self.ends[1])
        difference = (call - self.base).cut(h * shape.slope_hull(between, first, last))
        return call, shape.slope_hull(there, at_low, at_high), difference
