"""Exponential, logarithm and their kin for vectors, to one or two units in the last place over the whole range.

exp: x = k·ln 2 + r, |r| <= ln 2/2, with ln 2 in two parts (Cody & Waite 1980, Software Manual for the Elementary
Functions, ch. 6) and a minimax polynomial of degree 11; log: x = 2**k m, √½ <= m < √2, through the odd series in
s = f/(2 + f), f = m - 1 (the form of fdlibm's e_log.c). The coefficients are Chebyshev fits made with 60 digits.
"""

from dataclasses import dataclass

from symgrad.kernels.llvm.writer import Writer, bits_of

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUND_TO_INTEGER = 1.5 * 2.0**52
EXP = (
    0.5,
    0.16666666666666666,
    0.04166666666665134,
    0.008333333333332155,
    0.0013888888905891745,
    0.00019841269854346458,
    2.480153636831133e-05,
    2.7557280051344567e-06,
    2.761381816969184e-07,
    2.5095563373394485e-08,
)
LOG = (
    0.6666666666666666,
    0.4000000000000088,
    0.2857142857080285,
    0.22222222391887056,
    0.18181795621633706,
    0.1538624070891935,
    0.13268746196943831,
    0.13086907873878542,
)
ROOT_HALF_BITS = bits_of(0.7071067811865476)
ONE_BITS = bits_of(1.0)
MANTISSA_BITS, SIGN_BITS = (1 << 52) - 1, 1 << 63


@dataclass(frozen=True)
class Reduced:
    """An argument u of the exponential as k·ln 2 + r: ``grown`` is exp(r) - 1, ``power`` holds k in its last bits.

    ``bounded`` says that u <= 709. With ``cut`` what lies below -708 counts as -708, which is right for activations:
    they add their exponential to 1, or to a number beside which it is lost, or it is a factor that is looked at anyway.
    """

    argument: str
    power: str
    grown: str
    bounded: bool
    cut: bool


def reduce_exponential(code: Writer, u: str, *, bounded: bool, cut: bool = False) -> Reduced:
    """Write what exp and expm1 share."""
    if not bounded:
        u = code.least(u, code.number(710.0))
    u = code.most(u, code.number(-708.0 if cut else -746.0))
    magic = code.number(ROUND_TO_INTEGER)
    shifted = code.fma(u, code.number(LOG2_E), magic)
    k = code.line(f"fsub {code.floats} {shifted}, {magic}")
    r = code.fma(k, code.number(-LN2_HIGH), u)
    r = code.fma(k, code.number(-LN2_LOW), r)
    square = code.mul(r, r)
    grown = code.fma(square, code.polynomial(r, EXP), r)
    return Reduced(u, code.as_bits(shifted), grown, bounded, cut)


def _power(code: Writer, reduced: Reduced) -> str:
    """Write 2**k, for -1022 <= k <= 1023."""
    shifted = code.integer("shl", reduced.power, code.whole(52))
    return code.as_floats(code.integer("add", shifted, code.whole(ONE_BITS)))


def exponential(code: Writer, reduced: Reduced) -> str:
    """Write exp(u), right down to the smallest subnormal number unless the argument is cut off."""
    if reduced.cut:
        power = _power(code, reduced)
        return code.fma(power, reduced.grown, power)
    low = code.compare("olt", reduced.argument, code.number(-708.0))
    shift = code.line(f"select {code.truths} {low}, {code.bits} {code.whole(64)}, {code.bits} {code.whole(0)}")
    back = code.select(low, code.number(2.0**-64), code.number(1.0))
    if not reduced.bounded:
        high = code.compare("ogt", reduced.argument, code.number(708.0))
        shift = code.line(f"select {code.truths} {high}, {code.bits} {code.whole(-64)}, {code.bits} {shift}")
        back = code.select(high, code.number(2.0**64), back)
    power = code.integer("shl", code.integer("add", reduced.power, shift), code.whole(52))
    near_one = code.as_bits(code.add(reduced.grown, code.number(1.0)))
    return code.mul(code.as_floats(code.integer("add", near_one, power)), back)


def exponential_minus_one(code: Writer, reduced: Reduced) -> str:
    """Write exp(u) - 1 for u <= 709 without cancellation."""
    power = _power(code, reduced)
    near = code.fma(power, reduced.grown, code.sub(power, code.number(1.0)))
    if reduced.cut:
        return near
    low = code.compare("olt", reduced.argument, code.number(-40.0))
    return code.select(low, code.number(-1.0), near)


