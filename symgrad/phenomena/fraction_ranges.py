"""Values of trees at exact points: fractions where arithmetic alone gives them, else fractions they lie between.

Every range is rounded outward. Exponentials and logarithms come from ``decimal``, which rounds them correctly
(Cowlishaw 2009, *General Decimal Arithmetic Specification*, sections "exp" and "ln"), so that one unit in the last
place on either side encloses them; sin, cos and erf are alternating series cut off at a small term (Abramowitz & Stegun
1964, 4.3.65, 4.3.66, 7.1.5).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from symgrad.parsing import Call, Indexed, Name, Negative, Node, Number, Power, Product, Reciprocal, Sum

BITS = 200
MOST_BITS = 60_000
DIGITS = 60
LARGEST_ARGUMENT = 5000
LARGEST_SERIES = 12
SMALL, FINE = Fraction(1, 2**BITS), 2 ** (3 * BITS)
UP, DOWN = Context(prec=DIGITS, rounding=ROUND_CEILING), Context(prec=DIGITS, rounding=ROUND_FLOOR)
PI = Fraction(314159265358979323846264338327950288419716939937510, 10**50)
PLAIN_AT_ZERO = {"sin": 0, "tan": 0, "asin": 0, "atan": 0, "sinh": 0, "tanh": 0, "asinh": 0, "atanh": 0, "erf": 0}
ONE_AT_ZERO = frozenset({"cos", "cosh", "exp"})


class Unknown(Exception):
    """A value that fractions do not enclose: a function not known here, a pole, or too many digits."""


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``, both ends included."""

    low: Fraction
    high: Fraction

    @property
    def exact(self) -> bool:
        """Whether this is a single number."""
        return self.low == self.high

    @property
    def sign(self) -> int | None:
        """The sign of all its numbers, None where they differ."""
        if self.exact:
            return (self.low > 0) - (self.low < 0)
        return 1 if self.low > 0 else -1 if self.high < 0 else None

    def minus(self, level: int) -> "Range":
        """Return the range shifted down."""
        return Range(self.low - level, self.high - level)


def value_at(tree: Node, point: Mapping[str, Fraction]) -> Range:
    """Return where the value of a tree lies at an exact point.

    Raises
    ------
    Unknown : fractions do not tell

    Examples
    --------
    >>> from symgrad.parsing import parse
    >>> value_at(parse("w*tanh(x) + 1/3"), {"w": Fraction(2), "x": Fraction(0)})
    Range(low=Fraction(1, 3), high=Fraction(1, 3))
    >>> value_at(parse("exp(w) - 1 - w"), {"w": Fraction(1, 10**9)}).sign
    1
    """
    match tree:
        case Number(value):
            return Range(value, value)
        case Name("pi"):
            return Range(PI, PI + Fraction(1, 10**50))
        case Name("E"):
            return _exp(Range(Fraction(1), Fraction(1)))
        case Name(name):
            if name not in point:
                raise Unknown(name)
            return Range(point[name], point[name])
        case Indexed():
            raise Unknown("a value per layer")
        case Negative(operand):
            inner = value_at(operand, point)
            return Range(-inner.high, -inner.low)
        case Reciprocal(operand):
            return _inverse(value_at(operand, point))
        case Sum(terms):
            parts = [value_at(term, point) for term in terms]
            return _kept(sum((p.low for p in parts), Fraction(0)), sum((p.high for p in parts), Fraction(0)))
        case Product(factors):
            product = Range(Fraction(1), Fraction(1))
            for factor in factors:
                product = _times(product, value_at(factor, point))
            return product
        case Power(base, exponent):
            return _power(value_at(base, point), value_at(exponent, point))
        case Call(function, arguments):
            return _call(function, [value_at(argument, point) for argument in arguments])


def _kept(low: Fraction, high: Fraction) -> Range:
    """Return a range with ends of moderate length, rounded outward unless it is a single number."""
    if low == high:
        if max(low.numerator.bit_length(), low.denominator.bit_length()) > MOST_BITS:
            raise Unknown("a fraction of too many digits")
        return Range(low, high)
    return Range(_rounded(low, math.floor), _rounded(high, math.ceil))


