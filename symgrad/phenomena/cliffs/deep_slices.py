"""Cliff regions of a two-weight slice of a deep product, in closed form, and its steepest point in a box.

In box units, h the sides of the box, the step that would reach the floor is η_P = 1/(4 s F) with F = Σ (p m h/w)². F
never falls when a weight grows in size. So in each quadrant the points where η_P is more than κ times below the
valley's step are those beyond one falling curve: a region is one piece with the quadrant's outermost corner in it, or
empty, and no grid is needed to find it. The step of the valley is the largest one on it in the box, that of its least
sharp point: a step tuned there overshoots by κ everywhere in the region.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product as combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Mul, Pow, Rational

from symgrad.derivation import DeepProduct
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict

Array = NDArray[np.float64]
Signs = tuple[int, int]

KAPPA = 100.0
OUTLINE_POINTS = 200
HALVINGS = 60
SAMPLES = 401


@dataclass(frozen=True, eq=False)
class SliceRegion:
    """A connected cliff region of a slice.

    Parameters
    ----------
    quadrants : the signs of the two weights in the quadrants it reaches into
    area : its share of the box, between 0 and 1 (by quadrature of its exact boundary)
    parameter_area : its area in units of the two weights
    outline : one closed polyline for each quadrant, shape (points, 2), on the exact boundary
    steepest : its outermost corner with the largest gradient, name → value
    log_gradient : log‖∇L‖ there, in parameter units
    """

    quadrants: tuple[Signs, ...]
    area: float
    parameter_area: float
    outline: tuple[Array, ...] = field(repr=False)
    steepest: Mapping[str, float]
    log_gradient: float


@dataclass(frozen=True, eq=False)
class SliceCliffs:
    """The cliffs of a two-weight slice in a box.

    Parameters
    ----------
    deep : the product
    box : name → (low, high), of both weights
    kappa : how much smaller η_P is on a cliff than on the valley
    valley_point : the least sharp point of the valley in the box; None where the box holds no valley
    log_reference_step : log η_P there, in box units; nan without a valley
    regions : the cliff regions, the largest first; none without a valley
    steepest : the point of the largest gradient in the box, name → value
    log_gradient : log‖∇L‖ there, in parameter units
    evidence : what the largest gradient rests on
    """

    deep: DeepProduct
    box: Mapping[str, tuple[float, float]]
    kappa: float
    valley_point: Mapping[str, float] | None
    log_reference_step: float
    regions: tuple[SliceRegion, ...]
    steepest: Mapping[str, float]
    log_gradient: float
    evidence: Evidence

    @property
    def kind(self) -> str:
        """An attractor on one side, infinity on the other."""
        return "escarpment"

    @property
    def origin(self) -> str:
        """What it belongs to."""
        return "valley"

    @property
    def exponent(self) -> Expr:
        """d log‖Hessian‖ / d log‖gradient‖ far out."""
        return self.deep.exponent

    @property
    def verdict(self) -> Verdict:
        """What the number and the places of the regions rest on."""
        return self.deep.evidence["growth"].verdict

    @property
    def definition(self) -> str:
        """What makes a point belong to a cliff region, in one sentence."""
        return (
            f"a cliff region is where the step that would reach the floor, in box units, is more than {self.kappa:g} "
            "times smaller than at the least sharp point of the valley in the box"
        )


def slice_cliffs(deep: DeepProduct, box: Mapping[str, Any], *, kappa: float = KAPPA) -> SliceCliffs:
    """Return the cliff regions and the steepest point of a deep product of two weights in a box.

    Parameters
    ----------
    deep : with two free weights, each shared by its layers, and numbers for everything else
    box : weight → (low, high)
    kappa : above 1

    Raises
    ------
    InputError : other weights than those of the box, a constant without a value, a box without extent

    Examples
    --------
    >>> from symgrad.derivation import deep_product
    >>> from symgrad.maps import apply_slice, stack, Map
    >>> net = apply_slice(stack(Map("w*x", "x"), 6), "u=w[1..3], v=w[4..6]").composition
    >>> cliffs = slice_cliffs(deep_product(net, "(x - 1)**2", start=1), {"u": (-2, 2), "v": (-2, 2)})
    >>> len(cliffs.regions), cliffs.steepest, cliffs.evidence.verdict.word
    (4, {'u': -2.0, 'v': 2.0}, 'proved')
    """
    if isinstance(kappa, bool) or not isinstance(kappa, float | int) or not 1 < kappa < math.inf:
        raise InputError(f"kappa must be above 1, got {kappa!r}; it is how much smaller the step is, e.g. 100")
    numbers = StepField.of(deep, box)
    valley = numbers.least_sharp()
    regions: tuple[SliceRegion, ...] = ()
    reference = math.nan
    if valley is not None:
        level = float(numbers.log_steepness(*np.abs(valley), box_units=True))
        reference = -math.log(4) - numbers.log_scale - level
        regions = _regions(numbers, level + math.log(kappa))
    point, height, evidence = _largest(numbers)
    names = numbers.names
    bounds = dict(zip(names, numbers.ends, strict=True))
    at_valley = None if valley is None else dict(zip(names, valley, strict=True))
    return SliceCliffs(deep, bounds, float(kappa), at_valley, reference, regions, point, height, evidence)


@dataclass(frozen=True, eq=False)
class StepField:
    """The numbers of a two-weight slice: everything by sign and logarithm, so that no depth overflows."""

    deep: DeepProduct
    names: tuple[str, str]
    ends: tuple[tuple[float, float], tuple[float, float]]
    powers: tuple[int, int]
    sign: int
    log_constant: float
    target: float
    log_scale: float

    @staticmethod
    def of(deep: DeepProduct, box: Mapping[str, Any]) -> "StepField":
        """Gather the numbers of a deep product over a box."""
        parts = deep.parts
        names = tuple(str(w.symbol) for w in parts.weights)
        if len(names) != 2 or any(w.own for w in parts.weights) or set(names) != set(box):
            raise InputError(
                f"two shared weights and their two axes are needed, got weights {', '.join(names)} and a box of "
                f"{', '.join(map(str, box)) or 'nothing'}; tie the weights with a slice"
            )
        for value in (parts.constant, parts.target, parts.scale):
            if not value.is_number:
                raise InputError(f"the cliffs of a slice need numbers, but {value} has no value; give it one")
        ends = tuple((float(box[name][0]), float(box[name][1])) for name in names)
        for name, (low, high) in zip(names, ends, strict=True):
            if not -math.inf < low < high < math.inf:
                raise InputError(f"the axis {name} must have low < high, got {low:g} and {high:g}; give e.g. (-2, 2)")
        sign, size = sign_and_log(parts.constant)
        powers = tuple(int(w.multiplicity) for w in parts.weights)
        scale = sign_and_log(parts.scale)[1]
        return StepField(
            deep,
            (names[0], names[1]),
            (ends[0], ends[1]),
            (powers[0], powers[1]),
            sign,
            size,
            float(parts.target),
            scale,
        )

    @property
    def sides(self) -> tuple[float, float]:
        """The sides of the box."""
        return self.ends[0][1] - self.ends[0][0], self.ends[1][1] - self.ends[1][0]

    @cached_property
    def quadrants(self) -> Mapping[Signs, tuple[tuple[float, float], tuple[float, float]]]:
        """The signs of the weights → the ranges of their sizes in the box."""
        ranges: list[dict[int, tuple[float, float]]] = []
        for low, high in self.ends:
            sizes = {}
            if low < 0:
                sizes[-1] = (max(0.0, -high), -low)
            if high > 0:
                sizes[1] = (max(0.0, low), high)
            ranges.append(sizes)
        return {(i, j): (ranges[0][i], ranges[1][j]) for i, j in combinations(*ranges)}

    def sign_of_product(self, signs: Signs) -> int:
        """Return the sign of p in a quadrant."""
        return self.sign * int(np.prod([s**m for s, m in zip(signs, self.powers, strict=True)]))

    def log_product(self, first: Any, second: Any) -> Any:
        """Return log|p| at sizes of the weights."""
        with np.errstate(divide="ignore"):
            return self.log_constant + self.powers[0] * np.log(first) + self.powers[1] * np.log(second)

    def log_steepness(self, first: Any, second: Any, *, box_units: bool) -> Any:
        """Return log Σ (p m h/w)², h = 1 outside box units; on an axis by its limit."""
        h = self.sides if box_units else (1.0, 1.0)
        (m, d), logs = self.powers, [_power_log(first), _power_log(second)]
        one = math.log(m * h[0]) + logs[0](m - 1) + logs[1](d)
        other = math.log(d * h[1]) + logs[0](m) + logs[1](d - 1)
        return 2 * self.log_constant + np.logaddexp(2 * one, 2 * other)

    def log_gradient(self, signs: Signs, first: Any, second: Any) -> Any:
        """Return log‖∇L‖ in parameter units at sizes of the weights in a quadrant."""
        log_p, log_y = self.log_product(first, second), math.log(abs(self.target))
        if self.sign_of_product(signs) * self.target < 0:
            gap = np.logaddexp(log_p, log_y)
        else:
            with np.errstate(divide="ignore"):
                gap = np.maximum(log_p, log_y) + np.log(-np.expm1(-np.abs(log_p - log_y)))
        return math.log(2) + self.log_scale + gap + 0.5 * self.log_steepness(first, second, box_units=False)

    def corner(self, signs: Signs) -> tuple[float, float]:
        """Return the sizes of the weights at the outermost corner of a quadrant."""
        first, second = self.quadrants[signs]
        return first[1], second[1]

    def least_sharp(self) -> tuple[float, float] | None:
        """Return the point of the valley in the box at which η_P is largest, None where the box holds no valley.

        Along the valley in the logarithms of the sizes, Σ (m h/w)² is convex; its least point, m h²/w² equal for both
        weights, is moved to the nearest end of the box's part of the valley.
        """
        (m, d), (h, g) = self.powers, self.sides
        total = math.log(abs(self.target)) - self.log_constant
        best: tuple[float, tuple[float, float]] | None = None
        for signs, (first, second) in sorted(self.quadrants.items(), reverse=True):
            if self.sign_of_product(signs) * self.target < 0:
                continue
            low = max(_log(first[0]), (total - d * _log(second[1])) / m)
            high = min(_log(first[1]), (total - d * _log(second[0])) / m)
            if low > high:
                continue
            balanced = (total + d * 0.5 * math.log(m * h**2 / (d * g**2))) / (m + d)
            along = min(max(balanced, low), high)
            sizes = math.exp(along), math.exp((total - m * along) / d)
            level = float(self.log_steepness(*sizes, box_units=True))
            if best is None or level < best[0]:
                best = level, (signs[0] * sizes[0], signs[1] * sizes[1])
        return None if best is None else best[1]


def sign_and_log(value: Expr) -> tuple[int, float]:
    """Return the sign and log|value| of a number other than 0, also where it has too many digits to write.

    >>> sign_and_log(Pow(Rational(-1, 2), 10**6 + 1, evaluate=False))
    (-1, -693147.8737071259)
    """
    if isinstance(value, Mul):
        signs, logs = zip(*(sign_and_log(part) for part in value.args), strict=True)
        return int(np.prod(signs)), math.fsum(logs)
    if isinstance(value, Pow) and value.exp.is_Integer:
        sign, log = sign_and_log(value.base)
        return sign ** (int(value.exp) % 2), int(value.exp) * log
    if isinstance(value, Rational):
        return (1 if value > 0 else -1), math.log(abs(value.p)) - math.log(value.q)
    number = float(value)
    return (1 if number > 0 else -1), math.log(abs(number))


def _log(size: float) -> float:
    return math.log(size) if size > 0 else -math.inf


def _power_log(sizes: Any) -> Any:
    """Return power → log(sizes**power), where a size of 0 to the power 0 is 1."""
    with np.errstate(divide="ignore"):
        logs = np.log(sizes)
    return lambda power: power * logs if power else np.zeros_like(logs)


def _largest(numbers: StepField) -> tuple[dict[str, float], float, Evidence]:
    """Return the steepest point of the box, log‖∇L‖ there, and what shows that no other is steeper.

    Where p has not the sign of y, or passes 2y, |p - y| is largest at the outermost corner, as p m/w is. Elsewhere
    |p - y| <= |y| bounds the gradient.
    """
    found: list[tuple[float, int, Signs, tuple[float, float]]] = []
    bound = -math.inf
    for signs, (first, second) in numbers.quadrants.items():
        corner = numbers.corner(signs)
        away = numbers.sign_of_product(signs) * numbers.target < 0
        height = float(numbers.log_gradient(signs, *corner))
        if away or numbers.log_product(*corner) >= math.log(2 * abs(numbers.target)):
            found.append((height, int(away), signs, corner))
            continue
        steepness = 0.5 * float(numbers.log_steepness(*corner, box_units=False))
        bound = max(bound, math.log(2 * abs(numbers.target)) + numbers.log_scale + steepness)
        grid = [np.linspace(*ends, SAMPLES) for ends in (first, second)]
        heights = numbers.log_gradient(signs, grid[0][:, None], grid[1][None, :])
        place = np.unravel_index(int(np.nanargmax(heights)), heights.shape)
        found.append((float(heights[place]), 0, signs, (float(grid[0][place[0]]), float(grid[1][place[1]]))))
    height, _, signs, sizes = max(found, key=lambda row: (row[0], row[1], [-s for s in row[2]]))
    point = {name: sign * size for name, sign, size in zip(numbers.names, signs, sizes, strict=True)}
    growth = numbers.deep.evidence["growth"]
    claim = "no gradient in the box is larger than at " + ", ".join(f"{k} = {v:g}" for k, v in point.items())
    if bound <= height and growth.verdict is Verdict.PROVED:
        method = f"monotone in the size of every weight ({growth.method}); values in float64"
        return point, height, Evidence(claim, Verdict.PROVED, method)
    sampled = f"{SAMPLES} x {SAMPLES} points of each quadrant in which p stays below 2*y"
    return point, height, Evidence(claim, Verdict.SAMPLED, sampled)


def _regions(numbers: StepField, level: float) -> tuple[SliceRegion, ...]:
    """Return the connected pieces of the points of the box where log F is above a level, the largest first."""
    inside = [
        signs
        for signs in numbers.quadrants
        if float(numbers.log_steepness(*numbers.corner(signs), box_units=True)) > level
    ]
    groups: list[set[Signs]] = []
    for signs in inside:
        touching = [g for g in groups if any(_joined(numbers, signs, other, level) for other in g)]
        groups = [g for g in groups if g not in touching] + [{signs}.union(*touching)]
    regions = [_region(numbers, sorted(group, reverse=True), level) for group in groups]
    return tuple(sorted(regions, key=lambda region: (-region.area, [(-i, -j) for i, j in region.quadrants])))


def _joined(numbers: StepField, one: Signs, other: Signs, level: float) -> bool:
    """Say whether the regions of two quadrants meet on the axis between them."""
    places = [i for i in (0, 1) if one[i] != other[i]]
    if len(places) != 1:
        return False
    sizes = [0.0 if i == places[0] else numbers.corner(one)[i] for i in (0, 1)]
    return float(numbers.log_steepness(*sizes, box_units=True)) > level


def _region(numbers: StepField, group: list[Signs], level: float) -> SliceRegion:
    outlines, area = [], 0.0
    for signs in group:
        outline, part = _beyond(numbers, signs, level)
        outlines.append(outline)
        area += part
    heights = {signs: float(numbers.log_gradient(signs, *numbers.corner(signs))) for signs in group}
    best = max(group, key=lambda signs: heights[signs])
    corner = numbers.corner(best)
    steepest = {n: s * c for n, s, c in zip(numbers.names, best, corner, strict=True)}
    share = area / (numbers.sides[0] * numbers.sides[1])
    return SliceRegion(tuple(group), share, area, tuple(outlines), steepest, heights[best])


def _beyond(numbers: StepField, signs: Signs, level: float) -> tuple[Array, float]:
    """Return the outline and the area of the part of a quadrant beyond the curve log F = level."""
    (inner, outer), (low, high) = numbers.quadrants[signs]

    def above(first: Any, second: Any) -> Any:
        return numbers.log_steepness(first, second, box_units=True) > level

    start, stop = inner, outer
    if not above(inner, high):
        for _ in range(HALVINGS):
            middle = 0.5 * (start + stop)
            start, stop = (start, middle) if above(middle, high) else (middle, stop)
    first = np.linspace(stop, outer, OUTLINE_POINTS)
    bottom, top = np.full_like(first, low), np.full_like(first, high)
    everywhere = above(first, bottom)
    for _ in range(HALVINGS):
        between = 0.5 * (bottom + top)
        up = above(first, between)
        bottom, top = np.where(up, bottom, between), np.where(up, between, top)
    edge = np.where(everywhere, low, top)
    sizes = np.array([[*first, outer, stop, stop], [*edge, high, high, edge[0]]]).T
    return sizes * np.array(signs), float(np.trapezoid(high - edge, first))
