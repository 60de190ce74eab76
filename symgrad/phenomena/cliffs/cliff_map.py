"""What is said about the cliffs of a loss surface: each by its two sides, with its heights and what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from symgrad.evidence import Evidence, Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import Composition
from symgrad.phenomena.cliffs.step_field import CliffRegions
from symgrad.phenomena.cliffs.windows import Window
from symgrad.sweeps import Axis

if TYPE_CHECKING:
    from symgrad.phenomena.cliffs.deep_slices import SliceCliffs

Array = NDArray[np.float64]


class CliffKind(Enum):
    """A cliff named by its two sides; the value is the sentence a report prints."""

    WALL = "a wall: an attractor on both sides, a bounded loss that jumps"
    ESCARPMENT = "an escarpment: an attractor on one side, a loss that grows without bound on the other"
    CANYON = "a canyon: the loss grows without bound on both sides"
    ROUGH = "rough: chaos on a side, with more and more jumps as the depth grows"
    RIDGE = "a ridge: the two sides join, and the gradient between them grows slower than exponentially"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower()

    @property
    def noun(self) -> str:
        """The word as a noun that can be counted."""
        return "rough region" if self is CliffKind.ROUGH else self.word


class Origin(Enum):
    """Where a cliff comes from; the value is the word that JSON and tables print."""

    BASIN_LINE = "basin line"
    FOLD = "fold"
    FLIP = "flip"
    INFINITY = "infinity"
    VALLEY = "valley"
    LOCATED = "located"


@dataclass(frozen=True, eq=False)
class TracePoint:
    """One place on a cliff.

    Parameters
    ----------
    point : name of each parameter → its value; on an exact curve the nearest float64
    gradient : name → dL/dθ, on the exact curve and not at the rounded point
    width : full width at half height along the second parameter, None where it has none
    loss_below, loss_above : the loss well below and well above the cliff, None where it is unbounded or not known
    peak : the largest |dL/dθ₂| beside the curve, None where it was not computed
    """

    point: Mapping[str, float]
    gradient: Mapping[str, SignedLog]
    width: SignedLog | None = None
    loss_below: float | None = None
    loss_above: float | None = None
    peak: SignedLog | None = None

    @property
    def log_gradient(self) -> float:
        """log‖∇L‖ there, -inf where it is 0."""
        logs = np.array([float(g.log_abs) for g in self.gradient.values()])
        with np.errstate(invalid="ignore"):
            return float(0.5 * np.logaddexp.reduce(2 * logs))


@dataclass(frozen=True, eq=False)
class Cliff:
    """A cliff of a loss surface.

    Parameters
    ----------
    kind : what it is, by its two sides
    origin : where it comes from
    equation : the exact curve as text, None where it is only located
    valid : the condition under which it is a cliff, with decimals, None where it is only located
    valid_exact : the same condition in exact terms
    verdict : how far the curve is decided
    trace : places on it, in the order of the first parameter
    exponent : α = d log‖H‖ / d log‖∇L‖, None where it was not measured
    growth : the law by which the gradient on it grows with depth
    distance : the largest distance between the located and the predicted place, None where one of them is missing
    sides : what becomes of the start below and above it
    proof : the argument in a sentence
    curve : the exact candidate, None where it is only located
    path : polyline in the box, shape (m, 2), columns in the order of the window; of located ones the trace
    """

    kind: CliffKind
    origin: Origin
    equation: str | None
    valid: str | None
    verdict: Verdict
    trace: tuple[TracePoint, ...] = field(repr=False)
    valid_exact: str | None = None
    exponent: float | None = None
    growth: str | None = None
    distance: float | None = None
    sides: tuple[str, str] | None = None
    proof: str = ""
    curve: Any = field(default=None, repr=False)
    path: Array | None = field(default=None, repr=False)

    @property
    def steepest(self) -> TracePoint | None:
        """The place of the largest gradient among those of the trace, None where no gradient was computed."""
        measured = [place for place in self.trace if place.gradient]
        return max(measured, key=lambda place: place.log_gradient, default=None)


@dataclass(frozen=True)
class Valley:
    """A curve on which the loss has its floor.

    Parameters
    ----------
    equation : the curve as text
    sharpness : the largest eigenvalue of the Hessian on it, as text
    verdict : how far that is decided
    paths : polylines in the box, each of shape (m, 2)
    """

    equation: str
    sharpness: str
    verdict: Verdict
    paths: tuple[Array, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class LargestGradient:
    """The largest gradient known in the box.

    Parameters
    ----------
    point : name → value of the place where at least ``log_abs`` is attained
    log_abs : log‖∇L‖ there
    log_bound : a certified upper bound of log‖∇L‖ in the box, None where there is none
    verdict, statement : what it rests on
    """

    point: Mapping[str, float]
    log_abs: float
    log_bound: float | None
    verdict: Verdict
    statement: str


@dataclass(frozen=True)
class Coverage:
    """Whether a cliff can have been missed.

    Parameters
    ----------
    verdict : proved or certified where none can, sampled otherwise
    statement : what it rests on, in a sentence or two
    evidence : the facts it was concluded from
    """

    verdict: Verdict
    statement: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def method(self) -> str:
        """The word "certified" where it is proved or certified, else "sampled"."""
        return "certified" if self.verdict in (Verdict.PROVED, Verdict.CERTIFIED) else "sampled"


@dataclass(frozen=True, eq=False)
class Steepness:
    """log‖∇L‖ at the points of a grid.

    Parameters
    ----------
    axes : the two axes
    log_gradient : shape of the grid, in parameter units; nan where it is 0 or undefined
    """

    axes: tuple[Axis, Axis]
    log_gradient: Array


@dataclass(frozen=True, eq=False)
class CliffMap:
    """The cliffs of a loss surface in a box, and what is known of them.

    Parameters
    ----------
    composition : the layers, with the values of the parameters that are not swept
    loss, start, depth, window : what was asked
    cliffs : walls, escarpments, canyons and rough regions
    ridges : curves on which the gradient grows slower than exponentially, and the two sides join
    valleys : curves of lowest loss known by equation
    convex_band : where the loss is convex, with its verdict, None where it is not known
    largest_gradient : in the box
    coverage : whether a cliff can have been missed
    regions : where a step tuned to the valley overshoots, in closed form or measured on a grid; None where it was not
    surface : log‖∇L‖ on the grid of the window's axes, for the picture; None where it was not computed
    evidence : further facts, each with its verdict
    remarks : sentences on what was left out
    """

    composition: Composition
    loss: Expr
    start: Any
    depth: int
    window: Window
    cliffs: tuple[Cliff, ...]
    largest_gradient: LargestGradient
    coverage: Coverage
    ridges: tuple[Cliff, ...] = ()
    valleys: tuple[Valley, ...] = ()
    convex_band: tuple[str, Verdict] | None = None
    regions: "CliffRegions | SliceCliffs | None" = field(default=None, repr=False)
    surface: Steepness | None = field(default=None, repr=False)
    evidence: tuple[Evidence, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """What was found, in a sentence."""
        words = [cliff.kind.noun for cliff in self.cliffs]
        largest = f"{np.exp(self.largest_gradient.log_abs):.6g}" if abs(self.largest_gradient.log_abs) < 700 else None
        height = largest or f"e^{self.largest_gradient.log_abs:.6g}"
        if not words:
            return (
                f"No cliff in the box ({self.coverage.method}); the largest gradient found is {height} "
                f"({self.largest_gradient.verdict.word})."
            )
        counts = [f"{words.count(word)} {word}{'s' if words.count(word) > 1 else ''}" for word in dict.fromkeys(words)]
        return (
            f"{' and '.join(counts)} at depth {self.depth}, coverage {self.coverage.method}; the largest gradient "
            f"found is {height} ({self.largest_gradient.verdict.word})."
        )
