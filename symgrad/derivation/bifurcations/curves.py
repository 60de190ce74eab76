"""What is said about bifurcations: curves, points, and the equations that algebra leaves open. Data only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from symgrad.evidence import Verdict
from symgrad.maps import Map, to_text

Names = tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """A curve of bifurcations in the plane of two parameters, or of one start value.

    Parameters
    ----------
    kind : "fold", "flip", "pitchfork", "transcritical" or "basin line"
    period : of the cycle that bifurcates
    parameter : the symbol the curve is parametrised by
    low, high : the open interval of that symbol
    conditions : further conditions, as text
    expressions : name of each parameter, and of the state where it is known, → expression of ``parameter``
    verdict : how far it is decided that every point of it is one of this kind
    proof : by what argument f(x) = x and f'(x) = μ hold on it
    """

    kind: str
    period: int
    parameter: Symbol
    low: Expr
    high: Expr
    conditions: tuple[str, ...]
    expressions: Mapping[str, Expr]
    verdict: Verdict
    proof: str

    @property
    def domain(self) -> str:
        """The values of the parameter as text."""
        return domain_text(self.parameter, self.low, self.high, self.conditions)


@dataclass(frozen=True)
class ExactPoint:
    """A bifurcation at one value of each parameter, exactly.

    Parameters
    ----------
    kind : of a curve, or "cusp"
    period : of the cycle that bifurcates
    values : name of each parameter → its value
    state : the fixed point, None where it is not exact
    polynomials : name of a parameter → the irreducible polynomial its value is a root of
    """

    kind: str
    period: int
    values: Mapping[str, Expr]
    state: Expr | None
    polynomials: Mapping[str, Expr]


@dataclass(frozen=True)
class OpenEquation:
    """An equation for the coordinate of a bifurcation that algebra does not solve; its roots can be isolated.

    Parameters
    ----------
    kind : of the points it gives, "" where it depends on the root
    period : of the cycle that bifurcates
    coordinate : the unknown
    low, high : the open interval of the unknown
    equation : an expression of the unknown, equal to 0
    values : name of each parameter → expression of the unknown
    state : the fixed point as an expression of the unknown
    known : exact roots that are reported already
    """

    kind: str
    period: int
    coordinate: Symbol
    low: Expr
    high: Expr
    equation: Expr
    values: Mapping[str, Expr]
    state: Expr
    known: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Bifurcations:
    """What is known exactly of the bifurcations of a map.

    Parameters
    ----------
    layer : the map
    names : the parameters, in the order asked for
    period : of the cycles
    curves, points : exact
    open : equations whose roots are further points
    superstable : parameter values at which a critical point lies on the cycle
    remarks : sentences on what is left out
    """

    layer: Map
    names: Names
    period: int
    curves: tuple[Curve, ...] = ()
    points: tuple[ExactPoint, ...] = ()
    open: tuple[OpenEquation, ...] = ()
    superstable: tuple[ExactPoint, ...] = ()
    remarks: tuple[str, ...] = ()


def domain_text(symbol: Symbol, low: Expr, high: Expr, conditions: Sequence[str] = ()) -> str:
    """Return an open interval and further conditions as text.

    >>> domain_text(Symbol("s"), sympy.S.Zero, sympy.S.One, ["s != 1/2"])
    '0 < s < 1 and s != 1/2'
    """
    bounds = []
    if low != -sympy.oo and high != sympy.oo:
        bounds = [f"{to_text(low)} < {symbol} < {to_text(high)}"]
    elif low != -sympy.oo or high != sympy.oo:
        bounds = [f"{symbol} > {to_text(low)}" if high == sympy.oo else f"{symbol} < {to_text(high)}"]
    return " and ".join([*bounds, *conditions]) or f"every real {symbol}"
