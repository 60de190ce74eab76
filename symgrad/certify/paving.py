"""Certified pavings of {|∂L/∂θ| > τ}: cells proved inside, cells proved outside, and the boundary left between them.

Branch and bound: the gradient is enclosed over thousands of cells at once, what is decided is set aside, and the rest
is cut in two along the axis that narrows the enclosures most (Jaulin et al. 2001, *Applied Interval Analysis*, ch. 3).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import Expr

from symgrad.certify.box_functions import ULPS
from symgrad.certify.boxes import Array, Intervals, lowered, raised
from symgrad.certify.covered_layers import exact, read_layers, reference_orbit
from symgrad.certify.deep_orbits import DEEP, deep_orbit
from symgrad.certify.frames import Frame, Splits, cut, frame_of
from symgrad.certify.orbit_enclosures import OrbitProgram
from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import to_text
from symgrad.symbols import real

BATCH = 8192
FIRST_CUTS = 11
MOST_SPREAD = 1e4
MOST_CELLS = 400_000
RESTS_ON = (
    f"interval arithmetic in doubles with outward rounding, NumPy's and SciPy's elementary functions being widened by "
    f"{ULPS} units in the last place"
)


@dataclass(frozen=True)
class Enclosed:
    """A gradient over a box, ready to be enclosed: the program, the coordinates and the part asked for."""

    program: OrbitProgram
    frame: Frame
    wrt: str | None

    def sizes(self, cells: Array) -> tuple[Intervals, Any]:
        """Enclose |∂L/∂wrt| over cells, as intervals and the power of two they are multiplied by."""
        low, high, exponent = in_batches(self._size, cells, 3)
        bad = ~(low <= high)
        return Intervals(np.where(bad, 0.0, low), np.where(bad, np.inf, high)), exponent

    def _size(self, cells: Array) -> tuple[Array, ...]:
        where = self.frame.parameters(cells)
        deep = self.program.depth >= DEEP
        gradient = self.program.gradient(where, deep_orbit(self.program, where) if deep else None)
        size = gradient.size(self.wrt)
        return size.low, size.high, gradient.exponent

    def logarithms(self, cells: Array) -> Intervals:
        """Enclose log |∂L/∂wrt| in nats; -inf where 0 is possible."""
        size, exponent = self.sizes(cells)
        return Intervals(logarithm(size.low, exponent, -1), logarithm(size.high, exponent, 1))


def in_batches(enclose: Callable[[Array], tuple[Array, ...]], cells: Array, count: int) -> tuple[Array, ...]:
    """Apply a function of cells to batches that stay in the processor's cache; it returns ``count`` arrays."""
    results = tuple(np.empty(len(cells)) for _ in range(count))
    for begin in range(0, len(cells), BATCH):
        part = slice(begin, begin + BATCH)
        for result, found in zip(results, enclose(cells[part]), strict=True):
            result[part] = found
    return results


def checked_depth(depth: Any) -> None:
    """Refuse a depth that is no positive integer."""
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
        raise InputError(f"depth must be a positive integer, got {depth}; give e.g. 50")


def logarithm(size: Any, exponent: Any, side: int) -> Any:
    """Bound log(size·2**exponent) in nats from below (side -1) or above (side 1)."""
    parts = np.log(size), exponent * np.log(2.0)
    slack = np.where(np.isfinite(parts[0]), np.abs(parts[0]), 0.0) + np.abs(parts[1]) + 1.0
    return parts[0] + parts[1] + side * slack * 2.0**-46


def enclosed(
    target: Gradient,
    box: Mapping[str, tuple[Any, Any]],
    *,
    start: Any,
    parameters: Mapping[str, Any],
    depth: int,
    wrt: str | None,
    line: Mapping[str, Expr] | None,
) -> Enclosed:
    """Read a gradient over a box for enclosures; what is not covered is refused in one line."""
    checked_depth(depth)
    if wrt is not None and wrt not in target.wrt:
        raise InputError(f"the gradient is taken in {', '.join(target.wrt)}, not in {wrt!r}; derive it in {wrt!r}")
    if not box:
        raise InputError("the box has no axis; give a range of at least one parameter, e.g. {'b': (-6, -1)}")
    names = tuple(box)
    layers = read_layers(target.composition, parameters, names)
    first = exact(start, "start")
    reference = reference_orbit(layers, line, first, names) if line else None
    symbols = {name: real(name) for name in names}
    given = {real(name): exact(value, name) for name, value in parameters.items() if name not in names}
    loss = None if target.loss is None else target.loss.xreplace(given)
    wanted = target.wrt if wrt is None else (wrt,)
    everything = {s for c in layers for e in c.coefficients for s in e.free_symbols}
    chosen = tuple(everything | set(symbols.values()) | (loss.free_symbols if loss is not None else set()))
    state = target.composition.state[0]
    program = OrbitProgram(layers, depth, first, wanted, state, loss, reference, chosen)
    return Enclosed(program, frame_of(box, symbols, reference), wrt)


@dataclass(frozen=True)
class Paving:
    """A box cut into cells that are proved inside a set, proved outside it, or left undecided.

    Parameters
    ----------
    names : the axes; with a line the one of its parameter holds the distance parameter - line
    inside, outside, boundary : float64, shape (cells, axes, 2), the low and high end of each side
    areas : the areas of the three parts inside the box, in the product of the axes' units
    line : text of the line from which the distance is taken, None without one
    verdict : CERTIFIED when at most the wanted share is undecided
    statement : what is certified, and what it rests on
    """

    names: tuple[str, ...]
    inside: Array = field(repr=False)
    outside: Array = field(repr=False)
    boundary: Array = field(repr=False)
    areas: Mapping[str, float]
    line: str | None
    verdict: Verdict
    statement: str

    @property
    def undecided_share(self) -> float:
        """The share of the box's area that is left undecided."""
        return self.areas["boundary"] / sum(self.areas.values())


