"""One vocabulary for what becomes of a product with depth, used by formulas, maps of the plane, JSON and reports."""

from enum import Enum


class Regime(Enum):
    """What becomes of a product as factors are added; the value is the sentence a report prints."""

    VANISHING = "vanishing: the product tends to 0"
    CONSTANT = "constant: the product tends to a nonzero constant"
    ALTERNATING = "alternating: its absolute value tends to a nonzero constant, its sign changes at every factor"
    EXPLODING = "exploding: the absolute value of the product tends to infinity, whatever its sign does"
    OSCILLATING = "oscillating: the product or its sign has no limit, and none of the other regimes holds"
    ZERO = "zero: a factor is exactly 0, and with it every later product"
    UNDECIDED = "undecided: the layers computed do not settle what becomes of the product"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it.

        >>> Regime.VANISHING.word
        'vanishing'
        """
        return self.name.lower()


class Sign(Enum):
    """What the sign of the partial products does."""

    CONSTANT = "constant: every factor is positive"
    ALTERNATING = "alternating: every factor is negative"
    PERIODIC = "periodic: the signs of the factors repeat"
    IRREGULAR = "irregular: no repetition in the signs of the factors"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower()
