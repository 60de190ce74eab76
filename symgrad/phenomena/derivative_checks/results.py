"""What a check of hand-written derivatives found."""

from dataclasses import dataclass

from symgrad.evidence import Verdict

Point = float | tuple[float, ...]


@dataclass(frozen=True)
class Kink:
    """A point where the slopes from the two sides differ, or where the function jumps (then both slopes are nan).

    Parameters
    ----------
    point : where
    left, right : the slopes from the left and from the right
    jump : f(x+0) − f(x−0); 0 at a kink of a continuous function
    """

    point: Point
    left: float
    right: float
    jump: float = 0.0


@dataclass(frozen=True)
class DerivativeCheck:
    """One derivative compared with differences of its function.

    Parameters
    ----------
    name : of the derivative
    order : 1 or 2
    verdict : SUPPORTED, REFUTED or UNDECIDED
    statement : the finding in one sentence, with its numbers
    point : where given and measured values differ most, relative to their size; None where nothing differs
    arguments : the extra arguments at that point
    component : (output, coordinate) for vectors, else ()
    given, measured, error : the derivative as written, as measured, and the bar of the measurement
    discrepancy : |given − measured| / max(|given|, |measured|)
    wrong_at : points at which it was found wrong, each twice with shifted steps
    kinks : kinks and jumps at points tried
    tried, agreed, skipped, open : how many points were tried, agreed, lay outside the domain, stayed undecided; the
        rest were wrong, or differed by quick differences after enough had been found wrong
    """

    name: str
    order: int
    verdict: Verdict
    statement: str
    point: Point | None = None
    arguments: tuple[object, ...] = ()
    component: tuple[int, ...] = ()
    given: float = float("nan")
    measured: float = float("nan")
    error: float = float("nan")
    discrepancy: float = 0.0
    wrong_at: tuple[Point, ...] = ()
    kinks: tuple[Kink, ...] = ()
    tried: int = 0
    agreed: int = 0
    skipped: int = 0
    open: int = 0


@dataclass(frozen=True)
class GradientReport:
    """All derivatives that were checked together."""

    checks: tuple[DerivativeCheck, ...]

    @property
    def wrong(self) -> tuple[DerivativeCheck, ...]:
        """The derivatives that are refuted."""
        return tuple(check for check in self.checks if check.verdict is Verdict.REFUTED)

    @property
    def verdict(self) -> Verdict:
        """REFUTED if one derivative is, SUPPORTED if all are, else UNDECIDED."""
        if self.wrong:
            return Verdict.REFUTED
        if self.checks and all(check.verdict is Verdict.SUPPORTED for check in self.checks):
            return Verdict.SUPPORTED
        return Verdict.UNDECIDED

    def __str__(self) -> str:
        """The statements, one to a line, wrong derivatives first."""
        ordered = sorted(self.checks, key=lambda check: check.verdict is not Verdict.REFUTED)
        return "\n".join(check.statement for check in ordered)
