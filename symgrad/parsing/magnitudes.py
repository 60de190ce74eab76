"""How large the constants of a tree can become, known before anything computes them.

Rational constants are followed exactly, other constants by an interval of decimals. This bounds the work a text can ask
for; it is no proof about values: the intervals are widened, not rounded outward.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from symgrad.errors import InputError
from symgrad.parsing.limits import STANDARD, Limits
from symgrad.parsing.refusals import refusal
from symgrad.parsing.tree import Call, Indexed, Name, Negative, Node, Number, Power, Product, Reciprocal, Sum

_CONTEXT = Context(prec=25, Emax=10**9, Emin=-(10**9), traps=[])
_INFINITE = Decimal("Infinity")
_NAMED = {"pi": Decimal("3.141592653589793238462643"), "E": Decimal("2.718281828459045235360287")}
_RELATIVE = Decimal("1e-18")
_BOUNDED = {"sin": 1, "cos": 1, "tanh": 1, "erf": 1, "sign": 1, "atan": 2, "asin": 2, "acos": 4}
_TRANSPARENT = frozenset({"abs", "sqrt", "floor", "Mod", "Min", "Max"})
_SMOOTH: dict[str, Callable[[float], float]] = {
    function.__name__: function
    for function in (
        math.sin,
        math.cos,
        math.tan,
        math.asin,
        math.acos,
        math.atan,
        math.tanh,
        math.asinh,
        math.acosh,
        math.atanh,
        math.erf,
    )
}


@dataclass(frozen=True)
class Interval:
    """The constants between two decimals."""

    low: Decimal
    high: Decimal

    @property
    def largest(self) -> Decimal:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True)
class Magnitude:
    """What is known of a node without computing it.

    Parameters
    ----------
    bits : bits of the largest integer that writing out its rational coefficients can make
    exact : its value, when it is a rational constant
    interval : where its value lies, when it is a constant
    """

    bits: float = 0.0
    exact: Fraction | None = None
    interval: Interval | None = None


_SYMBOLIC = Magnitude()
_ANYWHERE = Interval(-_INFINITE, _INFINITE)


def check_magnitudes(node: Node, text: str, *, limit: Limits = STANDARD) -> None:
    """Refuse constants that are too large to be written out, and divisions by a literal zero.

    Examples
    --------
    >>> from symgrad.parsing.tree import Number, Power
    >>> nine = Number(Fraction(9))
    >>> check_magnitudes(Power(nine, Power(nine, nine)), "9**9**9")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: the exponent 387420489 is beyond 10000 (column 1 of '9**9**9'); use a smaller one, or give it a name
    """  # noqa: E501
    measure(node, text, limit=limit)


def exact_value(node: Node) -> Fraction | None:
    """Return the value of a tree that is a rational constant by arithmetic alone, else None.

    Examples
    --------
    >>> from symgrad.parsing.tree import Name, Number, Reciprocal
    >>> exact_value(Reciprocal(Number(Fraction(3)))), exact_value(Name("x"))
    (Fraction(1, 3), None)
    """
    return measure(node, "", limit=STANDARD).exact


def enclosing_interval(node: Node) -> Interval | None:
    """Return decimals that a constant tree lies between, to about 18 digits where it can; None with variables in it.

    Examples
    --------
    >>> from symgrad.parsing.tree import Name
    >>> round(enclosing_interval(Name("pi")).low, 6)
    Decimal('3.141593')
    """
    return measure(node, "", limit=STANDARD).interval


def measure(node: Node, text: str, *, limit: Limits = STANDARD) -> Magnitude:
    """Return the magnitude of a node; refuse it, quoting the text, when it breaks a limit.

    Examples
    --------
    >>> measure(Number(Fraction(8)), "8").bits
    3.0
    """
    with localcontext(_CONTEXT):
        return _Measure(text, limit).magnitude(node)


def _bits(value: Fraction) -> float:
    return math.log2(max(abs(value.numerator), value.denominator))


def _exactly(value: Fraction) -> Magnitude:
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    return Magnitude(_bits(value), value, Interval(decimal, decimal))


def _hull(values: Sequence[Decimal], *, relative: Decimal = _RELATIVE) -> Interval:
    if any(value.is_nan() for value in values):
        return _ANYWHERE
    low, high = min(values), max(values)
    return Interval(low - abs(low) * relative, high + abs(high) * relative)


class _Measure:
    """The magnitudes of one text's nodes; the text and the limits are for refusals."""

    def __init__(self, text: str, limit: Limits) -> None:
        self.text, self.limit = text, limit
        self.log_limit = Decimal(limit.bits) * Decimal(2).ln()

    def magnitude(self, node: Node) -> Magnitude:
        match node:
            case Number(value):
                return _exactly(value)
            case Name(name):
                return Magnitude(interval=_hull([_NAMED[name]])) if name in _NAMED else _SYMBOLIC
            case Indexed():
                return _SYMBOLIC
            case Negative(operand):
                return self._negative(self.magnitude(operand))
            case Reciprocal(operand):
                return self._reciprocal(self.magnitude(operand), node)
            case Sum(terms):
                return self._sum([self.magnitude(term) for term in terms], node)
            case Product(factors):
                return self._product([self.magnitude(factor) for factor in factors], node)
            case Power(base, exponent):
                return self._power(self.magnitude(base), self.magnitude(exponent), node)
            case Call(function, arguments):
                return self._call(function, [self.magnitude(argument) for argument in arguments], node)

    def _refuse_large(self, node: Node) -> None:
        raise refusal(
            self.text,
            column=node.column,
            problem=f"a constant is larger than {self.limit.bits} bits",
            remedy="use a smaller one, or give it a name",
        )

    def _division_by_zero(self, node: Node) -> InputError:
        return refusal(
            self.text,
            column=node.column,
            problem="a division by zero",
            remedy="write a divisor that can differ from 0",
        )

    def _bounded(self, found: Magnitude, node: Node) -> Magnitude:
        """Return the magnitude, unless it breaks the limit of bits."""
        too_large = found.bits > self.limit.bits
        if found.exact is None and found.interval is not None:
            largest = found.interval.largest
            too_large |= largest.is_finite() and largest > 1 and largest.ln() > self.log_limit
        if too_large:
            self._refuse_large(node)
        return found

    def _negative(self, operand: Magnitude) -> Magnitude:
        around = operand.interval
        interval = None if around is None else Interval(-around.high, -around.low)
        return Magnitude(operand.bits, None if operand.exact is None else -operand.exact, interval)

    def _reciprocal(self, operand: Magnitude, node: Node) -> Magnitude:
        if operand.exact is not None:
            if operand.exact == 0:
                raise self._division_by_zero(node)
            return _exactly(1 / operand.exact)
        around = operand.interval
        if around is None:
            return Magnitude(operand.bits)
        if around.low <= 0 <= around.high:
            return Magnitude(operand.bits, None, _ANYWHERE)
        return Magnitude(operand.bits, None, _hull([1 / around.low, 1 / around.high]))

    def _sum(self, terms: list[Magnitude], node: Node) -> Magnitude:
        exact: Fraction | None = Fraction(0)
        interval: Interval | None = Interval(Decimal(0), Decimal(0))
        bits = max(term.bits for term in terms)
        for term in terms:
            exact = None if exact is None or term.exact is None else exact + term.exact
            around = term.interval
            interval = None if interval is None or around is None else _added(interval, around)
            if exact is not None:
                bits = max(bits, self._bounded(Magnitude(_bits(exact)), node).bits)
        return self._bounded(_exactly(exact) if exact is not None else Magnitude(bits, None, interval), node)

    def _product(self, factors: list[Magnitude], node: Node) -> Magnitude:
        exact: Fraction | None = Fraction(1)
        interval: Interval | None = Interval(Decimal(1), Decimal(1))
        for factor in factors:
            exact = None if exact is None or factor.exact is None else exact * factor.exact
            around = factor.interval
            interval = None if interval is None or around is None else _multiplied(interval, around)
            if exact is not None:
                self._bounded(Magnitude(_bits(exact)), node)
        bits = sum(factor.bits for factor in factors)
        return self._bounded(_exactly(exact) if exact is not None else Magnitude(bits, None, interval), node)

    def _power(self, base: Magnitude, exponent: Magnitude, node: Power) -> Magnitude:
        if exponent.interval is None:
            return _SYMBOLIC
        if exponent.interval.largest > self.limit.exponent:
            value = exponent.exact
            shown = str(value) if value is not None and len(str(value)) <= 20 else "of a power"
            raise refusal(
                self.text,
                column=node.column,
                problem=f"the exponent {shown} is beyond {self.limit.exponent}",
                remedy="use a smaller one, or give it a name",
            )
        if base.exact == 0 and exponent.interval.low < 0:
            raise refusal(
                self.text,
                column=node.column,
                problem="zero to a negative power",
                remedy="write a base that can differ from 0",
            )
        is_sum = isinstance(node.base, Sum) and base.interval is None
        bits = 0.0 if is_sum else base.bits * float(exponent.interval.largest)
        if base.interval is None or base.exact is not None:
            self._bounded(Magnitude(bits), node)
        if base.exact is not None and exponent.exact is not None and exponent.exact.denominator == 1:
            return _exactly(base.exact**exponent.exact.numerator)
        return self._bounded(Magnitude(bits, None, self._raised(base.interval, exponent, node)), node)

    def _raised(self, base: Interval | None, exponent: Magnitude, node: Node) -> Interval | None:
        """Return where a power of an interval lies, for a constant exponent."""
        if base is None or exponent.interval is None:
            return None
        ends = (exponent.interval.low, exponent.interval.high)
        if base.low > 0 and base.high.is_finite():
            logarithms = [end.ln() * power for end in (base.low, base.high) for power in ends]
            if max(logarithms) > self.log_limit:
                self._refuse_large(node)
            return _hull([value.exp() for value in logarithms])
        if exponent.exact is None or exponent.exact.denominator != 1:
            return None
        if exponent.exact < 0 or not base.largest.is_finite():
            return _ANYWHERE
        if base.largest > 1 and base.largest.ln() * ends[1] > self.log_limit:
            self._refuse_large(node)
        largest = base.largest ** int(exponent.exact)
        return Interval(-largest, largest)

    def _call(self, function: str, arguments: list[Magnitude], node: Node) -> Magnitude:
        if function == "Mod" and arguments[-1].exact == 0:
            raise self._division_by_zero(node)
        bits = 0.0 if function in ("exp", "sinh", "cosh") else max((a.bits for a in arguments), default=0.0)
        around = [argument.interval for argument in arguments]
        intervals = [interval for interval in around if interval is not None]
        if len(intervals) < len(around) or not intervals:
            return Magnitude(bits)
        if function in ("exp", "sinh", "cosh"):
            return Magnitude(0.0, None, self._exponential(function, intervals[0], node))
        exact = _exact_call(function, [argument.exact for argument in arguments])
        if exact is not None:
            return _exactly(exact)
        interval = _called(function, intervals)
        return self._bounded(Magnitude(bits if function in _TRANSPARENT else 0.0, None, interval), node)

    def _exponential(self, function: str, argument: Interval, node: Node) -> Interval:
        if argument.largest > self.log_limit:
            raise refusal(
                self.text,
                column=node.column,
                problem=f"{function} of a constant beyond {int(self.log_limit)}, or of one that cannot be bounded",
                remedy="use a smaller one, or give it a name",
            )
        if function == "exp":
            return _hull([argument.low.exp(), argument.high.exp()])
        largest = argument.largest.exp()
        return Interval(Decimal(0) if function == "cosh" else -largest, largest)