def _rounded(value: Fraction, whole: Callable[[Fraction], int]) -> Fraction:
    if value == 0:
        return value
    shift = BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    return Fraction(whole(value * Fraction(2) ** shift)) / Fraction(2) ** shift


def _times(one: Range, other: Range) -> Range:
    ends = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    return _kept(min(ends), max(ends))


def _inverse(one: Range) -> Range:
    if one.sign in (None, 0):
        raise Unknown("a division by zero")
    return _kept(1 / one.high, 1 / one.low)


def _power(base: Range, exponent: Range) -> Range:
    if not exponent.exact:
        raise Unknown("an exponent that is no fraction")
    times = exponent.low
    if times.denominator == 2:
        return _power(_root(base), Range(Fraction(times.numerator), Fraction(times.numerator)))
    if times.denominator != 1:
        if base.sign != 1:
            raise Unknown("a root of what may be negative")
        return _exp(_times(exponent, _log(base)))
    count = times.numerator
    longest = max(abs(part) for end in (base.low, base.high) for part in (end.numerator, end.denominator))
    if longest.bit_length() * abs(count) > MOST_BITS:
        raise Unknown("a power of too many digits")
    if count < 0:
        return _power(_inverse(base), Range(Fraction(-count), Fraction(-count)))
    ends = [base.low**count, base.high**count]
    low = Fraction(0) if count % 2 == 0 and count and base.sign is None else min(ends)
    return _kept(low, max(ends))


def _down(value: Fraction) -> Decimal:
    return DOWN.divide(Decimal(value.numerator), Decimal(value.denominator))


def _up(value: Fraction) -> Decimal:
    return UP.divide(Decimal(value.numerator), Decimal(value.denominator))


def _between(low: Decimal, high: Decimal) -> Range:
    """Return the range between two decimals that are correctly rounded results, one unit wider on either side."""
    if not (low.is_finite() and high.is_finite()):
        raise Unknown("a number beyond decimals")
    return _kept(Fraction(low.next_minus(DOWN)), Fraction(high.next_plus(UP)))


def _exp(one: Range) -> Range:
    if one.low == one.high == 0:
        return Range(Fraction(1), Fraction(1))
    if max(abs(one.low), abs(one.high)) > LARGEST_ARGUMENT:
        raise Unknown("an exponential of a large number")
    found = _between(_down(one.low).exp(DOWN), _up(one.high).exp(UP))
    return Range(max(found.low, Fraction(0)), found.high)


def _log(one: Range) -> Range:
    if one.low == one.high == 1:
        return Range(Fraction(0), Fraction(0))
    if one.sign != 1:
        raise Unknown("a logarithm of what may not be positive")
    return _between(_down(one.low).ln(DOWN), _up(one.high).ln(UP))


def _root(one: Range) -> Range:
    if one.low < 0:
        raise Unknown("a root of what may be negative")
    if one.exact:
        top, bottom = math.isqrt(one.low.numerator), math.isqrt(one.low.denominator)
        if top**2 == one.low.numerator and bottom**2 == one.low.denominator:
            return Range(Fraction(top, bottom), Fraction(top, bottom))
    found = _between(_down(one.low).sqrt(DOWN), _up(one.high).sqrt(UP))
    return Range(max(found.low, Fraction(0)), found.high)


def _tanh_at(value: Fraction) -> Range:
    """Return tanh = 1 - 2/(1 + exp(2x)) at a number; far out it lies next to ±1."""
    if abs(value) > LARGEST_ARGUMENT // 2:
        near = 1 - Fraction(1, 10**2000)
        return Range(near, Fraction(1)) if value > 0 else Range(Fraction(-1), -near)
    grown = _exp(Range(2 * value, 2 * value))
    return _kept(1 - 2 / (1 + grown.low), 1 - 2 / (1 + grown.high))


def _sinh_at(value: Fraction) -> Range:
    grown, fallen = _exp(Range(value, value)), _exp(Range(-value, -value))
    return _kept((grown.low - fallen.high) / 2, (grown.high - fallen.low) / 2)


def _rising(one: Range, at: Callable[[Fraction], Range]) -> Range:
    """Return the range of a function that does not fall."""
    return Range(at(one.low).low, at(one.high).high)


