"""Lyapunov spectra of maps: the growth rates of all tangent directions along an orbit, and what they rest on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Composition, Map
from symgrad.phenomena.spectra.fates import (
    CODE,
    FATES,
    Cycle,
    OrbitFate,
    fate_codes,
    find_cycles,
    landing_step,
    multipliers,
)
from symgrad.phenomena.spectra.jacobians import Array
from symgrad.phenomena.spectra.runs import LONG, Run, run_long, run_many
from symgrad.phenomena.spectra.sum_rule import exact_sum
from symgrad.phenomena.spectra.systems import NumericMap, System, system_of

SCATTER = 1e-4
WHERE_SUM_HOLDS = 1e-9
FATAL = (OrbitFate.DIED, OrbitFate.EXPLODED, OrbitFate.UNDEFINED)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Lyapunov exponents of a map at every point; (…) is the broadcast shape of start and parameters.

    Parameters
    ----------
    exponents : nats per step, largest first, shape (d, …); -inf for directions that the Jacobians annihilate, nan where
        the orbit gives no number
    standard_error : of each exponent, from independent orbits, or from batches of one orbit, shape (d, …); nan where
        there are too few steps
    sum_exact : log|det J|, the exact sum of all exponents, where it does not depend on the state; else None
    sum_measured : the sum that the orthonormalisations gave, before the exact one was put in, shape (…)
    fates : the fate of each orbit as a place in ``FATES``, shape (orbits, …)
    period : of the cycle an orbit repeats exactly, 0 where it does not, shape (orbits, …)
    ended : the step at which an orbit left float64 or landed on its repelling cycle, 0 where it did not or where the
        step is not known, shape (orbits, …)
    rounding : bound of the rounding in each exponent, nats per step, shape (d, …)
    orthonormalisations : how often the frames were orthonormalised
    steps, orbits, transient : as asked for
    """

    exponents: Array
    standard_error: Array
    sum_exact: Expr | None
    sum_measured: Array = field(repr=False)
    fates: NDArray[np.intp] = field(repr=False)
    period: NDArray[np.intp] = field(repr=False)
    ended: NDArray[np.intp] = field(repr=False)
    rounding: Array = field(repr=False)
    orthonormalisations: int = field(repr=False)
    steps: int = field(repr=False)
    orbits: int = field(repr=False)
    transient: int = field(repr=False)

    @property
    def fate(self) -> OrbitFate:
        """The fate that most orbits had."""
        return FATES[int(np.argmax(np.bincount(self.fates.ravel(), minlength=len(FATES))))]

    @property
    def annihilated(self) -> NDArray[np.intp]:
        """How many exponents are -inf, shape (…)."""
        return np.asarray(np.isneginf(self.exponents).sum(axis=0))

    @property
    def verdict(self) -> Verdict:
        """Undecided where no point has a number, else sampled: measured along orbits."""
        return Verdict.UNDECIDED if np.isnan(self.exponents).all() else Verdict.SAMPLED

    @property
    def dimension(self) -> Array:
        """The Kaplan–Yorke dimension of each point, shape (…).

        j + (λ_1 + … + λ_j)/|λ_{j+1}| with j the largest number of exponents of positive sum (Kaplan & Yorke 1979).
        """
        sums = np.cumsum(self.exponents, axis=0)
        count = np.cumprod(sums >= 0, axis=0).sum(axis=0)
        d = len(sums)
        with np.errstate(all="ignore"):
            top = np.take_along_axis(sums, np.maximum(count - 1, 0)[None], axis=0)[0]
            below = np.take_along_axis(self.exponents, np.minimum(count, d - 1)[None], axis=0)[0]
            inner = count + np.where(count > 0, top, 0.0) / np.abs(below)
        found = np.where(count == 0, 0.0, np.where(count == d, float(d), inner))
        return np.where(np.isnan(self.exponents).any(axis=0), np.nan, found)

    @property
    def status(self) -> str:
        """One sentence about the orbits, and one about directions without a finite exponent."""
        sentence = _about_orbits(self)
        if self.fate in (OrbitFate.EXPLODED, OrbitFate.UNDEFINED) and self.verdict is not Verdict.UNDECIDED:
            sentence += "; the Jacobian does not depend on the state, so the exponents stand"
        if np.max(self.annihilated, initial=0) and self.verdict is not Verdict.UNDECIDED:
            most = int(np.max(self.annihilated))
            lost = "direction is" if most == 1 else "directions are"
            sentence += f"; to double precision {most} {lost} annihilated by singular Jacobians: exponent -inf"
        return sentence


