"""The fixed point or cycle an orbit has reached, in many digits: its points, multiplier and order of convergence."""

import math
from dataclasses import dataclass
from typing import Any

from symgrad.phenomena.newton.scalar_maps import Number, ScalarMap

ASIDE = 1e-7
ENOUGH = 80
SETTLED = 1e-200
ZERO = 1e-30
ROUNDED = 1e-230
RETURNS = 1e-5
ATTRACTS = 1 - 1e-6


@dataclass(frozen=True)
class Attractor:
    """A fixed point or cycle of an update, measured by coming back to it from beside it in many digits.

    Parameters
    ----------
    points : one period
    multiplier : the product of N' over the period, 0 where it falls below 1e-30 together with the distance
    order : measured order of convergence of N^period, None where the orbit does not come back
    """

    points: tuple[Number, ...]
    multiplier: Number
    order: float | None

    @property
    def size(self) -> float:
        """|multiplier|."""
        return abs(self.multiplier)

    @property
    def attracts(self) -> bool:
        """Whether neighbours come closer: |multiplier| < 1."""
        return self.size < ATTRACTS

    @property
    def rate(self) -> float:
        """The rate of the product of derivatives on it, log|multiplier|/period, in nats per step."""
        return math.log(self.size) / len(self.points) if self.size else -math.inf

    @property
    def diameter(self) -> float:
        """The largest distance between two of its points."""
        return max(abs(a - b) for a in self.points for b in self.points)

    @property
    def kind(self) -> str:
        """superattracting, attracting, indifferent or repelling.

        >>> Attractor((0.0,), 0.5, 1.0).kind
        'attracting'
        """
        if self.size == 0:
            return "superattracting"
        return "attracting" if self.attracts else "repelling" if self.size > 1 / ATTRACTS else "indifferent"


def _once_around(step: ScalarMap, point: Any, period: int) -> tuple[list[Any], Any] | None:
    points, product = [point], step.context.mpf(1)
    for _ in range(period):
        found = step.precise(points[-1])
        if found is None:
            return None
        points.append(found[0])
        product *= found[1]
    return points, product


def attractor_at(step: ScalarMap, point: Number, period: int) -> Attractor | None:
    """Return the fixed point or cycle at ``point``, approached in many digits from beside it; None where it has none.

    An update that has no value at the point itself, as Newton's at a multiple root, has one beside it.

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.newton.scalar_maps import scalar_map
    >>> found = attractor_at(scalar_map(Map("x/2 + 1/x", "x")), 1.41421356, 1)
    >>> found.points, found.kind, round(found.order, 3)
    ((1.4142135623730951,), 'superattracting', 2.0)
    """
    ctx = step.context
    here = ctx.mpmathify(point) + ctx.mpf(ASIDE) * (1 + abs(point))
    distances, latest, visited = [], None, [here]
    for _ in range(ENOUGH):
        around = _once_around(step, here, period)
        if around is None:
            break
        latest = around
        distances.append(abs(around[0][-1] - here))
        here = around[0][-1]
        visited.append(here)
        if distances[-1] < SETTLED or abs(here - point) > RETURNS * (1 + abs(point)):
            break
    if latest is None:
        return None
    points, product = latest
    if abs(points[-1] - point) > RETURNS * (1 + abs(point)) or abs(product) >= 1:
        return _on_the_point(step, point, period)
    zero = abs(product) < ZERO and distances[-1] < ZERO
    plain = float if step.update.domain == "real" else complex
    if period == 1 and not zero:
        points = [_accelerated(visited)]
    noise = max(distances[-1] * (1 if zero else ASIDE), step.context.mpf(ROUNDED))
    ordered = _in_order([_tidy(plain(p), noise) for p in points[-period:]])
    return Attractor(ordered, plain(0) if zero else plain(product), _order(distances, ctx))


def _accelerated(visited: list[Any]) -> Any:
    """Return the limit of a sequence that converges linearly, by Aitken's extrapolation of its last three points."""
    if len(visited) < 3:
        return visited[-1]
    a, b, c = visited[-3:]
    bend = c - 2 * b + a
    return c - (c - b) ** 2 / bend if bend else c


def _in_order(points: list[Number]) -> tuple[Number, ...]:
    """Return the points of a cycle in their order, from the least one on."""
    first = min(range(len(points)), key=lambda i: (complex(points[i]).real, complex(points[i]).imag))
    return (*points[first:], *points[:first])


def _tidy(value: Number, noise: Any) -> Number:
    """Put 0 for what is 0 to within the precision."""
    if isinstance(value, complex):
        return complex(*(0.0 if abs(part) <= noise else part for part in (value.real, value.imag)))
    return 0.0 if abs(value) <= noise else value


def _on_the_point(step: ScalarMap, point: Number, period: int) -> Attractor | None:
    """Return what stands at the point itself: something that repels, or that neither repels nor attracts."""
    plain = float if step.update.domain == "real" else complex
    around = _once_around(step, step.context.mpmathify(point), period)
    if around is None or abs(around[0][-1] - around[0][0]) > RETURNS * (1 + abs(point)):
        return None
    return Attractor(_in_order([plain(p) for p in around[0][:-1]]), plain(around[1]), None)


def _order(distances: list[Any], ctx: Any) -> float | None:
    """Return log(d_{k+1}/d_k)/log(d_k/d_{k-1}) of the last three steps that are not 0."""
    steps = [d for d in distances if d > 0]
    if len(steps) < 3 or not steps[-1] < steps[-2] < steps[-3]:
        return None
    a, b, c = steps[-3:]
    return float(ctx.log(c / b) / ctx.log(b / a))
