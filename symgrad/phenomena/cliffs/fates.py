"""The fate of a start: which attractor, which infinity or chaos a tied chain takes it to, at many points at once.

A point counts as settled once Newton's method on f^p(x) = x moves it by less than ``NEAR`` to a cycle whose multiplier
is below 1 in size and changes little on the way; an orbit lingering at a repeller has a multiplier above 1 and goes on.
Slow scalar orbits (the ghost of a fold, a repeller or an attractor with multiplier near ±1) are hastened. Where f^q
increases (q = 2 at first, 4 later), every point between x and the next fixed point of f^q in the direction of motion
has the fate of x; so one may leap ahead as far as Newton's step or the third root of the residual, short of any feature
that could hold a root, and further where f^q is straight.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.maps import Composition, Map
from symgrad.phenomena.cliffs.tied_step import LinearStep, Step, TiedStep, gathered, tied_step, times

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

STEPS = 4096
BATCH, LONGEST_BATCH = 16, 1024
LONGEST_PERIOD = 32
NEAR = 1e-6
EXACT, EPSILON = 1e-13, 2.0**-52
ESCAPED = 1e12
LEAPS, LEAP, FAR = 64, 0.02, 100.0
ALIKE, STRETCH = 0.1, 2.0
MEASURED, RATE, TURN, TURNS = 256, 0.01, 1e-3, 16
CHAOS_FROM = 512


class Fate(Enum):
    """Where a start goes; the value is the sentence a report prints."""

    FIXED_POINT = "a fixed point attracts the start"
    CYCLE = "a cycle attracts the start"
    PLUS_INFINITY = "the state grows beyond every bound"
    MINUS_INFINITY = "the state falls beyond every bound"
    CHAOTIC = "the state neither settles nor leaves, and neighbours separate exponentially in the steps made"
    UNSETTLED = "the state has not settled in the steps made: slow, or on a repeller to the last bit"

    @property
    def word(self) -> str:
        """The name in lower-case words, as JSON and tables print it.

        >>> Fate.FIXED_POINT.word
        'fixed point'
        """
        return self.name.lower().replace("_", " ")


FATES = tuple(Fate)
FIXED, CYCLE, PLUS, MINUS, CHAOTIC, UNSETTLED = range(len(FATES))


@dataclass(frozen=True, eq=False)
class Fates:
    """The fate of the start at every point.

    Parameters
    ----------
    codes : index in ``FATES``, shape points
    periods : 1 on a fixed point, p on a cycle, 0 elsewhere, shape points
    states : the settled state at times that are multiples of the period, shape (d, *points); nan where nothing settled
    multipliers : the multiplier of the cycle (several components: the largest size of one), shape points; of f^q where
        a slow scalar orbit ended unsettled, nan where nothing is known
    responses : d(settled state)/d(parameter along), shape (d, *points); nan where none was asked for
    """

    codes: NDArray[np.int8]
    periods: NDArray[np.int64] = field(repr=False)
    states: Array = field(repr=False)
    multipliers: Array = field(repr=False)
    responses: Array = field(repr=False)

    @property
    def state(self) -> Array:
        """The settled state of a scalar chain, shape points."""
        if len(self.states) != 1:
            raise InputError(f"a state of {len(self.states)} components has no single value; use .states")
        row: Array = self.states[0]
        return row

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the points."""
        return self.codes.shape

    def counts(self) -> dict[Fate, int]:
        """Return how many points have each fate that occurs."""
        found = {fate: int(np.sum(self.codes == place)) for place, fate in enumerate(FATES)}
        return {fate: count for fate, count in found.items() if count}