def _added(left: Interval, right: Interval) -> Interval:
    slack = max(left.largest, right.largest) * _RELATIVE
    low, high = left.low + right.low, left.high + right.high
    if low.is_nan() or high.is_nan() or not slack.is_finite():
        return _ANYWHERE
    return Interval(low - slack, high + slack)


def _multiplied(left: Interval, right: Interval) -> Interval:
    return _hull([a * b for a in (left.low, left.high) for b in (right.low, right.high)])


def _exact_call(function: str, values: Sequence[Fraction | None]) -> Fraction | None:
    """Return the value of a function that maps these rationals to a rational by arithmetic alone."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    match function, known:
        case "abs", [value]:
            return abs(value)
        case "floor", [value]:
            return Fraction(math.floor(value))
        case "sign", [value]:
            return Fraction((value > 0) - (value < 0))
        case "Mod", [value, modulus] if modulus != 0:
            return value % modulus
        case ("Min" | "Max") as name, [_, *_]:
            return min(known) if name == "Min" else max(known)
    return None


def _called(function: str, arguments: list[Interval]) -> Interval | None:
    """Return where a function of constants lies; an unknown function is taken to grow at most as 2|x| + 2."""
    first = arguments[0]
    if function in _SMOOTH:
        return _smooth(function, first)
    largest = max(argument.largest for argument in arguments)
    match function:
        case "log":
            return _hull([first.low.ln(), first.high.ln()]) if first.low > 0 else None
        case "sqrt":
            return _hull([first.low.sqrt(), first.high.sqrt()]) if first.low >= 0 else None
        case "sign":
            return Interval(Decimal(-1), Decimal(1))
        case "abs":
            closest = Decimal(0) if first.low <= 0 <= first.high else min(abs(first.low), abs(first.high))
            return Interval(closest, first.largest)
        case "floor":
            return Interval(first.low - 1, first.high)
        case "Mod":
            return Interval(-arguments[-1].largest, arguments[-1].largest)
        case "Min":
            return Interval(min(a.low for a in arguments), min(a.high for a in arguments))
        case "Max":
            return Interval(max(a.low for a in arguments), max(a.high for a in arguments))
    return Interval(-2 * largest - 2, 2 * largest + 2)


def _smooth(function: str, argument: Interval) -> Interval | None:
    """Return where a smooth function lies: near its value on a narrow interval, else within its range."""
    narrow = argument.largest < 10**6 and argument.high - argument.low <= (1 + argument.largest) * Decimal("1e-6")
    if narrow:
        try:
            ends = [Decimal(_SMOOTH[function](float(end))) for end in (argument.low, argument.high)]
        except (ValueError, OverflowError):
            return None
        around = _hull(ends, relative=Decimal("1e-9"))
        return Interval(around.low - Decimal("1e-9"), around.high + Decimal("1e-9"))
    if function in _BOUNDED:
        return Interval(Decimal(-_BOUNDED[function]), Decimal(_BOUNDED[function]))
    if function in ("asinh", "acosh"):
        return Interval(-argument.largest, argument.largest)
    return _ANYWHERE