def lyapunov_spectrum(
    source: Map | Composition | NumericMap,
    start: Any,
    *,
    parameters: Mapping[str, Any] | None = None,
    steps: int,
    orbits: int = 1,
    transient: int = 0,
    seed: int = 0,
) -> Spectrum:
    """Return the Lyapunov exponents of an iterated map, by orthonormalised tangent frames.

    The frames are orthonormalised when their columns have spread, so the smallest exponent is as right as the
    largest. An orbit that repeats exactly and attracts gives the exponents of its cycle; one that dies in binary
    arithmetic, or leaves float64, gives none.

    Parameters
    ----------
    source : one application of the whole chain is one step
    start : one number or array for each component (a bare one for a scalar map)
    parameters : name → number or array; starts and parameters broadcast to the shape (…) of the points
    steps : steps measured, after ``transient`` steps that are not
    orbits : independent orbits at each point; from the second on their starts are scattered by 1e-4·(1 + |x|)
    seed : of the scatter

    Raises
    ------
    InputError : a value is missing, does not fit or is not finite; counts that are no positive integers

    Examples
    --------
    >>> tent_like = lyapunov_spectrum(Map("r*x*(1 - x)", "x"), 0.3, parameters={"r": 2.5}, steps=500)
    >>> tent_like.exponents.round(12).tolist(), tent_like.fate.word
    ([-0.69314718056], 'settled')
    >>> henon = Map(("1 - 1.4*x**2 + y", "0.3*x"), ("x", "y"))
    >>> found = lyapunov_spectrum(henon, (0.1, 0.1), steps=2000, transient=100)
    >>> found.sum_exact, bool(abs(found.exponents.sum() - np.log(0.3)) < 1e-14)
    (log(3/10), True)
    """
    system = system_of(source)
    _check_counts(steps, orbits, transient)
    shape, state, values = _gathered(system, start, parameters or {}, orbits, seed)
    with np.errstate(all="ignore"):
        run = _run(system, state, values, steps, transient)
        cycle = find_cycles(system, run.last, values, run.period)
        codes = fate_codes(system, state, run.last, values, cycle)
    fled = np.where(run.undefined, CODE[OrbitFate.UNDEFINED], CODE[OrbitFate.EXPLODED])
    codes = np.where(run.exploded > 0, fled, codes)
    means, errors = _means(run, cycle, codes)
    if system.frozen:
        means, errors = _of_constant_jacobian(system, state, values, codes)
    total = None if isinstance(source, NumericMap) else exact_sum(source, parameters)
    return _assembled(system, run, means, errors, codes, cycle, total, state, values, shape, orbits, steps, transient)