def fates(
    chain: Map | Composition,
    start: Any,
    parameters: Mapping[Any, Any],
    *,
    steps: int = STEPS,
    along: str | None = None,
) -> Fates:
    """Return where the start goes at every point of the parameters.

    Parameters
    ----------
    chain : a tied chain; its depth does not matter, the limit of many steps is meant
    start : the first state: a number or array, a sequence of them for several components
    parameters : name → number or array; they broadcast together
    steps : how many steps are made, at most, before a point is called unsettled or chaotic
    along : the parameter by which the settled state is differentiated

    Raises
    ------
    InputError : an untied chain, a parameter without a value, shapes that do not fit

    Examples
    --------
    >>> found = fates(Map("w*sigmoid(x) + b", "x"), 0.5, {"w": 5.0, "b": [-2.62, -2.60]})
    >>> [FATES[c].word for c in found.codes], found.state.round(6).tolist()
    (['fixed point', 'fixed point'], [-2.049471, 1.449966])
    >>> [fate.word for fate in fates(Map("w*x + b", "x"), 0.5, {"w": 2.0, "b": [-0.6, -0.4]}).counts()]
    ['plus infinity', 'minus infinity']
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a positive integer, got {steps!r}; give e.g. {STEPS}")
    step = tied_step(chain, along)
    first, values = gathered(step, start, parameters)
    shape = first.shape[1:]
    flat = {name: np.ascontiguousarray(v).reshape(-1) for name, v in values.items()}
    run = _Run(step, first.reshape(step.dimension, -1), flat)
    with np.errstate(all="ignore"):
        run.follow(steps)
    return Fates(
        run.codes.reshape(shape),
        run.periods.reshape(shape),
        run.states.reshape(-1, *shape),
        run.multipliers.reshape(shape),
        run.responses.reshape(-1, *shape),
    )


class _Run:
    """The points that are still under way, and what was found about the others."""

    def __init__(self, step: TiedStep, start: Array, values: dict[str, Array]) -> None:
        d, count = start.shape
        self.tied = step
        self.codes = np.full(count, UNSETTLED, dtype=np.int8)
        self.periods = np.zeros(count, dtype=np.int64)
        self.states = np.full((d, count), np.nan)
        self.multipliers = np.full(count, np.nan)
        self.responses = np.full((d, count), np.nan)
        self.moving: Index = np.arange(count)
        self.x = start
        self.leapt = np.zeros(count, dtype=bool)
        self.time, self.turn = 0, 2
        sizes = [np.abs(start).max(axis=0), *(np.abs(v) for v in values.values())]
        self.bound = ESCAPED * (1 + np.max(sizes, axis=0))
        self.values = values
        self.step, self.linear = step.step(values), step.linearised(values)

    def follow(self, steps: int) -> None:
        """Step until every point has a fate or the steps are used up."""
        batch = BATCH
        while self.moving.size and self.time < steps:
            before = self.x
            for _ in range(batch):
                self.x = self.step(self.x)
            self.time += batch
            self._drop(self._escaped(before, batch))
            self._drop(self._settled(2 if self.time <= 4 * BATCH else LONGEST_PERIOD))
            if self.tied.dimension == 1 and self.time > BATCH and self.moving.size:
                self._leap()
                if self.time >= CHAOS_FROM:
                    self._drop(self._neutral())
            if self.time >= CHAOS_FROM and self.moving.size:
                self.turn = 4
                self._drop(self._chaotic())
            if self.time >= 2 * BATCH:
                batch = min(2 * batch, LONGEST_BATCH)

    def _drop(self, done: Mask) -> None:
        """Go on without the points that have a fate."""
        if not done.any():
            return
        kept = np.flatnonzero(~done)
        self.moving, self.x = self.moving[kept], np.ascontiguousarray(self.x[:, kept])
        self.leapt, self.bound = self.leapt[kept], self.bound[kept]
        self.values = {name: v[kept] for name, v in self.values.items()}
        self.step, self.linear = self.tied.step(self.values), self.tied.linearised(self.values)

    def _escaped(self, before: Array, batch: int) -> Mask:
        """Record the points that left every bound in the last batch, with the sign they have at even times."""
        gone = np.asarray(~(np.abs(self.x).max(axis=0) <= self.bound))
        if not gone.any():
            return gone
        index = np.flatnonzero(gone)
        step = self.tied.step({name: v[index] for name, v in self.values.items()})
        state, bound = before[:, index], self.bound[index]
        signs, known = np.zeros(index.size), np.zeros(index.size, dtype=bool)
        for count in range(1, batch + 2):
            state = step(state)
            over = (np.abs(state).max(axis=0) > bound) & ~known
            largest = np.take_along_axis(state, np.abs(state).argmax(axis=0)[None], axis=0)[0]
            signs = np.where(over, np.sign(largest), signs)
            known |= over & (count % 2 == 0)
        self.codes[self.moving[index]] = np.select([signs > 0, signs < 0], [PLUS, MINUS], UNSETTLED)
        return gone

    def _settled(self, longest: int) -> Mask:
        """Record the points at a cycle of up to that period, and those that repeat to the last bit on a repeller."""
        here = self.x
        size = 1 + np.abs(here).max(axis=0)
        period = np.zeros(here.shape[1], dtype=np.int64)
        stuck = np.zeros(here.shape[1], dtype=bool)
        y, product = here, None
        for p in range(1, longest + 1):
            y, jacobian, _ = self.linear(y)
            product = jacobian if product is None else times(jacobian, product)
            close = (np.abs(y - here).max(axis=0) <= NEAR * size) & (period == 0)
            if not close.any():
                continue
            stable = radius_of(product) < 1
            ahead = np.abs(solved(product, y - here)).max(axis=0) <= NEAR * size
            period = np.where(close & stable & ahead, p, period)
            stuck |= close & ~stable & (y == here).all(axis=0)
        done = stuck & (period == 0)
        for p in np.unique(period[period > 0]):
            index = np.flatnonzero(period == p)
            done[index] = self._land(index, int(p))
        return np.asarray(done)

    def _land(self, index: Index, period: int) -> Mask:
        """Polish the cycle of the points by Newton's method and record it where the multiplier agrees on the way."""
        values = {name: v[index] for name, v in self.values.items()}
        linear, here = self.tied.linearised(values), self.x[:, index]
        residual, product, _, before = around(linear, here, period)
        first = np.abs(residual).max(axis=0)
        state = here + solved(product, residual)
        residual, product, sensitivity, after = around(linear, state, period)
        size = 1 + np.abs(state).max(axis=0)
        left = np.abs(residual).max(axis=0)
        alike = (after < 1) & (np.abs(after - before) <= 0.5 * (1 - before))
        good = alike & (left <= np.maximum(0.1 * first, EXACT * size))
        state = state + solved(product, residual)
        if period > 1:
            halved = self._halved(index, state, period) if period % 2 == 0 else np.zeros(index.size, dtype=bool)
            state = self._in_phase(self.tied.step(values), state, index, period)
            _, product, sensitivity, after = around(linear, state, period)
            good &= ~halved
        where = self.moving[index[good]]
        self.codes[where] = FIXED if period == 1 else CYCLE
        self.periods[where] = period
        self.states[:, where] = state[:, good]
        self.multipliers[where] = (product[0, 0] if self.tied.dimension == 1 else after)[good]
        if self.tied.along is not None:
            self.responses[:, where] = solved(product, sensitivity)[:, good]
        return np.asarray(good if period == 1 else good | halved)

    def _halved(self, index: Index, state: Array, period: int) -> Mask:
        """Record the points where a cycle this close is one of half the period, which attracts: short of a flip."""
        linear = self.tied.linearised({name: v[index] for name, v in self.values.items()})
        residual, product, _, _ = around(linear, state, period // 2)
        middle = state + solved(product, residual)
        _, _, _, after = around(linear, middle, period // 2)
        near = (np.abs(middle - state).max(axis=0) <= 1e-3 * (1 + np.abs(state).max(axis=0))) & (after < 1)
        if not near.any():
            return np.asarray(near)
        kept, self.x = self.x, self.x.copy()
        self.x[:, index] = middle
        landed = np.zeros(index.size, dtype=bool)
        landed[near] = self._land(index[near], period // 2)
        self.x = kept
        return landed

    def _in_phase(self, step: Step, state: Array, index: Index, period: int) -> Array:
        """Return the point of the cycle at multiples of its period, or its least point where leaps hid the time."""
        orbit = [state]
        for _ in range(period - 1):
            orbit.append(step(orbit[-1]))
        points = np.stack(orbit)
        phase = np.full(index.size, -self.time % period)
        if period > 2:
            phase = np.where(self.leapt[index], points[:, 0].argmin(axis=0), phase)
        chosen: Array = np.take_along_axis(points, phase[None, None], axis=0)[0]
        return chosen

    def _leap(self) -> None:
        """Hasten slow scalar orbits: go ahead to a point with the same next fixed point of f^q."""
        residual, product, _, _ = around(self.linear, self.x, self.turn)
        if not self._slow(residual[0], product[0, 0]).any():
            return
        share, reach = np.full(self.x.shape[1], 0.9), np.ones(self.x.shape[1])
        for _ in range(LEAPS):
            size = 1 + np.abs(self.x[0])
            g, m = residual[0], product[0, 0]
            slow = self._slow(g, m)
            if not slow.any():
                return
            short = np.minimum(size * np.cbrt(np.abs(g) / size) / 2, LEAP * size)
            cap = np.where(size > FAR, size, np.minimum(reach * short, size))
            length = np.maximum(share * np.minimum(np.abs(g) / np.abs(1 - m), cap), np.abs(g))
            ahead = self.x + np.sign(g) * length
            after, slope, _, _ = around(self.linear, ahead, self.turn)
            sound = slow & (np.sign(after[0]) == np.sign(g)) & (slope[0, 0] > 0)
            share = np.where(sound, 0.9, share / 2)
            straight = sound & (np.abs(slope[0, 0] - m) <= ALIKE * np.abs(1 - m) + EXACT)
            reach = np.where(straight, STRETCH * reach, 1.0)
            self.leapt |= sound
            self.x = np.where(sound, ahead, np.where(slow, self.x + residual, self.x))
            if (slow & ~sound).any():
                residual, product, _, _ = around(self.linear, self.x, self.turn)
            else:
                residual, product = np.where(sound, after, residual), np.where(sound, slope, product)

    def _neutral(self) -> Mask:
        """Say where f^q moves by no more than rounding at a rate of nearly 1: such points stay unsettled."""
        residual, product, _, _ = around(self.linear, self.x, self.turn)
        self.multipliers[self.moving] = product[0, 0]
        still = np.abs(residual[0]) <= EPSILON * (1 + np.abs(self.x[0]))
        return np.asarray(still & (np.abs(product[0, 0] - 1) < 0.1))

    def _slow(self, residual: Array, multiplier: Array) -> Mask:
        """Say where f^q moves little and increases at nearly unit rate."""
        size = 1 + np.abs(self.x[0])
        short = np.abs(residual) < np.where(size > FAR, 1.0, LEAP) * size
        slow: Mask = (multiplier > 0.5) & (multiplier < 2) & (residual != 0) & short
        return slow

    def _chaotic(self) -> Mask:
        """Record the points whose neighbours separate, by the mean rate, while f^q moves them to and fro."""
        d, count = self.x.shape
        gap = np.abs(self.step(self.step(self.x)) - self.x).max(axis=0)
        if not (gap > TURN * (1 + np.abs(self.x).max(axis=0))).any():
            return np.zeros(count, dtype=bool)
        tangent, total = np.full((d, count), d**-0.5), np.zeros(count)
        turns, rising = np.zeros(count), np.ones(count, dtype=bool)
        before, y, moved = self.x, self.x, np.zeros((d, count))
        for _ in range(MEASURED):
            after, jacobian, _ = self.linear(y)
            tangent = times(jacobian, tangent)
            norm = np.sqrt((tangent**2).sum(axis=0))
            total, tangent = total + np.log(norm), tangent / norm
            size = 1 + np.abs(after).max(axis=0)
            twice = (after - before) / size
            turns += ((twice * moved < 0) & (np.minimum(np.abs(twice), np.abs(moved)) > TURN)).any(axis=0)
            rising &= np.abs(after).max(axis=0) >= np.abs(y).max(axis=0)
            before, y, moved = y, after, twice
        chaotic = np.asarray((total / MEASURED > RATE) & (turns >= TURNS) & ~rising)
        self.codes[self.moving[chaotic]] = CHAOTIC
        return chaotic


def around(linear: LinearStep, x: Array, period: int) -> tuple[Array, Array, Array, Array]:
    """Return f^p(x) - x, the product of Jacobians, the sensitivity to the parameter and the spectral radius.

    Parameters
    ----------
    linear : x ↦ (f(x), ∂f/∂x, ∂f/∂θ)
    x : shape (d, points)
    period : p
    """
    y, product, sensitivity = linear(x)
    for _ in range(period - 1):
        y, jacobian, local = linear(y)
        product, sensitivity = times(jacobian, product), times(jacobian, sensitivity) + local
    return y - x, product, sensitivity, radius_of(product)


def radius_of(product: Array) -> Array:
    """Return the largest size of an eigenvalue of matrices of shape (d, d, points); infinite where one is undefined."""
    if len(product) == 1:
        size = np.abs(product[0, 0])
        return np.where(np.isfinite(size), size, np.inf)
    finite = np.isfinite(product).all(axis=(0, 1))
    safe = np.moveaxis(np.where(finite, product, 0.0), (0, 1), (-2, -1))
    return np.where(finite, np.abs(np.linalg.eigvals(safe)).max(axis=-1), np.inf)


def solved(product: Array, right: Array) -> Array:
    """Return (1 - M)⁻¹ r for matrices (d, d, points) and vectors (d, points); infinite where that is singular."""
    d = len(product)
    if d == 1:
        return np.asarray(right / (1 - product[0, 0]))
    matrix = np.moveaxis(np.eye(d).reshape(d, d, *[1] * (product.ndim - 2)) - product, (0, 1), (-2, -1))
    regular = np.abs(np.linalg.det(matrix)) > 0
    safe = np.where(regular[..., None, None], matrix, np.eye(d))
    answer = np.moveaxis(np.linalg.solve(safe, np.moveaxis(right, 0, -1)[..., None])[..., 0], -1, 0)
    return np.where(regular, answer, np.inf)
