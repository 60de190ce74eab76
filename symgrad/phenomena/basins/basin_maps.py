"""Basins of attraction: every start of a window labelled by the root, the cycle or the infinity it goes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, entered
from symgrad.phenomena.basins.attractors import Attractor
from symgrad.phenomena.basins.labelling import INFINITY, NOBODY, Labelled, Search, labelled
from symgrad.phenomena.basins.step_functions import BoundStep, StepFunction, Values, step_function
from symgrad.sweeps import Axis

UNDECIDED, DIVERGED, FIRST_CYCLE = NOBODY, INFINITY, -3
STEPS, TOLERANCE, LONGEST_PERIOD = 200, 1e-10, 8
MOST_POINTS = 20_000_000
SAME_ROOT = 1e-6
NAMED = 6


def cycle_label(place: int) -> int:
    """Return the label of the cycle at that place of ``Basins.cycles``: -3, -4, …

    >>> cycle_label(0)
    -3
    """
    return FIRST_CYCLE - place


@dataclass(frozen=True, eq=False)
class Basins:
    """Which attractor takes each start, and how fast.

    Parameters
    ----------
    update, parameters : the map, and the numbers put for its parameters
    axes : Re z and Im z, or the state; with a swept parameter: the parameter, then the state
    labels : k >= 0 for root k, ``cycle_label(j)`` for cycle j, DIVERGED (-2), UNDECIDED (-1); the shape of the axes
    smooth : real number of steps to within ``tolerance`` of the attractor (of a cycle's first point); nan elsewhere
    roots : root k, attracting fixed points of the update; with a swept parameter at the first value they exist at
    cycles : attracting cycles, and attracting fixed points that are none of the roots given
    attractors : those of ``roots`` that were seen, by label, with multiplier, order of convergence and disc of capture
    branches : root k at every value of the swept parameter, nan where it is not seen, shape (roots, values); else None
    computed : share of the points whose orbit was followed; the others were filled in by ``refine``
    roots_given : whether the roots were given; other attracting fixed points are then cycles of period 1
    """

    update: Map
    parameters: Mapping[str, float | complex]
    axes: tuple[Axis, ...]
    labels: NDArray[np.int32] = field(repr=False)
    smooth: NDArray[np.float64] = field(repr=False)
    roots: tuple[complex, ...]
    cycles: tuple[Attractor, ...]
    attractors: Mapping[int, Attractor] = field(repr=False)
    domain: str
    max_steps: int
    tolerance: float
    branches: NDArray[np.float64] | None = field(default=None, repr=False)
    computed: float = 1.0
    roots_given: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The counts of the axes."""
        return tuple(axis.count for axis in self.axes)

    @property
    def verdict(self) -> Verdict:
        """What the labels rest on: orbits in floating point, one for each point of a grid."""
        return Verdict.SAMPLED

    def name_of(self, label: int) -> str:
        """Return what a label means, in words.

        >>> plane = find_basins(Map("(z + 1/z)/2", "z"), ((-2, 2), (-2, 2)), points=4)
        >>> plane.name_of(0), plane.name_of(DIVERGED)
        ('root 0', 'diverged')
        """
        if label >= 0:
            return f"root {label}"
        if label > FIRST_CYCLE:
            return "undecided" if label == UNDECIDED else "diverged"
        period = self.cycles[FIRST_CYCLE - label].period
        return f"cycle {FIRST_CYCLE - label} (period {period})"

    def shares(self) -> dict[str, float]:
        """Return the share of the points with each label that occurs, roots first.

        >>> find_basins(Map("(x + 1/x)/2", "x"), (-2, 2), points=4, domain="real").shares()
        {'root 0': 0.5, 'root 1': 0.5}
        """
        found, counts = np.unique(self.labels, return_counts=True)
        shares = {int(label): float(count) / self.labels.size for label, count in zip(found, counts, strict=True)}
        order = sorted(shares, key=lambda label: (label < 0, label > FIRST_CYCLE, abs(label)))
        return {self.name_of(label): shares[label] for label in order}

    @property
    def statement(self) -> str:
        """What was done and found, in one sentence."""
        grid = " x ".join(str(axis.count) for axis in self.axes)
        window = ", ".join(f"{axis.name} in [{axis.low:g}, {axis.high:g}]" for axis in self.axes)
        found = ", ".join(f"{name} {share:.2%}" for name, share in _leading(self.shares()))
        filled = "" if self.computed == 1.0 else f" ({self.computed:.1%} of them followed, the others filled in)"
        return (
            f"{grid} starts with {window}{filled}, at most {self.max_steps} steps each: {found}; a start counts as "
            f"taken once its orbit is in a disc that the map shrinks at every direction sampled ({self.verdict.word})"
        )


def _leading(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the shares worth naming: all but the smallest of many roots, which are summed."""
    roots = sorted((name for name in shares if name.startswith("root")), key=lambda name: -shares[name])
    small = set(roots[NAMED:]) if len(roots) > NAMED + 1 else set()
    named = [(name, share) for name, share in shares.items() if name not in small]
    rest = (f"{len(small)} other roots", sum(shares[name] for name in small))
    first = [pair for pair in named if pair[0] in roots]
    return first + [rest] * bool(small) + [pair for pair in named if pair[0] not in roots]


@dataclass(frozen=True)
class Setting:
    """What a grid of starts is followed with."""

    step: StepFunction
    parameters: Mapping[str, float | complex]
    search: Search

    def bound(self, **more: float) -> BoundStep:
        """Return the step at the parameters, and at a value of the swept one."""
        return self.step.bind({**self.parameters, **more})


def find_basins(
    update: Map,
    window: Sequence[Any],
    *,
    points: int | tuple[int, int] = 400,
    domain: str = "complex",
    roots: Sequence[Any] | None = None,
    parameters: Mapping[Any, Any] | None = None,
    max_steps: int = STEPS,
    tolerance: float = TOLERANCE,
    longest_period: int = LONGEST_PERIOD,
    threads: int | None = None,
) -> Basins:
    """Return which root, cycle or infinity takes every start of a window under repetition of an update.

    Parameters
    ----------
    update : a scalar map; the attracting fixed points of an update rule are the roots it was made for
    window : ((re low, re high), (im low, im high)) in the complex plane, (low, high) on the real line
    points : starts along each axis, or a pair
    roots : known roots, in the order of their labels; without them every attracting fixed point is one, sorted
    parameters : name → number; on the real line one of them may be a pair (low, high), which makes a plane
    max_steps : after which a start is undecided
    tolerance : smoothed counts say when this distance is reached; orbits are followed to steps of its square root
        (times a quarter of the window), and to steps of its own size where that does not tell attractors apart
    longest_period : of the cycles looked for

    Raises
    ------
    InputError : a map of several components, a parameter without a value, ends that are not in order

    References
    ----------
    Peitgen & Richter (1986), *The Beauty of Fractals*, ch. 6.

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> plane = find_basins(newton("z**3 - 2*z + 2", "z"), ((-2, 2), (-2, 2)), points=40)
    >>> [(cycle.period, cycle.superattracting) for cycle in plane.cycles], len(plane.roots)
    ([(2, True)], 3)
    """
    step = step_function(update, domain)
    given, swept = _split(step.names, parameters, domain)
    axes = _axes(update, window, points, swept, domain)
    check_counts(max_steps, longest_period, tolerance)
    known = tuple(_number(root, domain) for root in roots or ())
    sides = axes if domain == "complex" else axes[-1:]
    search = Search(tolerance, largest_size(sides), window_unit(sides), max_steps, longest_period, known, threads)
    setting = Setting(step, given, search)
    if swept is not None:
        from symgrad.phenomena.basins.swept_parameters import swept_basins  # one module on, it fills in a Basins

        return swept_basins(update, setting, axes)
    found = labelled(setting.bound(), starts_of(axes), setting.search)
    return assembled(update, setting, axes, found, roots is not None)


def assembled(update: Map, setting: Setting, axes: tuple[Axis, ...], found: Labelled, rooted: bool) -> Basins:
    """Return the labels of a grid: given roots keep their order, found ones are sorted."""
    search, shape = setting.search, tuple(axis.count for axis in axes)
    fixed = [j for j, a in enumerate(found.attractors) if a.period == 1]
    places: dict[int, int] = {}
    if rooted:
        roots = search.known
        for j in fixed:
            point = found.attractors[j].points[0]
            near = min(range(len(roots)), key=lambda k: abs(roots[k] - point), default=None)
            if near is not None and same_place(roots[near], point):
                places[j] = near
    else:
        fixed.sort(key=lambda j: _sorting(found.attractors[j].points[0]))
        roots = tuple(found.attractors[j].points[0] for j in fixed)
        places = {j: k for k, j in enumerate(fixed)}
    cycles = sorted(set(range(len(found.attractors))) - set(places), key=lambda j: _cycle_sorting(found.attractors[j]))
    table = np.empty(len(found.attractors) + 2, np.int32)
    table[NOBODY], table[INFINITY] = UNDECIDED, DIVERGED
    for j, k in places.items():
        table[j] = k
    for place, j in enumerate(cycles):
        table[j] = cycle_label(place)
    return Basins(
        update,
        setting.parameters,
        axes,
        table[found.owners].reshape(shape),
        found.smooth.reshape(shape),
        roots,
        tuple(found.attractors[j] for j in cycles),
        {k: found.attractors[j] for j, k in places.items()},
        "complex" if setting.step.complex else "real",
        search.steps,
        search.tolerance,
        roots_given=rooted,
    )


def same_place(one: complex, other: complex) -> bool:
    """Return whether two roots are the same up to rounding."""
    return abs(one - other) <= SAME_ROOT * max(1.0, abs(one))


def _sorting(z: complex) -> tuple[float, float]:
    return round(z.real, 9) + 0.0, round(z.imag, 9) + 0.0


def _cycle_sorting(cycle: Attractor) -> tuple[int, tuple[float, float]]:
    return cycle.period, _sorting(cycle.points[0])


def starts_of(axes: Sequence[Axis]) -> Values:
    """Return the starts of a grid in one row: x of one axis, x + iy of two."""
    if len(axes) == 1:
        return axes[0].values.copy()
    return (axes[0].values[:, None] + 1j * axes[1].values[None, :]).ravel()


def largest_size(axes: Sequence[Axis]) -> float:
    """Return the largest end of the axes in size, at least 1: the scale of tolerances and escape."""
    return max(1.0, *(max(abs(axis.low), abs(axis.high)) for axis in axes))


def window_unit(axes: Sequence[Axis]) -> float:
    """Return a quarter of the longest side: capture radii are multiples of it."""
    return max(axis.side for axis in axes) / 4


def check_counts(max_steps: object, longest_period: object, tolerance: object) -> None:
    """Refuse numbers of steps, periods and tolerances that mean nothing.

    Raises
    ------
    InputError : the message names an example
    """
    for name, value, most in (("max_steps", max_steps, 10**7), ("longest_period", longest_period, 100)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise InputError(f"{name} must be a whole number from 1 to {most}, got {value!r}; give e.g. 8")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 1e-14 <= tolerance <= 1e-2:
        raise InputError(f"tolerance must be between 1e-14 and 0.01, got {tolerance!r}; give e.g. {TOLERANCE}")


def _number(value: Any, domain: str) -> Any:
    """Return a number of the domain, given as a number, text or an expression."""
    read = entered(value, domain)
    if read.free_symbols:
        raise InputError(f"a number is needed, got {str(value)[:40]}; put values for {read.free_symbols}")
    found = complex(sympy.N(read, 20))
    if not np.isfinite(found):
        raise InputError(f"a finite number is needed, got {str(value)[:40]}; give another")
    return found if domain == "complex" else found.real


def _split(names: Sequence[str], parameters: Mapping[Any, Any] | None, domain: str) -> tuple[dict[str, Any], Any]:
    """Return name → number, and (name, low, high) of the swept parameter or None."""
    given = {str(name): value for name, value in (parameters or {}).items()}
    listing = ", ".join(names) or "none"
    if unknown := sorted(set(given) - set(names)):
        raise InputError(f"{unknown[0]!r} is not a parameter of the update; the parameters are {listing}")
    if missing := sorted(set(names) - set(given)):
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. parameters={{'{missing[0]}': 1}}")
    pairs = [name for name, value in given.items() if isinstance(value, Sequence) and not isinstance(value, str)]
    if len(pairs) > 1 or (pairs and domain != "real"):
        raise InputError(
            f"{pairs[-1]!r} cannot be swept here; one parameter may be a pair (low, high), on the real line only"
        )
    numbers = {name: _number(value, domain) for name, value in given.items() if name not in pairs}
    if not pairs:
        return numbers, None
    low, high = _pair(given[pairs[0]], pairs[0])
    return numbers, (pairs[0], low, high)


def _pair(given: Any, what: str) -> tuple[Any, Any]:
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray) or len(given) != 2:
        raise InputError(f"{what} needs a pair (low, high), got {str(given)[:40]}; give e.g. (-2, 2)")
    return given[0], given[1]


def _axes(
    update: Map, window: Sequence[Any], points: int | tuple[int, int], swept: Any, domain: str
) -> tuple[Axis, ...]:
    """Return the axes of the grid, with the window checked."""
    name = update.state[0].name
    if domain == "complex":
        return plane_window(name, window, points)
    counts = _counts(points)
    low, high = _pair(window, "the window")
    line = Axis(name, low, high, counts[1])
    axes = (line,) if swept is None else (Axis(swept[0], swept[1], swept[2], counts[0]), line)
    return _affordable(axes)


def _counts(points: int | tuple[int, int]) -> tuple[int, int]:
    counts = tuple(points) if isinstance(points, Sequence) else (points, points)
    if len(counts) != 2:
        raise InputError(f"points must be a number or a pair of numbers, got {points!r}; give e.g. 400")
    return counts[0], counts[1]


def _affordable(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    if (size := np.prod([axis.count for axis in axes], dtype=float)) > MOST_POINTS:
        raise InputError(f"at most {MOST_POINTS} points are followed at once, got {size:.0f}; give fewer")
    return axes


def plane_window(name: str, window: Any, points: int | tuple[int, int]) -> tuple[Axis, Axis]:
    """Return the axes Re and Im of a window of the complex plane of one variable.

    Raises
    ------
    InputError : ends that are no pairs or not in order, or too many points
    """
    across, up = (_pair(ends, what) for ends, what in zip(_pair(window, "the window"), ("Re", "Im"), strict=True))
    counts = _counts(points)
    axes = Axis(f"Re {name}", across[0], across[1], counts[0]), Axis(f"Im {name}", up[0], up[1], counts[1])
    _affordable(axes)
    return axes
