"""The regime proved at one exact point, from what algebra says once about a whole chain; without SymPy.

A chain is described by four expressions: its constant factor or a bound of all factors, and the residual f(x) - x and
the slope f'(x) of one application. At a point, fractions decide on which side of 0 and ±1 they lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from symgrad.derivation import Regime
from symgrad.errors import InputError
from symgrad.parsing import Node, parse
from symgrad.phenomena.fraction_ranges import Range, Unknown, value_at

if TYPE_CHECKING:
    from symgrad.maps import Composition

REGIMES = tuple(Regime)
CODE: Mapping[Regime, int] = {regime: code for code, regime in enumerate(REGIMES)}
OPEN = -1
PARTS = ("factor", "bound", "residual", "slope")


@dataclass(frozen=True)
class PointStatements:
    """What algebra says about every point of a chain, as texts; None where it says nothing.

    Parameters
    ----------
    factor : the factor of one application where it depends on neither state nor layer
    bound : q with abs(factor) <= abs(q) at every state
    residual, slope : f(x) - x and f'(x) of one application f
    written : whether the texts above are all that algebra says; what has no text needs SymPy at every point

    Examples
    --------
    >>> statements = PointStatements(None, "w", "tanh(w*x) - x", "w*(1 - tanh(w*x)**2)")
    >>> point = {"w": Fraction(9, 10), "x": Fraction(1)}
    >>> REGIMES[statements.code(point, nonzero=True)].word
    'vanishing'
    """

    factor: str | None
    bound: str | None
    residual: str | None
    slope: str | None
    written: bool = True

    @cached_property
    def _trees(self) -> dict[str, Node | None]:
        texts = {part: getattr(self, part) for part in PARTS}
        return {part: None if text is None else parse(text) for part, text in texts.items()}

    def code(self, point: Mapping[str, Fraction], *, nonzero: bool) -> int:
        """Return the code of the regime proved at a point, ``OPEN`` where none is.

        Parameters
        ----------
        point : the exact value of the state and of every parameter
        nonzero : whether the product computed differs from 0; a bound alone does not tell zero from vanishing

        Raises
        ------
        Unknown : fractions do not decide it
        """
        if not self.written:
            raise Unknown("an expression without a text")
        trees = self._trees
        if trees["factor"] is not None:
            return code_of_power(value_at(trees["factor"], point))
        if trees["bound"] is not None:
            found = code_of_power(value_at(trees["bound"], point))
            if found == CODE[Regime.ZERO] or (found == CODE[Regime.VANISHING] and nonzero):
                return found
        if trees["residual"] is None or trees["slope"] is None:
            return OPEN
        moved = value_at(trees["residual"], point).sign
        if moved is None:
            raise Unknown("a start that may be a fixed point")
        return OPEN if moved else code_of_power(value_at(trees["slope"], point))

    def to_data(self) -> dict[str, Any]:
        """Return the statements as plain data."""
        return {**{part: getattr(self, part) for part in PARTS}, "written": self.written}

    @classmethod
    def from_data(cls, data: Any) -> "PointStatements":
        """Return the statements of ``to_data``, refusing what is not one."""
        texts: list[Any] = [data.get(part) for part in PARTS] if isinstance(data, dict) else [0]
        if not all(text is None or type(text) is str for text in texts) or type(data.get("written")) is not bool:
            raise InputError("this states nothing about a point; derive it anew")
        factor, bound, residual, slope = texts
        found = cls(factor, bound, residual, slope, written=data["written"])
        _ = found._trees
        return found


def code_of_power(number: Range) -> int:
    """Return the code of the regime of aⁿ for the a that lies in a range.

    >>> REGIMES[code_of_power(Range(Fraction(-1), Fraction(-1)))].word
    'alternating'
    """
    above, zero, below = (number.minus(level).sign for level in (1, 0, -1))
    if above is None or zero is None or below is None:
        raise Unknown("a number that may be 0 or ±1")
    exact = {zero: Regime.ZERO, above: Regime.CONSTANT, below: Regime.ALTERNATING}
    if 0 in exact:
        return CODE[exact[0]]
    return CODE[Regime.VANISHING if above < 0 < below else Regime.EXPLODING]


def exact_fraction(value: Any) -> Fraction | None:
    """Return a number as the fraction it is: a float as its binary value, text and fractions as written.

    >>> exact_fraction("1/3"), exact_fraction(0.5), exact_fraction(float("inf"))
    (Fraction(1, 3), Fraction(1, 2), None)
    """
    try:
        if hasattr(value, "p") and hasattr(value, "q"):  # a rational number of SymPy
            return Fraction(int(value.p), int(value.q))
        return Fraction(value) if isinstance(value, int | str | Fraction) else Fraction(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def point_statements(composition: "Composition") -> PointStatements:
    """Return what algebra says about every point of a composition."""
    from symgrad.derivation import body_map, constant_factor, one_block, uniform_bound

    chain = one_block(composition)
    if chain is None:
        return PointStatements(None, None, None, None)
    factor = constant_factor(chain)
    bound = None if factor is not None else uniform_bound(chain)
    layer = None if factor is not None else body_map(chain)
    residual = None if layer is None else layer.expr - layer.state[0]
    slope = None if layer is None else layer.jacobian[0][0]
    try:
        return PointStatements(_text(factor), _text(bound), _text(residual), _text(slope))
    except InputError:
        return PointStatements(None, None, None, None, written=False)


def _text(expr: Any) -> str | None:
    """Return the text of an expression with its activations written out, if it can be read back."""
    from symgrad.maps import expand_activations, to_text

    if expr is None:
        return None
    text = to_text(expand_activations(expr))
    parse(text)
    return text
