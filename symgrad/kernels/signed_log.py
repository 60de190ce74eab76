"""Numbers of practically unlimited size: mantissa · 2**exponent, with arithmetic on whole arrays.

``multiply`` to ``remainder`` work element by element, broadcast like NumPy, round once per operation and never warn.
Beyond 2**±1e308 only the sign is kept: the exponent is ±inf, and what is then unknown (inf - inf) is undefined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgrad.errors import InputError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LN2 = 0.6931471805599453
LN2_HIGH = 6.93147180369123816490e-01  # 32 leading bits of ln 2, so that k · LN2_HIGH is exact for |k| < 2**21
LN2_LOW = 1.90821492927058770002e-10
EXACT_POWER = 1024  # sqrt(2)**1024 is still a float, so such powers of a mantissa are one call of numpy.power
DEEPEST_ROOT = 512
MAX_SHIFT = 2000  # a term 2**2000 times smaller than the other one does not change a sum
FLOAT_BITS = 53.0


@dataclass(frozen=True, eq=False)
class SignedLog:
    """The numbers mantissa · 2**exponent, which neither overflow nor underflow.

    Parameters
    ----------
    mantissa : float64, shape (…); 0.5 <= abs(mantissa) < 1, or exactly 0 for zero, or nan for "undefined"
    exponent : float64, the same shape; a whole number, 0 where the mantissa is 0 or nan, +inf where the number is
        infinite or above 2**1.7e308, -inf where it is nonzero but below 2**-1.7e308

    Examples
    --------
    >>> tiny = SignedLog.from_parts(-0.75, -100000)
    >>> int(tiny.sign), round(float(tiny.log_abs), 3), float(tiny.value)
    (-1, -69315.006, -0.0)
    """

    mantissa: Array
    exponent: Array

    def __post_init__(self) -> None:
        if np.shape(self.mantissa) != np.shape(self.exponent):
            shapes = f"{np.shape(self.mantissa)} and {np.shape(self.exponent)}"
            raise InputError(f"mantissa and exponent need one shape, got {shapes}; use SignedLog.from_parts")

    @classmethod
    def from_float(cls, array: ArrayLike) -> "SignedLog":
        """Return the numbers of a float array exactly.

        >>> SignedLog.from_float([0.0, 6.0]).mantissa
        array([0.  , 0.75])
        """
        return _normal(np.asarray(array, dtype=np.float64), 0.0)

    @classmethod
    def of_floats(cls, array: Array) -> "SignedLog":
        """Return the numbers of a float array, which is kept; mantissas and exponents are made when asked for.

        >>> kept = SignedLog.of_floats(np.array([0.0, 6.0]))
        >>> kept.value, kept.exponent
        (array([0., 6.]), array([0., 3.]))
        """
        floats = array.view()
        floats.flags.writeable = False
        kept = object.__new__(cls)
        object.__setattr__(kept, "_floats", floats)
        return kept

    def __getattr__(self, name: str) -> Any:
        if name not in ("mantissa", "exponent") or "_floats" not in self.__dict__:
            raise AttributeError(name)
        parts = _normal(self._floats, 0.0)
        for part in ("mantissa", "exponent"):
            object.__setattr__(self, part, getattr(parts, part))
        return self.__dict__[name]

    @classmethod
    def from_parts(cls, mantissa: ArrayLike, exponent: ArrayLike) -> "SignedLog":
        """Return mantissa · 2**exponent for any floats as mantissa and any whole numbers as exponent.

        >>> SignedLog.from_parts(12.0, [3, -4]).exponent
        array([7., 0.])
        """
        parts = np.broadcast_arrays(np.asarray(mantissa, dtype=np.float64), np.asarray(exponent, dtype=np.float64))
        if np.any(parts[1] != np.floor(parts[1])):
            raise InputError("an exponent is a whole number, got a fraction; use SignedLog.from_log for logarithms")
        return _normal(*parts)

    @classmethod
    def from_log(cls, sign: ArrayLike, log_abs: ArrayLike) -> "SignedLog":
        """Return sign · exp(log_abs), the inverse of the properties ``sign`` and ``log_abs``.

        >>> float(SignedLog.from_log(-1, 1e6).log_abs)
        1000000.0
        """
        return multiply(cls.from_float(sign), exponential(cls.from_float(log_abs)))

    @classmethod
    def from_ratio(cls, numerator: int, denominator: int = 1) -> "SignedLog":
        """Return the quotient of two integers of any size, rounded once.

        >>> float(SignedLog.from_ratio(10**400, 3 * 10**400).value)
        0.3333333333333333
        """
        shift = numerator.bit_length() - denominator.bit_length()
        quotient = (numerator << max(-shift, 0)) / (denominator << max(shift, 0))
        return cls.from_parts(quotient, shift)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of numbers."""
        return np.shape(self._signed)

    @property
    def sign(self) -> NDArray[np.int8]:
        """The sign, int8: 0 means exactly zero (and stands where the number is undefined)."""
        return np.asarray((self._signed > 0).astype(np.int8) - (self._signed < 0).astype(np.int8))

    @property
    def _signed(self) -> Array:
        """What has the shape and the signs of the numbers."""
        found: Array = self.__dict__["_floats" if "_floats" in self.__dict__ else "mantissa"]
        return found

    @property
    def log_abs(self) -> Array:
        """The natural logarithm of the absolute value in nats, -inf where the number is zero."""
        mantissa, exponent = _centred(self)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.abs(mantissa)) + exponent * LN2)

    @property
    def value(self) -> Array:
        """The numbers as float64, not to be written to: ±inf where they are too large, gradually 0 if too small."""
        if "_floats" in self.__dict__:
            return np.asarray(self._floats)
        with np.errstate(over="ignore", under="ignore"):
            return _scaled(self.mantissa, self.exponent)

    def reshape(self, shape: tuple[int, ...]) -> "SignedLog":
        """Return the same numbers in another shape."""
        if "_floats" in self.__dict__:
            return SignedLog.of_floats(self._floats.reshape(shape))
        return SignedLog(self.mantissa.reshape(shape), self.exponent.reshape(shape))

    def __getitem__(self, index: Any) -> "SignedLog":
        if "_floats" in self.__dict__:
            return SignedLog.of_floats(np.asarray(self._floats[index]))
        return SignedLog(np.asarray(self.mantissa[index]), np.asarray(self.exponent[index]))