def pave(
    target: Gradient,
    box: Mapping[str, tuple[Any, Any]],
    *,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int,
    threshold: float,
    wrt: str | None = None,
    undecided: float = 1e-3,
    line: Mapping[str, Expr] | None = None,
    most_cells: int = MOST_CELLS,
) -> Paving:
    """Cut a box into cells where |∂L/∂wrt| > threshold is proved, where it is refuted, and a boundary between.

    Parameters
    ----------
    target : the gradient of a loss (or of the last state) of a tied chain of covered layers
    box : parameter → (low, high)
    start : the first state, an exact number (a float is the binary fraction it stores)
    parameters : values of the other parameters
    depth : how often the chain is applied
    threshold : τ, of the gradient in units of the loss per unit of the parameter
    wrt : a parameter of the gradient; None for the Euclidean norm over all of them
    undecided : the share of the area that may be left undecided
    line : parameter → its value on a line along which the start comes to rest; cells are then cut along the line
    most_cells : how many cells may be looked at

    Raises
    ------
    NotCovered : a map or loss without proved hulls
    InputError : a depth, threshold, box or start that cannot be used

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.maps import Map
    >>> g = gradient(Map("w*tanh(x) + b", "x"), "x**2", wrt="b")
    >>> found = pave(g, {"w": (0, 0.5), "b": (0, 1)}, start=0, depth=5, threshold=1, undecided=0.05)
    >>> found.verdict.word, bool(found.undecided_share <= 0.05)
    ('certified', True)
    """
    if not threshold >= 0:
        raise InputError(f"the threshold must be at least 0, got {threshold}; give e.g. 0.2")
    with np.errstate(all="ignore"):
        problem = enclosed(target, box, start=start, parameters=parameters or {}, depth=depth, wrt=wrt, line=line)
        parts = _paved(problem, float(threshold), undecided, most_cells)
    return _paving(problem, parts, float(threshold), undecided)


def _paved(problem: Enclosed, threshold: float, undecided: float, most_cells: int) -> dict[str, Array]:
    frame = problem.frame
    cells = frame.grid(FIRST_CUTS)
    splits = Splits.none(cells)
    decided: dict[str, list[Array]] = {"inside": [], "outside": []}
    resting = [cells[:0]]
    seen, target, rested = 0, undecided * frame.area, 0.0
    while len(cells) and seen < most_cells:
        size, exponent = problem.sizes(cells)
        seen += len(cells)
        level = np.ldexp(threshold, np.clip(-exponent, -1e6, 1e6).astype(np.int64))
        inside, outside = size.low > raised(level), size.high <= lowered(level)
        decided["inside"].append(cells[inside])
        decided["outside"].append(cells[outside])
        open_cells = ~(inside | outside)
        splits = splits.seen(_spread(size, exponent, threshold), len(frame.symbols)).at(open_cells)
        cells = cells[open_cells]
        areas = frame.areas(cells)
        if rested + areas.sum() <= target:
            break
        order = np.argsort(areas)
        small = np.cumsum(areas[order]) + rested <= target / 2
        resting.append(cells[order[small]])
        rested += float(areas[order[small]].sum())
        rest = order[~small]
        cells, splits, _ = cut(frame, cells[rest], splits.at(rest))
    return {name: np.concatenate(parts) for name, parts in decided.items()} | {
        "boundary": np.concatenate([*resting, cells])
    }


def _spread(size: Intervals, exponent: Any, threshold: float) -> Array:
    """Return the width of each enclosure, logarithmic above the threshold, with what is unbounded capped."""
    unit = np.log(max(threshold, 1e-300))
    ends = (np.log(end) + exponent * np.log(2.0) - unit for end in (size.low, size.high))
    low, high = (np.logaddexp(0.0, np.clip(end, -MOST_SPREAD, MOST_SPREAD)) for end in ends)
    return np.asarray(high - low)


def _paving(problem: Enclosed, parts: Mapping[str, Array], threshold: float, undecided: float) -> Paving:
    frame = problem.frame
    areas = {name: float(frame.areas(cells).sum()) for name, cells in parts.items()}
    share = areas["boundary"] / frame.area
    verdict = Verdict.CERTIFIED if share <= undecided else Verdict.UNDECIDED
    names = tuple(s.name for s in frame.symbols)
    line = None if frame.reference is None else to_text(frame.reference.line)
    quantity = "|gradient|" if problem.wrt is None else f"|dL/d{problem.wrt}|"
    edges = ", ".join(f"{n} in [{low:.17g}, {high:.17g}]" for n, (low, high) in zip(names, frame.sides, strict=True))
    statement = (
        f"{quantity} > {threshold:.6g} on {areas['inside'] / frame.area:.4%} of the box {edges}, not on "
        f"{areas['outside'] / frame.area:.4%}, and {share:.4%} is undecided, "
        f"at depth {problem.program.depth}; by {RESTS_ON}"
    )
    return Paving(names, parts["inside"], parts["outside"], parts["boundary"], areas, line, verdict, statement)
