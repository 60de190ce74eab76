"""Where in a box of parameters the derivative product of a chain provably vanishes, and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgrad.certify.boxes import Array, Intervals, raised
from symgrad.certify.covered_layers import exact, read_layers
from symgrad.certify.frames import Frame, Splits, cut, frame_of
from symgrad.certify.orbit_enclosures import OrbitProgram
from symgrad.certify.paving import FIRST_CUTS, RESTS_ON, checked_depth, in_batches, logarithm
from symgrad.evidence import Verdict
from symgrad.maps import Composition, Map, as_composition
from symgrad.symbols import real

MOST_CELLS = 20_000
INFLATIONS = (2.0**-30, 2.0**-16, 2.0**-8, 2.0**-4, 2.0**-2)


@dataclass(frozen=True)
class Contraction:
    """A box cut into cells where the chain product is proved to vanish with depth, and the rest.

    Parameters
    ----------
    names : the axes
    vanishing : float64, shape (cells, axes, 2): each cell has an interval that the map takes into itself, that the
        orbit is in after ``depth`` applications, and on which |f'| <= q < 1
    factors : q, shape (cells,): from ``depth`` on |product| is multiplied by at most q in each application
    rates : upper bounds of (1/depth)·log|product| at ``depth``, in nats per application, shape (cells,)
    undecided : the other cells
    areas : the areas of both parts
    verdict : CERTIFIED where any cell is proved to vanish, else UNDECIDED
    statement : what is certified, and what it rests on
    """

    names: tuple[str, ...]
    vanishing: Array = field(repr=False)
    factors: Array = field(repr=False)
    rates: Array = field(repr=False)
    undecided: Array = field(repr=False)
    areas: Mapping[str, float]
    verdict: Verdict
    statement: str

    @property
    def share(self) -> float:
        """The share of the box that provably vanishes."""
        return self.areas["vanishing"] / sum(self.areas.values())


def contraction(
    chain: Map | Composition,
    box: Mapping[str, tuple[Any, Any]],
    *,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int,
    most_cells: int = MOST_CELLS,
) -> Contraction:
    """Prove, cell by cell, that the product of the factors tends to 0 with depth, and bound its rate.

    Parameters
    ----------
    chain : a tied chain of covered layers
    box : parameter → (low, high)
    start : the first state, an exact number
    parameters : values of the other parameters
    depth : how many applications the rate is taken over, and by which the orbit is to be trapped
    most_cells : how many cells may be looked at

    Raises
    ------
    NotCovered : a map without proved hulls
    InputError : a depth, box or start that cannot be used

    Examples
    --------
    >>> found = contraction(Map("w*tanh(x) + b", "x"), {"w": (0.1, 0.5), "b": (-1, 1)}, start=0, depth=30)
    >>> found.verdict.word, found.share, bool(found.rates.max() < -0.69)
    ('certified', 1.0, True)
    """
    checked_depth(depth)
    names = tuple(box)
    layers = read_layers(chain, parameters or {}, names)
    symbols = {name: real(name) for name in names}
    state = as_composition(chain).state[0]
    program = OrbitProgram(layers, depth, exact(start, "start"), (state.name,), state, symbols=tuple(symbols.values()))
    frame = frame_of(box, symbols, None)
    with np.errstate(all="ignore"):
        return _contraction(program, frame, most_cells)


def _contraction(program: OrbitProgram, frame: Frame, most_cells: int) -> Contraction:
    cells, seen = frame.grid(FIRST_CUTS), 0
    splits = Splits.none(cells)
    kept: list[tuple[Array, Array, Array]] = []
    while True:
        rates, factors = in_batches(lambda part: _bounds(program, frame, part), cells, 2)
        seen += len(cells)
        proved = factors < 1
        kept.append((cells[proved], factors[proved], rates[proved]))
        splits = splits.seen(
            np.clip(np.where(np.isfinite(factors), factors, 10.0) + rates, -50, 50), len(frame.symbols)
        )
        cells, splits = cells[~proved], splits.at(~proved)
        if not len(cells) or seen + 2 * len(cells) > most_cells:
            break
        cells, splits, _ = cut(frame, cells, splits)
    vanishing, factors, rates = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    areas = {"vanishing": float(frame.areas(vanishing).sum()), "undecided": float(frame.areas(cells).sum())}
    verdict = Verdict.CERTIFIED if len(vanishing) else Verdict.UNDECIDED
    statement = (
        f"the product tends to 0 on {areas['vanishing'] / frame.area:.4%} of the box, where after {program.depth} "
        f"applications the orbit is in an interval that is mapped into itself with |f'| < 1; by {RESTS_ON}"
    )
    names = tuple(s.name for s in frame.symbols)
    return Contraction(names, vanishing, factors, rates, cells, areas, verdict, statement)


def _bounds(program: OrbitProgram, frame: Frame, cells: Array) -> tuple[Array, Array]:
    """Return the upper bound of the rate, and q where the orbit is trapped, inf elsewhere."""
    where = frame.parameters(cells)
    orbit = program.orbit(where)
    product = orbit.sensitivities[program.state.name].magnitude
    rates = raised(logarithm(product, orbit.exponent, 1) / program.depth)
    factors = np.full(len(cells), np.inf)
    width = orbit.state.high - orbit.state.low
    for inflation in INFLATIONS:
        room = inflation * (width + np.maximum(orbit.state.magnitude, 1.0))
        trap = Intervals(orbit.state.low - room, orbit.state.high + room)
        image, slope = program.step(where, trap)
        trapped = image.lies_in(trap) & (slope.high < 1)
        factors = np.where(trapped, np.minimum(factors, slope.high), factors)
    return rates, factors
