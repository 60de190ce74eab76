"""What is said about one exact cliff: its equation, where it holds, its multiplier and its two sides. Data only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import sympy
from sympy import Expr, Symbol

from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.evidence import Verdict
from symgrad.maps import Map, expand_activations, to_text

DIGITS = 17
GUARD = 40


class Side(Enum):
    """What becomes of the start beside a cliff; the value is the phrase a report prints."""

    ATTRACTOR = "attractor"
    PLUS_INFINITY = "+infinity"
    MINUS_INFINITY = "-infinity"
    CYCLE_PHASE = "2-cycle phase"


@dataclass(frozen=True)
class CliffCurve:
    """A curve in the plane of two parameters near which the last state changes steeply, ever more so with depth.

    Parameters
    ----------
    origin : "basin line", "fold", "flip" or "infinity"
    layer : one application of the chain
    start : x₀
    parameter : the symbol the curve is parametrised by
    low, high : the open interval of that symbol
    conditions : expressions of that symbol that must be positive
    expressions : name of each parameter, and of the state at the repelling or semistable point → expression
    solved : the name whose deviation from the curve is measured
    along : the other name, in whose values the validity is stated
    span : the open interval of ``along``, None where it is not known exactly
    multiplier : of the fixed point or cycle on the curve, +-1 on folds, flips and at infinity
    period : of the cycle that the start lands on
    preimages : how many steps lead to it
    lands : the states of the orbit, x₀ first, up to the end of the first period; empty on folds, flips and at infinity
    side_below, side_above : fate of the start for ``solved`` below and above the curve, None where algebra does not say
    verdict : how far it is decided that this curve is one
    proof : by what argument

    Examples
    --------
    >>> from symgrad.derivation.cliff_equations import cliff_curves
    >>> line = cliff_curves(Map("w*sigmoid(x) + b", "x"), ("w", "b"), sympy.Rational(1, 2))[0]
    >>> line.equation, line.valid
    ('b = 1/2 - w*sigmoid(1/2)', 'w > 4.2552519304127616')
    >>> line.valid_exact
    'w > 1/((1 - sigmoid(1/2))*sigmoid(1/2))'
    """

    origin: str
    layer: Map
    start: Expr
    parameter: Symbol
    low: Expr
    high: Expr
    conditions: tuple[Expr, ...]
    expressions: Mapping[str, Expr]
    solved: str
    along: str
    span: tuple[Expr, Expr] | None
    multiplier: Expr
    period: int
    preimages: int
    lands: tuple[Expr, ...]
    side_below: Side | None
    side_above: Side | None
    verdict: Verdict
    proof: str

    @property
    def parametric(self) -> bool:
        """Whether the curve is parametrised by a coordinate that is none of its two parameters."""
        return self.parameter.name not in (self.solved, self.along)

    @property
    def equation(self) -> str:
        """The curve as text, parametric with the interval of its coordinate where it is."""
        if not self.parametric:
            return f"{self.solved} = {ordered_text(self.expressions[self.solved])}"
        both = [f"{name} = {ordered_text(self.expressions[name])}" for name in (self.along, self.solved)]
        interval = _interval(str(self.parameter), self.low, self.high, to_text)
        return ", ".join([*both, *([interval] if interval else [])])

    @property
    def valid(self) -> str:
        """Where it holds, with bounds in decimals of 17 digits; "" where it always does."""
        return self._validity(decimal_text)

    @property
    def valid_exact(self) -> str:
        """Where it holds, with exact bounds."""
        return self._validity(to_text)

    def _validity(self, shown: Callable[[Expr], str]) -> str:
        parts = [] if self.span is None else [_interval(self.along, *self.span, shown)]
        return " and ".join(p for p in [*parts, *(f"{to_text(c)} > 0" for c in self.conditions)] if p)


def decimal_text(value: Expr) -> str:
    """Return an exact constant as a decimal of 17 digits, rounded once; whole numbers stay whole.

    >>> decimal_text(2 + 2 * sympy.cosh(sympy.Rational(1, 2)))
    '4.2552519304127616'
    """
    if value.is_Integer:
        return str(value)
    known = decimal_value(expand_activations(value), GUARD)
    text = str(sympy.Float(known, DIGITS))
    return text.rstrip("0") if "." in text and "e" not in text else text


def _interval(name: str, low: Expr, high: Expr, text: Callable[[Expr], str]) -> str:
    """Return an open interval as text, "" for the whole line."""
    if low == -sympy.oo and high == sympy.oo:
        return ""
    if low == -sympy.oo:
        return f"{name} < {text(high)}"
    return f"{name} > {text(low)}" if high == sympy.oo else f"{text(low)} < {name} < {text(high)}"


def ordered_text(expr: Expr) -> str:
    """Return a sum as text with its plain numbers first, as it is written by hand.

    >>> from symgrad.symbols import w
    >>> ordered_text(sympy.Rational(1, 2) - 2 * w)
    '1/2 - 2*w'
    """
    terms = sympy.Add.make_args(expr)
    numbers = [t for t in terms if t.is_number]
    rest = sympy.Add(*[t for t in terms if not t.is_number])
    if not numbers or rest == 0:
        return to_text(expr)
    text = to_text(rest)
    return f"{to_text(sympy.Add(*numbers))} {'- ' + text[1:] if text.startswith('-') else '+ ' + text}"
