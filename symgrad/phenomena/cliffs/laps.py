"""How the number of monotone laps of θ ↦ x_T(θ) grows with T on a line of one parameter.

A lap ends where dx_T/dθ, carried along the orbit, changes its sign between two samples. The line is sampled more and
more densely; a depth counts as resolved where twice as many samples show the same number of laps, up to ``AGREEING``,
with ``PER_LAP`` samples or more for each. Exponential growth means that the cliffs on the line cannot be listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels.points import floats_of
from symgrad.maps import Composition, Map
from symgrad.phenomena.cliffs.tied_step import TiedStep, gathered, tied_step, times

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

DEPTHS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64)
FEWEST, MOST = 2**11, 2**16
AGREEING, PER_LAP = 0.01, 16
FEWEST_DEPTHS = 4
RATE = 0.05


class Growth(Enum):
    """How the number of laps grows with the depth; the value is the sentence a report prints."""

    NONE = "the number of monotone laps stops growing with the depth"
    POLYNOMIAL = "the number of monotone laps grows like a power of the depth"
    EXPONENTIAL = "the number of monotone laps grows exponentially with the depth: rough"
    UNKNOWN = "too few depths are resolved by the samples to say how the number of monotone laps grows"


@dataclass(frozen=True)
class Laps:
    """The number of monotone laps of θ ↦ x_T(θ) at several depths T.

    Parameters
    ----------
    along : the parameter θ
    depths : every depth asked for
    counts : the laps at each; None where the samples do not resolve them
    growth : how they grow over the resolved depths
    rate : nats per step where the growth is exponential, the exponent of T where it is a power, else 0
    samples : how many values of θ the last count used
    verdict : sampled
    statement : what was measured, in one sentence
    """

    along: str
    depths: tuple[int, ...]
    counts: tuple[int | None, ...]
    growth: Growth
    rate: float
    samples: int
    verdict: Verdict
    statement: str


def count_laps(
    chain: Map | Composition,
    start: Any,
    along: str,
    low: float,
    high: float,
    parameters: Mapping[Any, Any],
    *,
    depths: Sequence[int] = DEPTHS,
    most: int = MOST,
) -> Laps:
    """Return how many monotone laps θ ↦ x_T(θ) has at growing depths T; for several components, the most of one.

    Parameters
    ----------
    chain : a tied chain
    start : the first state, one number per component
    along : the parameter θ
    low, high : its range
    parameters : name → number of the others
    depths : the depths T, increasing
    most : how many values of θ are sampled, at most

    Raises
    ------
    InputError : depths that do not increase, a range that does not, a missing or an unknown parameter

    Examples
    --------
    >>> count_laps(Map("w*sigmoid(x) + b", "x"), 0.5, "b", -6, -1, {"w": 5.0}).growth.name
    'NONE'
    >>> rough = count_laps(Map("w*sin(x) + b", "x"), 0.5, "b", -1, 1, {"w": 3.5})
    >>> rough.growth.name, rough.counts[:3]
    ('EXPONENTIAL', (2, 3, 5))
    """
    step, at = _checked(chain, start, along, low, high, parameters, depths, most)
    samples = min(FEWEST, most)
    counts = _counted(step, start, along, np.linspace(low, high, samples), at, depths)
    resolved = np.zeros(len(depths), dtype=bool)
    while samples < most and not resolved.all():
        samples = min(2 * samples, most)
        finer = _counted(step, start, along, np.linspace(low, high, samples), at, depths)
        enough = np.abs(finer - counts) <= AGREEING * np.maximum(finer, counts)
        fine = enough & (finer * PER_LAP <= samples)
        resolved = np.logical_and.accumulate(fine)
        counts = finer
    return _described(along, depths, counts, resolved, samples)


def _checked(
    chain: Map | Composition,
    start: Any,
    along: str,
    low: float,
    high: float,
    parameters: Mapping[Any, Any],
    depths: Sequence[int],
    most: int,
) -> tuple[TiedStep, dict[str, Any]]:
    """Return the compiled step and the values of the other parameters, after refusing what is none."""
    whole = [isinstance(d, int) and not isinstance(d, bool) and d > 0 for d in depths]
    if not depths or not all(whole) or any(b <= a for a, b in pairwise(depths)):
        raise InputError(f"depths must be positive integers that increase, got {list(depths)!r}; give e.g. 4, 8, 16")
    if isinstance(most, bool) or not isinstance(most, int) or most < 2 * PER_LAP:
        raise InputError(f"most must be a whole number of at least {2 * PER_LAP}, got {most!r}; give e.g. {MOST}")
    ends = [floats_of(f"the {word} end of {along}", value) for word, value in (("low", low), ("high", high))]
    if any(e.ndim or not np.isfinite(e) for e in ends) or not ends[0] < ends[1]:
        raise InputError(f"the range of {along} must be two finite numbers that increase, got {low} to {high}")
    at = {str(name): value for name, value in parameters.items()}
    if along in at:
        raise InputError(f"{along!r} varies along the line and has a value as well; leave it out of the values")
    step = tied_step(chain, along)
    first, _ = gathered(step, start, at | {along: low})
    if first.ndim > 1:
        raise InputError("laps are counted on one line, got arrays of values; give a number for every parameter")
    return step, at


def _counted(
    step: TiedStep, start: Any, along: str, line: Array, at: Mapping[str, Any], depths: Sequence[int]
) -> Counts:
    """Return the number of laps seen in samples of the line at each depth."""
    state, values = gathered(step, start, {**at, along: line})
    linear = step.linearised(values)
    sensitivity = np.zeros(state.shape)
    counts = []
    with np.errstate(all="ignore"):
        for depth in range(1, depths[-1] + 1):
            state, jacobian, local = linear(state)
            sensitivity = times(jacobian, sensitivity) + local
            if depth in depths:
                counts.append(max(_turns(row) for row in sensitivity) + 1)
    return np.array(counts, dtype=np.int64)


def _turns(slopes: Array) -> int:
    """Return how often the sign changes from sample to sample, zeros and undefined ones left out."""
    signs = np.sign(slopes[np.isfinite(slopes) & (slopes != 0)])
    return int(np.sum(signs[1:] != signs[:-1]))


def _growth(depths: Array, counts: Array) -> tuple[Growth, float]:
    """Return how counts grow, by the better of the two straight lines log count over T and over log T."""
    if len(depths) < FEWEST_DEPTHS:
        return Growth.UNKNOWN, 0.0
    half = len(depths) // 2
    if counts[half:].max() <= counts[: half + 1].max():
        return Growth.NONE, 0.0
    logs = np.log(counts)
    fits = []
    for place in (depths, np.log(depths)):
        slope, offset = np.polyfit(place, logs, 1)
        fits.append((float(np.sum((slope * place + offset - logs) ** 2)), float(slope)))
    if fits[0][0] <= fits[1][0] and fits[0][1] > RATE:
        return Growth.EXPONENTIAL, fits[0][1]
    return Growth.POLYNOMIAL, fits[1][1]


def _described(along: str, depths: Sequence[int], counts: Counts, resolved: NDArray[np.bool_], samples: int) -> Laps:
    """Classify the growth over the resolved depths and say what was measured."""
    kept = np.flatnonzero(resolved).tolist()
    used = np.array([depths[i] for i in kept], dtype=np.float64)
    growth, rate = _growth(used, counts[kept].astype(np.float64))
    shown = tuple(int(c) if r else None for c, r in zip(counts, resolved, strict=True))
    if not kept:
        seen = f"no depth is resolved by {samples} samples of {along}"
    else:
        last = kept[-1]
        seen = f"{counts[kept[0]]} at T = {depths[kept[0]]}, {counts[last]} at T = {depths[last]}"
        seen = f"monotone laps of x_T along {along}, counted in {samples} samples: {seen}"
        if last + 1 < len(depths):
            seen += f"; beyond that the samples are too coarse to count them (at T = {depths[last + 1]})"
    measured = {
        Growth.EXPONENTIAL: f" at {rate:.3g} nats per step",
        Growth.POLYNOMIAL: f" with exponent {rate:.3g}",
    }.get(growth, "")
    statement = f"{seen}: {growth.value}{measured}"
    return Laps(along, tuple(depths), shown, growth, rate, samples, Verdict.SAMPLED, statement)