def _check_counts(steps: Any, orbits: Any, transient: Any) -> None:
    for name, value, least in (("steps", steps, 1), ("orbits", orbits, 1), ("transient", transient, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            kind = "a positive integer" if least else "an integer of at least 0"
            raise InputError(f"{name} must be {kind}, got {value!r}; give e.g. 1000")


def _gathered(
    system: System, start: Any, parameters: Mapping[str, Any], orbits: int, seed: int
) -> tuple[tuple[int, ...], Array, dict[str, Any]]:
    """Return the shape of the points, the flat starts of all orbits (d, orbits·points), and the values."""
    given = {str(name): value for name, value in parameters.items()}
    for name in sorted({*given, *system.names}):
        if name not in system.names:
            raise InputError(
                f"{name!r} is not a parameter here; the parameters are {', '.join(system.names) or 'none'}"
            )
        if name not in given:
            raise InputError(f"parameter {name!r} has no value; give one, e.g. {{{name!r}: 0.5}}")
    d = system.dimension
    components = [start] if d == 1 and np.ndim(start) == 0 else list(start)
    if d == 1 and len(components) != 1:
        components = [start]
    if len(components) != d:
        raise InputError(f"a state of {d} components needs {d} start values, got {len(components)}; give one for each")
    arrays = {f"start {i + 1}": _floats(f"start {i + 1}", c) for i, c in enumerate(components)}
    arrays |= {name: _floats(f"parameter {name!r}", given[name]) for name in system.names}
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays.values()))
    except ValueError:
        raise InputError("start and parameters do not broadcast to one shape; give arrays that do") from None
    points = math.prod(shape)
    if points < 1:
        raise InputError("no points were given; give at least one start")

    def flat(array: Array) -> Any:
        if array.ndim == 0:
            return float(array)
        return np.tile(np.broadcast_to(array, shape).reshape(-1), orbits)

    state = np.array([np.broadcast_to(flat(arrays[f"start {i + 1}"]), (orbits * points,)) for i in range(d)])
    if orbits > 1:
        noise = np.random.default_rng(seed).uniform(-SCATTER, SCATTER, (d, orbits, points)) * (
            1 + np.abs(state)
        ).reshape(d, orbits, points)
        noise[:, 0] = 0.0
        state = state + noise.reshape(d, -1)
    return shape, state, {name: flat(arrays[name]) for name in system.names}


def _floats(what: str, value: Any) -> Array:
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what} must be a number or an array, got {str(value)[:40]!r}; give e.g. 0.5") from None
    if not np.isfinite(found).all():
        raise InputError(f"{what} is not finite; give finite numbers")
    return found


def _run(system: System, state: Array, values: dict[str, Any], steps: int, transient: int) -> Run:
    """Follow the orbits in the way that is fastest for their number."""
    single = state.shape[1] == 1 and steps >= LONG and not isinstance(system.source, NumericMap)
    if single:
        plain = {name: float(np.ravel(v)[0]) for name, v in values.items()}
        found = run_long(system, state, plain, steps=steps, transient=transient)
        if found is not None:
            return found
    return run_many(system, state, values, steps=steps, transient=transient)