def _scaled(mantissa: Array, shift: Array) -> Array:
    """Return mantissa · 2**shift as floats, rounded once."""
    return np.asarray(np.ldexp(mantissa, np.clip(shift, -2 * MAX_SHIFT, 2 * MAX_SHIFT).astype(np.intc)))


def _centred(a: SignedLog) -> tuple[Array, Array]:
    """Return mantissa in [sqrt(1/2), sqrt(2)) and exponent, where log(mantissa) and exponent · ln 2 cannot cancel."""
    low = np.abs(a.mantissa) < 0.7071067811865476
    return np.where(low, 2.0 * a.mantissa, a.mantissa), a.exponent - low


def _normal(mantissa: ArrayLike, exponent: ArrayLike) -> SignedLog:
    """Return mantissa · 2**exponent with its mantissa in [0.5, 1)."""
    fraction, shift = np.frexp(np.asarray(mantissa))
    with np.errstate(all="ignore"):
        total = exponent + shift
    if not np.all(np.isfinite(fraction) & np.isfinite(total) & (fraction != 0.0)):
        fraction, total = _canonical(fraction, total)
    return SignedLog(np.asarray(fraction), np.asarray(total))


def _canonical(mantissa: Array, exponent: Array) -> tuple[Array, Array]:
    """Bring zeros, infinities and undefined numbers into the one form each has."""
    with np.errstate(invalid="ignore"):
        exponent = np.where(np.isinf(mantissa), exponent + np.inf, exponent)
    zero = mantissa == 0.0
    undefined = np.isnan(mantissa) | np.isnan(exponent) | (zero & (exponent == np.inf))
    half = np.where(np.isinf(exponent) & ~zero, np.copysign(0.5, mantissa), mantissa)
    return np.where(undefined, np.nan, half), np.where(undefined | zero, 0.0, exponent)


def undefined(a: SignedLog) -> Mask:
    """Return where the numbers are undefined (nan)."""
    return np.isnan(a.mantissa)


def where(condition: NDArray[Any] | bool, a: SignedLog, b: SignedLog) -> SignedLog:
    """Return the numbers of ``a`` where the condition holds and those of ``b`` elsewhere."""
    return SignedLog(np.where(condition, a.mantissa, b.mantissa), np.where(condition, a.exponent, b.exponent))


def stack(values: Sequence[SignedLog], *, axis: int = 0) -> SignedLog:
    """Join arrays of one shape along a new axis.

    >>> stack([SignedLog.from_float(1.0), SignedLog.from_float(2.0)]).shape
    (2,)
    """
    mantissas, exponents = [a.mantissa for a in values], [a.exponent for a in values]
    return SignedLog(np.stack(mantissas, axis=axis), np.stack(exponents, axis=axis))


def broadcast_to(a: SignedLog, shape: tuple[int, ...]) -> SignedLog:
    """Return the numbers repeated to the shape given."""
    return SignedLog(np.broadcast_to(a.mantissa, shape), np.broadcast_to(a.exponent, shape))