def split_mantissa(code: Writer, x: str) -> tuple[str, str]:
    """Write x > 0 as 2**k m with √½ <= m < √2: k as a float, and m."""
    moved = code.integer("add", code.as_bits(x), code.whole(ONE_BITS - ROOT_HALF_BITS))
    k = code.integer("lshr", moved, code.whole(52))
    floated = code.as_floats(code.integer("or", k, code.whole(bits_of(2.0**52))))
    low = code.integer("and", moved, code.whole(MANTISSA_BITS))
    m = code.as_floats(code.integer("add", low, code.whole(ROOT_HALF_BITS)))
    return code.line(f"fsub {code.floats} {floated}, {code.number(2.0**52 + 1023.0)}"), m


def logarithm_near_one(code: Writer, m: str) -> tuple[str, str]:
    """Write log(m) as two numbers to be added, the second the smaller one, for √½ <= m < √2."""
    f = code.sub(m, code.number(1.0))
    s = code.div(f, code.add(f, code.number(2.0)))
    z = code.mul(s, s)
    rest = code.mul(z, code.polynomial(z, LOG))
    half = code.mul(code.mul(f, f), code.number(0.5))
    return f, code.sub(code.mul(s, code.add(half, rest)), half)


def logarithm(code: Writer, x: str) -> str:
    """Write log(x): -inf at 0, nan below."""
    tiny = code.compare("olt", x, code.number(2.0**-1022))
    scaled = code.select(tiny, code.mul(x, code.number(2.0**54)), x)
    k, m = split_mantissa(code, scaled)
    k = code.select(tiny, code.sub(k, code.number(54.0)), k)
    f, rest = logarithm_near_one(code, m)
    rest = code.fma(k, code.number(LN2_LOW), rest)
    result = code.fma(k, code.number(LN2_HIGH), code.add(f, rest))
    infinite = code.number(float("inf"))
    result = code.select(code.compare("olt", x, infinite), result, x)
    result = code.select(code.compare("oeq", x, code.number(0.0)), code.number(float("-inf")), result)
    return code.select(code.compare("olt", x, code.number(0.0)), code.number(float("nan")), result)


def logarithm_plus_one(code: Writer, x: str) -> str:
    """Write log(1 + x) without cancellation."""
    one = code.number(1.0)
    u = code.line(f"fadd {code.floats} {x}, {one}")
    small = code.line(f"fsub {code.floats} {x}, " + code.line(f"fsub {code.floats} {u}, {one}"))
    large = code.line(f"fsub {code.floats} {one}, " + code.line(f"fsub {code.floats} {u}, {x}"))
    lost = code.select(code.compare("olt", x, one), small, large)
    result = code.add(logarithm(code, u), code.div(lost, u))
    usual = code.both(code.compare("ogt", x, code.number(-1.0)), code.compare("olt", x, code.number(2.0**100)))
    return code.select(usual, result, logarithm(code, u))


def split_exponent(code: Writer, x: str) -> tuple[str, str]:
    """Write x as mantissa in [½, 1) and exponent, a float; (0, 0) for 0; x is 0 or a normal number."""
    bits = code.as_bits(x)
    low = code.integer("and", bits, code.whole(SIGN_BITS - (1 << 64) | MANTISSA_BITS))
    mantissa = code.as_floats(code.integer("or", low, code.whole(bits_of(0.5))))
    power = code.integer("and", code.integer("lshr", bits, code.whole(52)), code.whole(2047))
    floated = code.as_floats(code.integer("or", power, code.whole(bits_of(2.0**52))))
    exponent = code.line(f"fsub {code.floats} {floated}, {code.number(2.0**52 + 1022.0)}")
    zero = code.compare("oeq", x, code.number(0.0))
    return code.select(zero, code.number(0.0), mantissa), code.select(zero, code.number(0.0), exponent)


def power_of_two(code: Writer, exponent: str) -> str:
    """Write 2**exponent for a whole number in a float; 0 below 2**-1022, 2**1023 above that."""
    inside = code.most(code.least(exponent, code.number(1023.0)), code.number(-1023.0))
    bits = code.as_bits(code.line(f"fadd {code.floats} {inside}, {code.number(ROUND_TO_INTEGER + 1023.0)}"))
    return code.as_floats(code.integer("shl", bits, code.whole(52)))
