"""What is known about Newton's step near a root, a cycle, a pole and infinity: data and their vocabulary."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sympy import Expr

from symgrad.derivation.identities import is_zero as identically_zero
from symgrad.evidence import Verdict

Number = float | complex


class Convergence(Enum):
    """How Newton's errors shrink at a root; the value is the sentence a report prints."""

    ONE_STEP = "the step lands on the root at once, from anywhere"
    SUPERLINEAR = "each error is a constant times a power of the last one, the order"
    LINEAR = "each error is the multiplier times the last one"
    SUBLINEAR = "errors shrink more slowly than by any factor"
    KEPT = "errors keep their size: the multiplier has modulus 1"
    REPELLED = "errors grow: the steps leave the root, however near they start"
    UNDECIDED = "the order is undecided"


class CycleKind(Enum):
    """The kind of a cycle by the modulus of its multiplier."""

    SUPERATTRACTING = "superattracting"
    ATTRACTING = "attracting"
    INDIFFERENT = "indifferent"
    REPELLING = "repelling"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Root:
    """A root of F and what Newton's step does near it.

    Parameters
    ----------
    value : the root in float64; None where it depends on parameters
    exact : the root itself, where it has a closed form: radicals, inverse functions, a numbered real root
    minimal : the irreducible polynomial it is a root of, where there is one
    exponent : m where F behaves as |x - r|**m; oo where F vanishes faster than every power; None where unknown
    order : the order of convergence; None where steps leave the root, land on it at once, or nothing is known
    multiplier : N'(r) = 1 - 1/m
    error_constant : C in e⁺ = C·e**order, of the sign it has; for order 1 the multiplier
    convergence : how errors shrink
    verdict : what the root and its multiplicity rest on
    ball : an enclosure that holds this root alone, where it was certified and not solved for
    conditions : what parameters must satisfy
    """

    value: Number | None
    exact: Expr | None
    minimal: Expr | None
    exponent: Expr | None
    order: int | None
    multiplier: Expr | Number | None
    error_constant: Expr | Number | None
    convergence: Convergence
    verdict: Verdict
    ball: Any = None
    conditions: tuple[str, ...] = ()

    @property
    def multiplicity(self) -> int | None:
        """The exponent where it is a positive integer, else None."""
        m = self.exponent
        return int(m) if m is not None and m.is_Integer and m.is_positive else None


@dataclass(frozen=True)
class Cycle:
    """A cycle of the update; of period 1 a fixed point.

    Parameters
    ----------
    period : the least number of steps after which it returns
    points : in the order in which they are visited, the least one first
    exact : the points in radicals, where all of them have such a form
    multiplier : the derivative of the period-fold update, exact where it can be
    kind : by the modulus of the multiplier
    verdict : what existence, period and kind rest on
    balls : enclosures of the points where the cycle was certified by interval methods
    """

    period: int
    points: tuple[Number, ...]
    exact: tuple[Expr, ...] | None
    multiplier: Expr | Number
    kind: CycleKind
    verdict: Verdict
    balls: tuple[Any, ...] = ()


@dataclass(frozen=True)
class CycleList:
    """The cycles of one map up to a period, and what was not searched.

    Parameters
    ----------
    cycles : by period, then by the modulus of the multiplier
    notes : one sentence for each period or region that was left out
    left : the periods of which not every cycle was isolated
    """

    cycles: tuple[Cycle, ...]
    notes: tuple[str, ...] = ()
    left: tuple[int, ...] = ()


@dataclass(frozen=True)
class Singular:
    """A point where F' = 0 or the update has a pole.

    Parameters
    ----------
    value : in float64
    exact : the point itself, where it has a closed form
    order : of the pole of the update; 0 where the update extends continuously (a multiple root), None where unknown
    verdict : what it rests on
    ball : an enclosure where it was certified and not solved for
    """

    value: Number
    exact: Expr | None
    order: int | None
    verdict: Verdict
    ball: Any = None

    @property
    def status(self) -> str:
        """What becomes of a start here: "singular" on a pole, "removable" where the step has a limit."""
        return "removable" if self.order == 0 else "singular"


@dataclass(frozen=True)
class Infinity:
    """What the update does near infinity.

    Parameters
    ----------
    is_fixed : whether infinity is a fixed point; None where that is undecided
    growth : the limit of N(x)/x, where there is one
    multiplier : of the fixed point in the coordinate 1/x
    kind : by the modulus of the multiplier
    limit : where infinity is sent, if it is no fixed point
    statement : one sentence
    verdict : what it rests on
    """

    is_fixed: bool | None
    growth: Expr | None
    multiplier: Expr | None
    kind: CycleKind
    limit: Expr | None
    statement: str
    verdict: Verdict


@dataclass(frozen=True)
class Conjugacy:
    """A coordinate in which Newton's step of a quadratic is a normal form.

    Parameters
    ----------
    coordinate : φ(x)
    normal_form : g(z), with φ∘N = g∘φ
    variable : z
    statement : one sentence
    verdict, method : the proof that φ(N(x)) - g(φ(x)) is identically zero
    conditions : what parameters must satisfy
    """

    coordinate: Expr
    normal_form: Expr
    variable: Expr
    statement: str
    verdict: Verdict
    method: str
    conditions: tuple[str, ...] = field(default=())


def kind_of(multiplier: Expr | Number | None, *, is_zero: bool | None = None, slack: float = 1e-12) -> CycleKind:
    """Return the kind of a cycle; a modulus within ``slack`` of 1 must be exact to be called indifferent.

    >>> import sympy
    >>> kind_of(sympy.Rational(3, 2)), kind_of(1.0 + 1e-15)
    (<CycleKind.REPELLING: 'repelling'>, <CycleKind.UNDECIDED: 'undecided'>)
    """
    if multiplier is None:
        return CycleKind.UNDECIDED
    if is_zero or (isinstance(multiplier, Expr) and multiplier.is_zero):
        return CycleKind.SUPERATTRACTING
    size = abs(complex(multiplier))
    if abs(size - 1) > slack:
        if size == 0:
            return CycleKind.UNDECIDED
        return CycleKind.ATTRACTING if size < 1 else CycleKind.REPELLING
    if isinstance(multiplier, Expr) and identically_zero(multiplier * multiplier.conjugate() - 1):
        return CycleKind.INDIFFERENT
    return CycleKind.UNDECIDED
