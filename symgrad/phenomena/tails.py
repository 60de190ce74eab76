"""The last layers of a run: their factors, signs and states, and what these say about sign and orbit."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Sign
from symgrad.kernels import Status
from symgrad.kernels.ufuncs import run_program
from symgrad.sweeps import Sweep

Array = NDArray[np.float64]
Index = NDArray[np.intp]

WINDOW = 64
LONGEST_PERIOD = WINDOW // 3
SHORTEST = 8
CHECKED = 12
SETTLED = 1e-9
ESCAPED = 1e6
UNMEASURED = -1
FEW, SAFE = 64, 2.0**-500


class Orbit(Enum):
    """What the states do; the value is the sentence a report prints."""

    FIXED_POINT = "fixed point: the states have stopped moving"
    CYCLE = "cycle: the states repeat"
    CHAOTIC = "chaotic: the states neither settle nor leave, and neighbours separate exponentially"
    DIVERGING = "diverging: the states leave every bound"
    UNSETTLED = "unsettled: the layers computed do not show what the states do"

    @property
    def word(self) -> str:
        """The name in lower-case words, as JSON and tables print it.

        >>> Orbit.FIXED_POINT.word
        'fixed point'
        """
        return self.name.lower().replace("_", " ")


SIGNS, ORBITS = tuple(Sign), tuple(Orbit)


@dataclass(frozen=True)
class Prefix:
    """What the first applications of a chain yield at flat points.

    Parameters
    ----------
    state : shape (d, points)
    growth : log of the largest singular value of the product, in nats, shape (points,)
    sign : the sign of the product of a scalar chain, shape (points,); empty for several components
    product : the product's entries as floats, shape (d·d, points)
    """

    state: Array
    growth: Array
    sign: NDArray[np.int8]
    product: Array


def applications(sweep: Sweep) -> int | None:
    """Return how often the single block of a chain was applied, None for a chain of several blocks."""
    blocks = sweep.kernel.composition.at_depth(sweep.depth).blocks
    return int(blocks[0].depth) if len(blocks) == 1 and sweep.kernel.composition.domain == "real" else None


def _run(sweep: Sweep, first: int, count: int, start: Any, parameters: dict[str, Any], points: int) -> Prefix:
    """Evaluate ``count`` applications of the block from number ``first`` on."""
    kernel = sweep.kernel.repeated
    layered = set(kernel.composition.layered)
    values = {
        name: np.asarray(parameters[name])[first : first + count] if name in layered else parameters[name]
        for name in kernel.needed
    }
    outcome = kernel(start, values, depth=count)
    d = outcome.state.shape[0]

    def row(array: NDArray[Any], lead: int) -> NDArray[Any]:
        return np.broadcast_to(array.reshape(lead, -1), (lead, points))

    with np.errstate(all="ignore"):
        product = row(outcome.product.value, d * d)
    sign = row(outcome.product.sign, 1)[0] if d == 1 else np.zeros(0, dtype=np.int8)
    return Prefix(row(outcome.state, d), row(outcome.growth[:1], 1)[0], sign, product)


def _one_by_one(sweep: Sweep, application: int, state: Array, parameters: dict[str, Any]) -> Prefix | None:
    """Return one application at a few points by the programs themselves, None where these do not carry it safely."""
    programs, block = sweep.kernel.repeated.programs, sweep.kernel.composition.blocks[0]
    if isinstance(programs, str) or len(state) != 1:
        return None
    current, product = state[0], np.ones(state.shape[1])
    for layer in block.body:
        program = programs.layers[layer]
        given = [np.asarray(_entry(parameters, one, application), dtype=float) for one in program.inputs[1:]]
        current, factor = run_program(program, [current, *given])[:2]
        product = product * factor
    if not (np.isfinite(current).all() and np.isfinite(product).all() and (np.abs(product) > SAFE).all()):
        return None
    current, product = (np.broadcast_to(a, state.shape[1:]) for a in (current, product))
    return Prefix(current[None], np.log(np.abs(product)), np.sign(product).astype(np.int8), product[None])


def _entry(parameters: dict[str, Any], entering: Any, application: int) -> Any:
    given = parameters[entering.name]
    return given[application] if entering.kind == "layer" else given


def evaluate_prefix(sweep: Sweep, index: Index, count: int) -> Prefix:
    """Evaluate only the first ``count`` applications of a chain of one block at the flat points ``index``."""
    start, parameters = sweep.inputs(index)
    return _run(sweep, 0, count, start, parameters, index.size)


@dataclass(frozen=True)
class Tail:
    """The last applications of a chain.

    Parameters
    ----------
    states : the state before each of them and after the last, shape (m + 1, d, points)
    logs : log|factor| of each in nats, the largest singular value for several components, shape (m, points)
    signs : the factor's sign, shape (m, points); empty for several components
    before : log of the largest singular value of the product of all earlier applications, shape (points,)
    """

    states: Array
    logs: Array
    signs: NDArray[np.int8]
    before: Array


def tail(sweep: Sweep, index: Index) -> Tail:
    """Run the last applications, at most ``WINDOW`` of the second half of the chain, one by one."""
    total = applications(sweep)
    assert total is not None
    m = min(WINDOW, total - total // 2 if total >= SHORTEST else total)
    start, parameters = sweep.inputs(index)
    several = sweep.kernel.composition.dimension > 1
    if m < total:
        head = evaluate_prefix(sweep, index, total - m)
        states, before = [head.state], head.growth
    else:
        rows = [np.broadcast_to(np.asarray(s, dtype=float), index.shape) for s in (start if several else [start])]
        states, before = [np.stack(rows)], np.zeros(index.size)
    logs, signs = [], []
    for application in range(total - m, total):
        state = np.where(np.isnan(states[-1]), np.inf, states[-1])
        quick = _one_by_one(sweep, application, state, parameters) if index.size <= FEW else None
        step = quick or _run(sweep, application, 1, list(state) if several else state[0], parameters, index.size)
        states.append(step.state)
        logs.append(step.growth)
        signs.append(step.sign)
    return Tail(np.stack(states), np.stack(logs), np.stack(signs), before)


def period_of(rows: Array, tolerance: Any, *, checked: int = CHECKED) -> NDArray[np.int64]:
    """Return the least p such that the last rows repeat after p, 0 where none does.

    Parameters
    ----------
    rows : shape (m, points); p is at most m/3
    tolerance : how far rows may differ, a number or shape (points,)
    checked : how many of the last rows are compared, at least; two periods always are

    Examples
    --------
    >>> period_of(np.array([5.0, 1, 2, 1, 2, 1, 2])[:, None], 0.0, checked=4)
    array([2])
    """
    m = rows.shape[0]
    periods = np.zeros(rows.shape[1], dtype=np.int64)
    with np.errstate(invalid="ignore"):
        for p in range(min(LONGEST_PERIOD, m // 3), 0, -1):
            span = min(max(2 * p, checked), m - p)
            repeats = np.all(np.abs(rows[m - span :] - rows[m - span - p : m - p]) <= tolerance, axis=0)
            periods = np.where(repeats, p, periods)
    return periods


@dataclass(frozen=True)
class Facts:
    """What the signs and the states do at each point; codes index ``SIGNS`` and ``ORBITS``.

    Parameters
    ----------
    sign : shape (points,); ``UNMEASURED`` where the product is 0 or has several components
    orbit : shape (points,)
    period : the period of a cycle, 1 at a fixed point, 0 elsewhere, shape (points,)
    """

    sign: NDArray[np.int8]
    orbit: NDArray[np.int8]
    period: NDArray[np.int64]


def measure(sweep: Sweep, index: Index, *, tolerance: float) -> Facts:
    """Measure sign and orbit at flat points of a sweep over the last layers, at most ``WINDOW``."""
    growth = sweep.outcome.growth[0].reshape(-1)[index]
    status = sweep.outcome.status.reshape(-1)[index]
    if np.all(status != Status.FINITE):
        unmeasured = np.full(index.size, UNMEASURED, dtype=np.int8)
        diverging = np.full(index.size, ORBITS.index(Orbit.DIVERGING), dtype=np.int8)
        return Facts(unmeasured, diverging, np.zeros(index.size, dtype=np.int64))
    end = tail(sweep, index)
    return Facts(_signs(end, index.size), *_orbits(end, sweep, index, growth, status, tolerance))


def _signs(end: Tail, points: int) -> NDArray[np.int8]:
    if end.signs.size == 0:
        return np.full(points, UNMEASURED, dtype=np.int8)
    signs = end.signs.astype(float)
    conditions = [
        (signs == 0).any(axis=0) | ~np.isfinite(end.logs).all(axis=0),
        (signs > 0).all(axis=0),
        (signs < 0).all(axis=0),
        period_of(signs, 0.0, checked=len(signs)) > 0,
    ]
    choices = [UNMEASURED, *(SIGNS.index(s) for s in (Sign.CONSTANT, Sign.ALTERNATING, Sign.PERIODIC))]
    return np.select(conditions, choices, SIGNS.index(Sign.IRREGULAR)).astype(np.int8)


def _orbits(
    end: Tail, sweep: Sweep, index: Index, growth: Array, status: NDArray[np.int8], tolerance: float
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    d = end.states.shape[1]
    with np.errstate(all="ignore"):
        size = np.abs(end.states).max(axis=1)
        slack = SETTLED * (1 + size.max(axis=0))
        periods = np.stack([period_of(end.states[:, i], slack) for i in range(d)])
        period = np.where((periods > 0).all(axis=0), np.lcm.reduce(periods, axis=0), 0)
        rising = (np.diff(size, axis=0) >= 0).all(axis=0)
        start = sweep.inputs(index)[0]
        first = np.abs(np.stack([np.broadcast_to(s, index.shape) for s in (start if d > 1 else [start])]).astype(float))
        left = (status != Status.FINITE) | (rising & (size[-1] >= ESCAPED * (1 + first.max(axis=0))))
    tied = not sweep.kernel.composition.layered
    with np.errstate(invalid="ignore"):
        rate = (growth - end.before) / len(end.logs)
    # An orbit of a few layers that has not met itself again may still do so.
    chaotic = tied & (rate > tolerance) & (len(end.logs) >= 2 * CHECKED) & (size.max(axis=0) < ESCAPED)
    conditions = [left, period == 1, period > 1, chaotic]
    choices = [ORBITS.index(o) for o in (Orbit.DIVERGING, Orbit.FIXED_POINT, Orbit.CYCLE, Orbit.CHAOTIC)]
    orbit = np.select(conditions, choices, ORBITS.index(Orbit.UNSETTLED)).astype(np.int8)
    return orbit, np.where(left, 0, period)