def _means(run: Run, cycle: Cycle, codes: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the exponents of each orbit, largest first, and their errors from its batches, both (d, points)."""
    weights = run.lengths[:, None, None] / run.lengths.sum()
    with np.errstate(all="ignore"):
        means = run.sums.sum(axis=0) / run.lengths.sum()
        count = len(run.lengths)
        rates = run.sums / run.lengths[:, None, None]
        spread = (weights * (rates - means) ** 2).sum(axis=0)
        errors = np.sqrt(spread / (count - 1)) if count > 1 else np.full_like(means, np.nan)
        errors = np.where(np.isneginf(means), 0.0, errors)
    order = np.argsort(-np.nan_to_num(means, nan=0.0, neginf=-np.inf), axis=0, kind="stable")
    means, errors = np.take_along_axis(means, order, axis=0), np.take_along_axis(errors, order, axis=0)
    settled = (codes == CODE[OrbitFate.SETTLED]) & ~np.isnan(cycle.exponents).any(axis=0)
    dead = np.isin(codes, [CODE[fate] for fate in FATAL])
    means = np.where(settled, cycle.exponents, np.where(dead, np.nan, means))
    return means, np.where(settled, 0.0, np.where(dead, np.nan, errors))


def _of_constant_jacobian(
    system: System, state: Array, values: dict[str, Any], codes: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Return log|eigenvalue| of a Jacobian that is the same at every state, whatever the orbit, unless that died."""
    with np.errstate(all="ignore"):
        factors = system.advance(state, values)[1]
    found = multipliers([factors], *state.shape)
    means = np.where(codes == CODE[OrbitFate.DIED], np.nan, found)
    return means, np.where(np.isnan(means), np.nan, 0.0)


def _assembled(
    system: System,
    run: Run,
    means: Array,
    errors: Array,
    codes: NDArray[np.intp],
    cycle: Cycle,
    total: Expr | None,
    state: Array,
    values: dict[str, Any],
    shape: tuple[int, ...],
    orbits: int,
    steps: int,
    transient: int,
) -> Spectrum:
    """Average over the orbits of each point, and put the exact sum in where the measured one agrees with it."""
    d = system.dimension
    by_orbit = means.reshape(d, orbits, *shape)
    alive = ~np.isnan(by_orbit).any(axis=0)
    count = alive.sum(axis=0)
    with np.errstate(all="ignore"):
        exponents = np.where(alive, by_orbit, 0.0).sum(axis=1) / np.where(count, count, np.nan)
        spread = (np.where(alive, by_orbit - exponents[:, None], 0.0) ** 2).sum(axis=1)
        of_orbits = np.sqrt(spread / (count - 1) / count)
    single = errors.reshape(d, orbits, *shape)[:, 0]
    standard_error = single if orbits == 1 else np.where(count > 1, of_orbits, np.nan)
    measured = exponents.sum(axis=0)
    rounding = run.rounding.reshape(d, orbits, *shape).max(axis=1)
    exponents = _with_exact_sum(exponents, total, measured, rounding)
    ended = np.where(codes == CODE[OrbitFate.DIED], 0, run.exploded * np.isin(codes, [CODE[f] for f in FATAL]))
    died = np.flatnonzero(codes == CODE[OrbitFate.DIED])
    if died.size:
        first = int(died[0])
        own = {name: v[first : first + 1] if np.ndim(v) else v for name, v in values.items()}
        place = slice(first, first + 1)
        ended[first] = landing_step(system, state[:, place], run.last[:, place], own, steps + transient) or 0
    whole = (orbits, *shape)
    return Spectrum(
        exponents,
        standard_error,
        total,
        measured,
        codes.reshape(whole),
        np.where(np.isin(codes, [CODE[OrbitFate.EXPLODED], CODE[OrbitFate.UNDEFINED]]), 0, cycle.period).reshape(whole),
        ended.reshape(whole),
        rounding,
        run.orthonormalisations,
        steps,
        orbits,
        transient,
    )


def _with_exact_sum(exponents: Array, total: Expr | None, measured: Array, rounding: Array) -> Array:
    """Let the smallest exponent carry the exact sum, where the measured sum agrees with it to rounding."""
    if total is None or total.free_symbols or not total.is_finite:
        return exponents
    exact = float(total)
    agrees = np.abs(measured - exact) <= WHERE_SUM_HOLDS * max(1.0, abs(exact)) + rounding.sum(axis=0)
    corrected = exponents.copy()
    rest = exponents[:-1].sum(axis=0)
    corrected[-1] = np.where(agrees, exact - rest, exponents[-1])
    return corrected


def _about_orbits(found: Spectrum) -> str:
    """Return the sentence about the fate of the orbits."""
    counts = np.bincount(found.fates.ravel(), minlength=len(FATES))
    total, fate = found.fates.size, found.fate
    here = found.fates == CODE[fate]
    lead = "" if here.all() else f"{int(here.sum())} of {total} orbits: "
    steps, periods = found.ended[here & (found.ended > 0)], np.unique(found.period[here])
    at = "" if not steps.size else f" at step {steps.min()}" if total == 1 else f", first at step {steps.min()}"
    cycle = (
        "a cycle" if periods.size != 1 else "a fixed point" if periods[0] == 1 else f"a cycle of period {periods[0]}"
    )
    sentence = fate.value
    if fate is OrbitFate.SETTLED:
        sentence = sentence.replace("a cycle", cycle)
    elif fate is OrbitFate.DIED:
        sentence = sentence.replace("arithmetic:", f"arithmetic{at}:").replace(
            "a repelling cycle", f"{cycle} that repels"
        )
    else:
        sentence += at
    others = [f"{int(counts[i])} {one.word}" for i, one in enumerate(FATES) if one is not fate and counts[i]]
    return f"{lead}{sentence}" + (f" (the others: {', '.join(others)})" if others else "")