def negate(a: SignedLog) -> SignedLog:
    """Return -a."""
    return SignedLog(np.asarray(-a.mantissa), a.exponent)


def absolute(a: SignedLog) -> SignedLog:
    """Return |a|."""
    return SignedLog(np.asarray(np.abs(a.mantissa)), a.exponent)


def multiply(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a · b.

    >>> big = SignedLog.from_parts(0.5, 1e300)
    >>> float(multiply(big, big).exponent)
    2e+300
    """
    with np.errstate(all="ignore"):
        return _normal(a.mantissa * b.mantissa, a.exponent + b.exponent)


def divide(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a / b, undefined where b is zero."""
    with np.errstate(all="ignore"):
        quotient = np.where(b.mantissa == 0.0, np.nan, a.mantissa / b.mantissa)
        return _normal(quotient, a.exponent - b.exponent)


def add(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a + b.

    >>> small = add(SignedLog.from_parts(0.5, -5000), SignedLog.from_parts(0.5, -5001))
    >>> float(small.mantissa), float(small.exponent)
    (0.75, -5000.0)
    """
    heights = [np.where(part.mantissa == 0.0, -np.inf, part.exponent) for part in (a, b)]
    top = np.maximum(*heights)
    with np.errstate(all="ignore"):
        shifts = [np.where(height == top, 0.0, height - top) for height in heights]
        total = _scaled(a.mantissa, shifts[0]) + _scaled(b.mantissa, shifts[1])
    unknown = (total == 0.0) & np.isinf(top) & (a.mantissa != 0.0)
    return _normal(np.where(unknown, np.nan, total), top)


def total(terms: Sequence[SignedLog]) -> SignedLog:
    """Return the sum of the terms with the rounding errors of the partial sums carried along (Neumaier 1974)."""
    faint = [(term.exponent == -np.inf) for term in terms]
    if any(mask.any() for mask in faint):
        return _total_with_faint(terms, faint)
    result, *rest = terms
    if len(rest) == 1:
        return add(result, rest[0])
    carried = SignedLog.from_float(0.0)
    for term in rest:
        partial = add(result, term)
        first_larger = _order(absolute(result), absolute(term)) >= 0
        larger, smaller = where(first_larger, result, term), where(first_larger, term, result)
        lost = add(add(larger, negate(partial)), smaller)
        carried = where(undefined(lost) | np.isinf(partial.exponent), carried, add(carried, lost))
        result = partial
    return add(result, carried)


def _total_with_faint(terms: Sequence[SignedLog], faint: Sequence[Mask]) -> SignedLog:
    """Return a sum in which terms of unknown size below 2**-1e308 count only where all others add up to zero."""
    zero = SignedLog.from_float(0.0)
    main = total([where(mask, zero, term) for term, mask in zip(terms, faint, strict=True)])
    rest = reduce(add, [where(mask, term, zero) for term, mask in zip(terms, faint, strict=True)])
    return where(main.mantissa == 0.0, rest, main)


def _order(a: SignedLog, b: SignedLog) -> Array:
    with np.errstate(invalid="ignore"):
        signs = np.sign(a.mantissa), np.sign(b.mantissa)
        heights = np.where(a.exponent == b.exponent, 0.0, np.sign(a.exponent - b.exponent))
        same_sign = np.where(heights == 0.0, np.sign(a.mantissa - b.mantissa), signs[0] * heights)
        return np.where((signs[0] == signs[1]) & (signs[0] != 0.0), same_sign, np.sign(signs[0] - signs[1]))


def compare(a: SignedLog, b: SignedLog) -> Array:
    """Return -1 where a < b, 0 where a = b, 1 where a > b, nan where either is undefined.

    >>> compare(SignedLog.from_parts(-0.5, 9999), SignedLog.from_float([-7.0, 0.0]))
    array([-1., -1.])
    """
    return np.where(undefined(a) | undefined(b), np.nan, _order(a, b))


def maximum(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return the larger of a and b, undefined where either is."""
    return where(undefined(a) | (compare(a, b) > 0), a, b)


def minimum(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return the smaller of a and b, undefined where either is."""
    return where(undefined(a) | (compare(a, b) < 0), a, b)


def exponential(a: SignedLog) -> SignedLog:
    """Return e**a with a relative error below 1e-15 · max(1, |a|), the argument reduced by ln 2 in two parts.

    >>> float(exponential(SignedLog.from_float(-1e9)).log_abs)
    -1000000000.0
    """
    x = a.value
    with np.errstate(all="ignore"):
        turns = np.rint(x / LN2)
        reduced = (x - turns * LN2_HIGH) - turns * LN2_LOW
    # Above 2**50 the reduced argument is smaller than the rounding of x itself.
    reduced = np.where(np.abs(x) < 2.0**50, reduced, np.where(np.isnan(x), np.nan, 0.0))
    return _normal(np.exp(reduced), turns)


def logarithm(a: SignedLog) -> SignedLog:
    """Return the natural logarithm: -inf of zero, undefined for negative numbers."""
    return SignedLog.from_float(np.where(a.mantissa < 0.0, np.nan, a.log_abs))


def _root(a: SignedLog, degree: int) -> SignedLog:
    """Return the real root of a nonnegative number, undefined for a negative one."""
    mantissa, exponent = _centred(a)
    with np.errstate(all="ignore"):
        rest = np.where(np.isinf(exponent), 0.0, np.mod(exponent, degree))
        base = _scaled(mantissa, rest)
        if degree == 2:
            root = np.sqrt(base)
        else:
            root = np.where(base < 0.0, np.nan, np.cbrt(base) if degree == 3 else np.power(base, 1.0 / degree))
        return _normal(root, (exponent - rest) / degree)


def _integer_power(a: SignedLog, exponent: int) -> SignedLog:
    mantissa, height = _centred(a)
    if exponent < 0:
        mantissa = np.where(mantissa == 0.0, np.nan, mantissa)
    with np.errstate(all="ignore"):
        if abs(exponent) <= EXACT_POWER:
            return _normal(np.power(mantissa, float(exponent)), np.where(mantissa == 0.0, 0.0, height * exponent))
        times = SignedLog.from_ratio(exponent)
        size = exponential(multiply(SignedLog.from_float(np.log(np.abs(mantissa))), times))
        scale = _normal(1.0, multiply(SignedLog.from_float(height), times).value)
        sign = np.sign(mantissa) ** (2 - exponent % 2)
        return multiply(SignedLog.from_float(sign), where(sign == 0.0, a, multiply(size, scale)))


def power(a: SignedLog, exponent: int | Fraction) -> SignedLog:
    """Return a**exponent on the real axis: undefined for a fractional power of a negative number and for 0**(-1).

    >>> float(power(SignedLog.from_parts(0.5, -9999), Fraction(1, 2)).exponent)
    -4999.0
    """
    ratio = Fraction(exponent)
    if ratio == 0:
        return where(undefined(a), a, SignedLog.from_float(1.0))
    if ratio.denominator > DEEPEST_ROOT:
        return raise_to(a, SignedLog.from_ratio(ratio.numerator, ratio.denominator))
    return _integer_power(a if ratio.denominator == 1 else _root(a, ratio.denominator), ratio.numerator)


def raise_to(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a**b for an exponent that is a number of its own; negative bases need whole exponents."""
    exponent = b.value
    with np.errstate(all="ignore"):
        whole = (b.exponent >= FLOAT_BITS) | (b.mantissa == 0.0) | ((b.exponent > 0.0) & (exponent % 1.0 == 0.0))
        odd = whole & (b.exponent <= FLOAT_BITS) & (exponent % 2.0 == 1.0)
    size = exponential(multiply(b, logarithm(absolute(a))))
    result = where(odd & (a.mantissa < 0.0), negate(size), size)
    of_zero = np.where(b.mantissa > 0.0, 0.0, np.where(b.mantissa == 0.0, 1.0, np.nan))
    result = where(a.mantissa == 0.0, SignedLog.from_float(of_zero), result)
    return where((a.mantissa < 0.0) & ~whole, SignedLog.from_float(np.nan), result)


def integer_part(a: SignedLog) -> SignedLog:
    """Return the largest whole number that is not above a."""
    small = np.where(a.exponent < -100.0, -100.0, a.exponent)
    floored = SignedLog.from_float(np.floor(_scaled(a.mantissa, np.minimum(small, FLOAT_BITS))))
    return where(a.exponent >= FLOAT_BITS, a, floored)


def remainder(a: SignedLog, b: SignedLog) -> SignedLog:
    """Return a modulo b with the sign of b, undefined where b is zero or a is more than 2**1000 times larger."""
    with np.errstate(all="ignore"):
        shift = a.exponent - b.exponent
        scaled = np.mod(_scaled(a.mantissa, shift), np.where(b.mantissa == 0.0, np.nan, b.mantissa))
        far = SignedLog.from_parts(np.where(shift > 1000.0, np.nan, scaled), b.exponent)
    opposite = a.mantissa * b.mantissa < 0.0
    near = where(opposite, add(a, b), a)
    return where((_order(absolute(a), absolute(b)) < 0) & (b.mantissa != 0.0), near, far)
