"""The sizes a text may have before anything looks inside it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds every text obeys, checked before and while it is read.

    Parameters
    ----------
    characters : length of the whole text
    tokens : numbers, names, operators and brackets in the whole text
    nesting : brackets open at one place
    signs : prefix signs in one chain of signs and powers, as in ``--x``
    powers : powers in one chain, as in ``x**y**z``
    depth : brackets, signs and powers together that are open at one place
    name : length of a name
    digits : digits of a number
    decimal_exponent : largest |e| of a number d.ddd * 10**e
    exponent : largest absolute value of a constant exponent
    bits : largest numerator, denominator or value of a constant, in bits

    Examples
    --------
    >>> Limits(nesting=3).nesting
    3
    """

    characters: int = 10_000
    tokens: int = 2_500
    nesting: int = 60
    signs: int = 60
    powers: int = 60
    depth: int = 120
    name: int = 100
    digits: int = 400
    decimal_exponent: int = 1_000
    exponent: int = 10_000
    bits: int = 4_096


STANDARD = Limits()
