"""What is said about the cliffs of a loss surface: each by its two sides, with its heights and what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from symgrad.evidence import Evidence, Verdict
from symgrad.kernels import SignedLog


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
        import numpy as np

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

    @property
    def steepest(self) -> TracePoint:
        """The place of the largest gradient among those of the trace."""
        return max(self.trace, key=lambda place: place.log_gradient)


@dataclass(frozen=True)
class Valley:
    """A curve on which the loss has its floor.

    Parameters
    ----------
    equation : the curve as text
    sharpness : the largest eigenvalue of the Hessian on it, as text
    verdict : how far that is decided
    """

    equation: str
    sharpness: str
    verdict: Verdict


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
    verdict : certified where none can, sampled otherwise
    statement : what it rests on, in a sentence or two
    evidence : the facts it was concluded from
    """

    verdict: Verdict
    statement: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def method(self) -> str:
        """ "certified" or "sampled"."""
        return self.verdict.word
