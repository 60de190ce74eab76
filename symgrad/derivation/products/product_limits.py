"""What is known about a product whose number of factors grows."""

from dataclasses import dataclass, replace

from sympy import Expr, S

from symgrad.derivation.vocabulary import Regime, Sign
from symgrad.evidence import Verdict

EXPONENTIAL, SUBEXPONENTIAL = "exponential", "subexponential"


@dataclass(frozen=True)
class ProductLimit:
    """What becomes of ∏ a_k as factors are added.

    Parameters
    ----------
    regime : what becomes of the product
    limit : the exact limit where the product has a finite one and it is known in closed form
    limit_value : the limit as a number, where it has one
    rate : lim (1/n)·Σ log|a_k| in nats per factor, may be infinite; None where it is unknown or a factor is 0
    pace : "exponential" or "subexponential" where the product vanishes or explodes
    sign : what the sign of the partial products does in the end; None where that is unknown or they are 0
    verdict : PROVED where each step of the argument is exact
    reason : the argument, one sentence
    """

    regime: Regime
    limit: Expr | None
    limit_value: float | None
    rate: Expr | None
    pace: str | None
    sign: Sign | None
    verdict: Verdict
    reason: str


def undecided(reason: str) -> ProductLimit:
    """Return the honest answer that nothing is known."""
    return ProductLimit(Regime.UNDECIDED, None, None, None, None, None, Verdict.UNDECIDED, reason)


def decided(
    regime: Regime, reason: str, *, rate: Expr | None = None, sign: Sign | None = None, pace: str | None = None
) -> ProductLimit:
    """Return a proved answer; a product that vanishes or is 0 has the limit 0."""
    moves = regime in (Regime.VANISHING, Regime.EXPLODING)
    if moves and pace is None and rate is not None:
        pace = SUBEXPONENTIAL if rate == 0 else EXPONENTIAL
    zero = regime in (Regime.VANISHING, Regime.ZERO)
    return ProductLimit(
        regime, S.Zero if zero else None, 0.0 if zero else None, rate, pace, sign, Verdict.PROVED, reason
    )


def only_supported(answer: ProductLimit, gap: str) -> ProductLimit:
    """Return the answer with a weaker verdict and the step that lacks a proof."""
    return replace(answer, verdict=Verdict.SUPPORTED, reason=f"{answer.reason}; not proved: {gap}")