def _alternating(term: Fraction, ratio: Callable[[int], Fraction], weight: Callable[[int], Fraction]) -> Range:
    """Return Σ (-1)**i t_i · weight(i) with t_(i+1) = t_i · ratio(i), which falls from some term on."""
    total, i = Fraction(0), 0
    while True:
        added = term * weight(i)
        if abs(added) < SMALL and ratio(i) < Fraction(1, 2):
            break
        total += added if i % 2 == 0 else -added
        term = Fraction(math.floor(term * ratio(i) * FINE), FINE)
        i += 1
    # What is left out is smaller than its first term; a rounding of 1/FINE grows by at most exp(12**2) < 2**208.
    slack = 2 * SMALL
    return Range(total - slack, total + slack)


def _series(one: Range, at: Callable[[Fraction], Range], steepest: int) -> Range:
    """Return the range of a function of slope at most ``steepest``, from its value in the middle."""
    if max(abs(one.low), abs(one.high)) > LARGEST_SERIES:
        raise Unknown("a series at a large number")
    middle = _rounded((one.low + one.high) / 2, math.floor)
    reach = steepest * max(one.high - middle, middle - one.low)
    found = at(middle)
    return _kept(found.low - reach, found.high + reach)


def _sin_at(x: Fraction) -> Range:
    return _alternating(x, lambda i: x * x / ((2 * i + 2) * (2 * i + 3)), lambda i: Fraction(1))


def _cos_at(x: Fraction) -> Range:
    return _alternating(Fraction(1), lambda i: x * x / ((2 * i + 1) * (2 * i + 2)), lambda i: Fraction(1))


def _erf_at(x: Fraction) -> Range:
    """Return 2/√π Σ (-1)^i x^(2i+1)/(i! (2i+1))."""
    sum_ = _alternating(x, lambda i: x * x / (i + 1), lambda i: Fraction(1, 2 * i + 1))
    scale = _inverse(_root(Range(PI, PI + Fraction(1, 10**50))))
    return _times(Range(2 * sum_.low, 2 * sum_.high), scale)


def _step(one: Range) -> Range:
    sign = 1 if one.low > 0 else 0 if one.high <= 0 else None
    if sign is None:
        raise Unknown("a step at what may be 0")
    return Range(Fraction(sign), Fraction(sign))


def _sign(one: Range) -> Range:
    if one.sign is None:
        raise Unknown("the sign of what may be 0")
    return Range(Fraction(one.sign), Fraction(one.sign))


def _modulus(one: Range) -> Range:
    if one.sign is None:
        return Range(Fraction(0), max(-one.low, one.high))
    return one if one.sign >= 0 else Range(-one.high, -one.low)


def _floor(one: Range) -> Range:
    low, high = math.floor(one.low), math.floor(one.high)
    if low != high:
        raise Unknown("a jump")
    return Range(Fraction(low), Fraction(low))


def _cosh(one: Range) -> Range:
    grown = _exp(_modulus(one))
    return _times(Range(Fraction(1, 2), Fraction(1, 2)), _kept(grown.low + 1 / grown.high, grown.high + 1 / grown.low))


ONE: Mapping[str, Callable[[Range], Range]] = {
    "abs": _modulus,
    "sign": _sign,
    "step": _step,
    "floor": _floor,
    "exp": _exp,
    "log": _log,
    "sqrt": _root,
    "cosh": _cosh,
    "tanh": lambda one: _rising(one, _tanh_at),
    "sinh": lambda one: _rising(one, _sinh_at),
    "sin": lambda one: _series(one, _sin_at, 1),
    "cos": lambda one: _series(one, _cos_at, 1),
    "erf": lambda one: _series(one, _erf_at, 2),
}


def _call(function: str, arguments: Sequence[Range]) -> Range:
    if function in ("Min", "Max"):
        choose = min if function == "Min" else max
        return Range(choose(a.low for a in arguments), choose(a.high for a in arguments))
    if len(arguments) != 1:
        raise Unknown(function)
    (one,) = arguments
    if one.low == one.high == 0 and function in PLAIN_AT_ZERO:
        return Range(Fraction(0), Fraction(0))
    if one.low == one.high == 0 and function in ONE_AT_ZERO:
        return Range(Fraction(1), Fraction(1))
    if function not in ONE:
        raise Unknown(function)
    return ONE[function](one)
