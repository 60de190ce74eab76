"""The regimes a measured network can be in, and the limits between them."""

import math
from enum import Enum

from symgrad.evidence import Verdict

TOLERANCE = 0.05
WHOLE = math.log(1000.0)
SURE = 2.0


class GradientRegime(Enum):
    """What becomes of a gradient on its way back through finitely many blocks; the value is the sentence."""

    VANISHING = "vanishing: gradients shrink on their way back, block after block"
    NEAR_CRITICAL = "near-critical: gradients keep their size within the tolerance"
    EXPLODING = "exploding: gradients grow on their way back, block after block"
    ZERO = "zero: no gradient gets through, the product of the factors is exactly 0 in the network's precision"
    UNDECIDED = "undecided: the measurement is not finite"

    @property
    def word(self) -> str:
        """The name in lower case, as JSON and tables print it.

        >>> GradientRegime.NEAR_CRITICAL.word
        'near-critical'
        """
        return self.name.lower().replace("_", "-")


def margin(depth: int, tolerance: float = TOLERANCE) -> float:
    """Return the largest near-critical |rate|, nats per block: the tolerance, and at most a factor 1000 in all.

    >>> margin(50), round(margin(1000), 6)
    (0.05, 0.006908)
    """
    return min(tolerance, WHOLE / max(depth, 1))


def name_regime(rate: float, depth: int, *, tolerance: float = TOLERANCE) -> GradientRegime:
    """Return the regime of a rate in nats per block over a number of blocks.

    >>> [name_regime(rate, 50).word for rate in (-0.7, -0.04, 0.2)]
    ['vanishing', 'near-critical', 'exploding']
    """
    if math.isnan(rate) or rate == math.inf:
        return GradientRegime.UNDECIDED
    if rate == -math.inf:
        return GradientRegime.ZERO
    if abs(rate) <= margin(depth, tolerance):
        return GradientRegime.NEAR_CRITICAL
    return GradientRegime.EXPLODING if rate > 0 else GradientRegime.VANISHING


def verdict_of(rate: float, standard_error: float, depth: int, *, tolerance: float = TOLERANCE) -> Verdict:
    """Return SAMPLED, or UNDECIDED where two standard errors reach across a limit between regimes.

    >>> verdict_of(-0.051, 0.002, 50).word, verdict_of(-0.7, 0.002, 50).word
    ('undecided', 'sampled')
    """
    if math.isnan(rate) or rate == math.inf:
        return Verdict.UNDECIDED
    if rate == -math.inf or math.isnan(standard_error):
        return Verdict.SAMPLED
    ends = {name_regime(rate + side * SURE * standard_error, depth, tolerance=tolerance) for side in (-1, 1)}
    return Verdict.SAMPLED if ends == {name_regime(rate, depth, tolerance=tolerance)} else Verdict.UNDECIDED
