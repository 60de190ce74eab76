"""Every complex root of an integer polynomial, each in a ball of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpz_poly

BITS = 160


@dataclass(frozen=True)
class ComplexRoot:
    """The middle of a ball that holds one root and no other.

    Parameters
    ----------
    re, im : exact coordinates of the middle; ``im`` is None for a root that is proved to be real
    """

    re: Fraction
    im: Fraction | None


def isolate_complex_roots(coefficients: Sequence[int]) -> tuple[ComplexRoot, ...]:
    """Isolate the roots of a polynomial to about 48 digits.

    Parameters
    ----------
    coefficients : integers, the leading one first

    Examples
    --------
    >>> [(float(root.re), root.im and float(root.im)) for root in isolate_complex_roots([1, 0, 1, 0])]
    [(0.0, None), (0.0, 1.0), (0.0, -1.0)]
    """
    with ctx.workprec(BITS):
        found: Any = fmpz_poly([int(a) for a in coefficients][::-1]).complex_roots()
    return tuple(
        ComplexRoot(_middle(root.real), None if root.imag.is_zero() else _middle(root.imag)) for root, _ in found
    )


def _middle(ball: arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
